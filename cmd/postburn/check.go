package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// checkCommand validates SLO files.
type checkCommand struct {
	Paths  []string `arg:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml."`
	Online bool     `help:"Also ask Prometheus whether it has data of each objective, and GitHub whether issues can be written."`
}

// Run prints all problems, and how many there are or that the objectives are fine. Problems that
// are errors are an error.
func (c checkCommand) Run(ctx context.Context, s surroundings) error {
	definitions, problems := config.Load(c.Paths)
	show(s.stderr, problems)
	if config.Failed(problems) {
		return fmt.Errorf("found %s", count(problems))
	}
	if found := checkTemplates(definitions); len(found) > 0 {
		show(s.stderr, found)
		return fmt.Errorf("found %s", count(append(problems, found...)))
	}
	if c.Online {
		found, err := askPrometheus(ctx, s, definitions)
		more, gitHubErr := askGitHub(ctx, s, definitions)
		found = append(found, more...)
		show(s.stderr, found)
		if err := errors.Join(err, gitHubErr); err != nil {
			return err
		}
		problems = append(problems, found...)
		if config.Failed(found) {
			return fmt.Errorf("found %s", count(problems))
		}
	}
	files := plural(len(config.Files(c.Paths)), "file")
	fine := fmt.Sprintf("%s in %s %s fine", plural(len(definitions), "objective"), files, are(len(definitions)))
	if len(problems) > 0 {
		fine += ", with " + count(problems)
	}
	_, err := fmt.Fprintln(s.stdout, fine)
	return err
}

// checkTemplates tries each template once with samples.
func checkTemplates(definitions []config.Definition) (problems []config.Problem) {
	tried := map[string]bool{"": true}
	for _, d := range definitions {
		file := d.Issue.Template
		if tried[file] {
			continue
		}
		tried[file] = true
		var wrong *postmortem.TemplateError
		switch err := postmortem.CheckTemplate(file); {
		case errors.As(err, &wrong) && wrong.Line > 0:
			problems = append(problems, config.Problem{Position: config.Position{File: wrong.File, Line: wrong.Line, Column: max(1, wrong.Column)}, Text: wrong.Text})
		case err != nil:
			problems = append(problems, config.Problem{Position: d.Position, Text: fmt.Sprintf("issue.template: %v", err)})
		}
	}
	return problems
}

// lookback is how much of Prometheus' data a check looks at.
const lookback = 5 * time.Minute

// askPrometheus looks for data of each objective in the last minutes.
func askPrometheus(ctx context.Context, s surroundings, definitions []config.Definition) (problems []config.Problem, err error) {
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return nil, usageError{err}
	}
	client, err := prom.New(prom.Options{URL: source.PrometheusURL.Reveal(), ConfigFile: source.PrometheusConfigFile})
	if err != nil {
		return nil, usageError{err}
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return nil, fmt.Errorf("asking Prometheus at %s: %w", source.PrometheusURL, err)
	}
	objectives := make([]slo.Objective, len(definitions))
	for i, d := range definitions {
		objectives[i] = d.Objective
	}
	now := time.Now().Truncate(time.Second)
	for i, reading := range client.Read(ctx, objectives, slo.Ticks{First: now, Last: now, Interval: lookback}) {
		problem := config.Problem{Position: definitions[i].Position}
		switch {
		case reading.Err != nil:
			problem.Text = fmt.Sprintf("reading %s: %v", objectives[i].Name, reading.Err)
		case blind(reading):
			problem.Text = fmt.Sprintf("Prometheus has no data of %s's %s in the last %s",
				objectives[i].Name, measured(objectives[i].Indicator), model.Duration(lookback))
		}
		if l := objectives[i].Indicator.Latency; l != nil && reading.Err == nil {
			if found, ok := askBoundaries(ctx, client, objectives[i], now); ok {
				found.Position = definitions[i].Position
				problem = found
			}
		}
		if problem.Text != "" {
			problems = append(problems, problem)
		}
	}
	return append(problems, askTraffic(ctx, client, definitions, now)...), nil
}

// measured is the key of what an indicator has to have data of.
func measured(i slo.Indicator) string {
	switch {
	case i.Latency != nil:
		return "indicator.latency.histogram"
	case i.Bool != "":
		return "indicator.bool"
	case i.Sampled != nil && i.Sampled.ErrorRatio != "":
		return "indicator.sampled.error_ratio"
	case i.Sampled != nil:
		return "indicator.sampled"
	}
	return "indicator.ratio.total"
}

// askBoundaries names the boundaries next to a threshold that is none; ok is false where there is
// nothing to say.
func askBoundaries(ctx context.Context, client *prom.Client, o slo.Objective, at time.Time) (problem config.Problem, ok bool) {
	l := o.Indicator.Latency
	near, ok, err := client.Nearest(ctx, o, at)
	threshold := fmt.Sprintf("%s's threshold of %s", o.Name, exactly(l.Threshold))
	switch {
	case err != nil:
		return config.Problem{Text: fmt.Sprintf("reading the boundaries of %s: %v", l.Histogram, err)}, true
	case !ok || near.Exact:
		return config.Problem{}, false
	case math.IsInf(near.High, 1):
		return config.Problem{Text: fmt.Sprintf("%s is above all boundaries of %s, and nothing can be counted; %v is the last one",
			threshold, l.Histogram, near.Low)}, true
	}
	return config.Problem{Severity: config.Warning, Text: fmt.Sprintf("%s is on no boundary, so events near it are estimated; %v and %v are the nearest boundaries of %s",
		threshold, near.Low, near.High, l.Histogram)}, true
}

// exactly writes a duration in Prometheus' form, or in Go's if it is no whole number of
// milliseconds.
func exactly(d time.Duration) string {
	if d%time.Millisecond != 0 {
		return d.String()
	}
	return model.Duration(d).String()
}

// blind reports whether a reading holds no data.
func blind(r slo.Reading) bool {
	for _, series := range r.Series {
		for _, sample := range series.Samples {
			if !sample.Blind {
				return false
			}
		}
	}
	return true
}

func show(w io.Writer, problems []config.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}

// count is how many errors and warnings there are, for people.
func count(problems []config.Problem) string {
	wrong := 0
	for _, p := range problems {
		if p.Severity == config.Error {
			wrong++
		}
	}
	warnings := len(problems) - wrong
	switch {
	case warnings == 0:
		return plural(wrong, "error")
	case wrong == 0:
		return plural(warnings, "warning")
	}
	return plural(wrong, "error") + " and " + plural(warnings, "warning")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
