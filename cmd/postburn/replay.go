package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
)

// replayCommand shows which incidents SLO files would have opened in a stretch of the past.
type replayCommand struct {
	Paths       []string       `arg:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml files."`
	Against     string         `help:"Compare with what another SLO file or folder, such as the one before a change, would have opened." placeholder:"OLD"`
	Since       model.Duration `help:"How far to look back." default:"30d" placeholder:"30d"`
	Start       time.Time      `help:"Where to start, such as 2026-11-28T14:00:00Z; instead of --since." placeholder:"TIME"`
	End         time.Time      `help:"Where to stop, such as 2026-11-28T15:00:00Z; default: now." placeholder:"TIME"`
	Output      string         `help:"Format of the result: ${enum}." enum:"table,json,markdown" default:"table"`
	Corrections string         `help:"Leave out of the error budgets what this file says: a list of corrections, or what a daemon answers for /api/v1/incidents." placeholder:"FILE"`
	Issues      string         `help:"Also write the incidents' post-mortems into this folder." placeholder:"DIR"`
	cacheFlags

	EveryTick bool `help:"Read every tick once. That takes about three times as long, but then other targets, windows and rules ask Prometheus for nothing."`
}

// Run prints the incidents of the stretch. Incidents are no error.
func (c replayCommand) Run(ctx context.Context, s surroundings) error {
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	start, end, err := c.stretch(time.Now(), source)
	if err != nil {
		return usageError{err}
	}
	files := [][]string{c.Paths}
	if c.Against != "" {
		files = append(files, []string{c.Against})
	}
	all, err := loadEach(s.stderr, files, source.SourceNames())
	if err != nil {
		return err
	}
	var corrections []alert.Correction
	if c.Corrections != "" {
		if corrections, err = loadCorrections(c.Corrections); err != nil {
			return err
		}
	}
	sources, err := daemon.OpenSources(source.Servers(), nil, nil)
	if err != nil {
		return usageError{err}
	}
	defer sources.Close()
	past, err := c.open(ctx, sources, source, s.stderr, c.EveryTick)
	if err != nil {
		return err
	}
	defer past.close()
	outcomes, err := replayEach(ctx, past.read, all, corrections, slo.Span{Start: start, End: end}, source.Interval, progress(s.stderr))
	if err != nil {
		return err
	}
	if err := c.print(s.stdout, outcomes); err != nil || c.Issues == "" {
		return err
	}
	settings := outcomes[0].settings
	collect := daemon.Evidence(sources, source.Interval, func() time.Time { return end }, settings)
	return writeIssues(ctx, c.Issues, outcomes[0].Incidents, collect, settings, source.Interval)
}

// loadEach reads several sets of SLO files, which may name these sources; nil: any. Its error
// lists all that is wrong with any of them.
func loadEach(stderr io.Writer, files [][]string, sources []string) (all [][]config.Definition, err error) {
	wrong := 0
	for _, paths := range files {
		definitions, problems := daemon.Load(paths, config.Bounds{Sources: sources})
		show(stderr, problems)
		if all = append(all, definitions); config.Failed(problems) {
			wrong++
			err = fmt.Errorf("found %s", count(problems))
		}
	}
	if wrong > 1 {
		err = errors.New("found errors in both versions of the SLO files")
	}
	return all, err
}

// print prints what was found, or how it differs from what a second outcome found.
func (c replayCommand) print(w io.Writer, outcomes []outcome) error {
	now := outcomes[0]
	var d *comparison
	if len(outcomes) > 1 {
		d = compareOutcomes(outcomes[1], now)
	}
	switch {
	case c.Output == "json":
		return printJSON(w, now, d)
	case c.Output == "markdown" && d != nil:
		return d.printMarkdown(w)
	case c.Output == "markdown":
		return printMarkdown(w, now)
	case d != nil:
		return d.printTable(w)
	}
	return printTable(w, now)
}

// stretch is what to replay, on the grid of ticks.
func (c replayCommand) stretch(now time.Time, source config.Source) (start, end time.Time, err error) {
	newest := now.Add(-source.Delay)
	end = c.End
	if end.IsZero() {
		end = newest
	}
	start = c.Start
	if start.IsZero() {
		start = end.Add(-time.Duration(c.Since))
	}
	start, end = slo.Floor(start, source.Interval), slo.Floor(end, source.Interval)
	switch {
	case end.After(newest):
		return start, end, fmt.Errorf("--end %s is after the newest tick, %s", end.Format(time.RFC3339), slo.Floor(newest, source.Interval).Format(time.RFC3339))
	case !start.Before(end):
		return start, end, fmt.Errorf("--start %s must be before --end %s", start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return start, end, nil
}

// progress shows how much is done: on a terminal in one line that changes, else in a line for every
// ten per cent.
func progress(w io.Writer) func(float64) {
	shown, unit, line := 0, 10, "replayed %d %%\n"
	if isTerminal(w) {
		unit, line = 1, "\rreplayed %3d %%"
	}
	return func(share float64) {
		done := int(math.Floor(share*100+1e-9)) / unit * unit
		if done <= shown {
			return
		}
		shown = done
		fmt.Fprintf(w, line, done)
		if done == 100 && unit == 1 {
			fmt.Fprintln(w)
		}
	}
}

// isTerminal reports whether somebody may be looking.
func isTerminal(w io.Writer) bool {
	file, is := w.(*os.File)
	if !is {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
