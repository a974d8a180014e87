package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/web"
)

// replayCommand folds a stretch of the past, as the daemon would have done.
type replayCommand struct {
	Paths  []string       `arg:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml."`
	Since  model.Duration `help:"How far back to begin." default:"30d" placeholder:"30d"`
	Start  time.Time      `help:"When to begin, RFC 3339; instead of --since." placeholder:"TIME"`
	End    time.Time      `help:"When to end, RFC 3339; default: the newest tick." placeholder:"TIME"`
	Output string         `help:"Form of the result: ${enum}." enum:"table,json" default:"table"`
	Issues string         `help:"Write the incidents' post-mortems into this folder, with evidence." placeholder:"DIR"`
}

// replayed is the JSON form of a replay.
type replayed struct {
	Start      time.Time       `json:"start"`
	End        time.Time       `json:"end"`
	Step       string          `json:"step"`
	Objectives []web.Objective `json:"objectives"`
	Incidents  []web.Incident  `json:"incidents"`
}

// Run prints the incidents of the stretch. To find some is no error.
func (c replayCommand) Run(ctx context.Context, s surroundings) error {
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	start, end, err := c.stretch(time.Now(), source)
	if err != nil {
		return usageError{err}
	}
	definitions, problems := config.Load(c.Paths)
	show(s.stderr, problems)
	if config.Failed(problems) {
		return fmt.Errorf("found %s", count(problems))
	}
	client, err := prom.New(prom.Options{URL: source.PrometheusURL.Reveal(), ConfigFile: source.PrometheusConfigFile})
	if err != nil {
		return usageError{err}
	}
	defer client.Close()
	defs := make([]alert.Definition, len(definitions))
	for i, d := range definitions {
		defs[i] = d.Alert()
	}
	found, err := engine.Replay(ctx, client.Read, defs, source.Interval, start, end, progress(s.stderr))
	if err != nil {
		return fmt.Errorf("replaying %s to %s: %w", start.Format(time.RFC3339), end.Format(time.RFC3339), err)
	}
	if err := c.print(s.stdout, found, start, end, source.Interval); err != nil || c.Issues == "" {
		return err
	}
	byName := map[string]issue.Settings{}
	for _, d := range definitions {
		byName[d.Objective.Name] = d.Issue
	}
	settings := func(name string) issue.Settings { return byName[name] }
	collect := daemon.Evidence(client, source.Interval, func() time.Time { return end }, settings)
	return writeIssues(ctx, c.Issues, found.Incidents, collect, settings, source.Interval)
}

// print prints what was found.
func (c replayCommand) print(w io.Writer, found engine.Replayed, start, end time.Time, interval time.Duration) error {
	if c.Output == "table" {
		return printTable(w, found, start, end, interval)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(replayed{
		Start: start, End: end, Step: model.Duration(interval).String(),
		Objectives: web.ViewObjectives(found.Statuses),
		Incidents:  web.ViewIncidents(found.Incidents, nil),
	})
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

// progress shows the share that is done: on a line that is written anew at a terminal, else in a line each ten per cent.
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
