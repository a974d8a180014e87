package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/drill"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

// drillCommand writes a failure that did not happen.
type drillCommand struct {
	Paths    []string  `arg:"" optional:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml files; default: $$POSTBURN_SLO_PATH."`
	SLO      string    `name:"slo" help:"The objective." placeholder:"NAME"`
	Scenario string    `help:"A scenario's name, or a file with one; default: another one each day." placeholder:"NAME|FILE"`
	List     bool      `help:"List the scenarios that are built in, and do nothing else."`
	Traffic  *float64  `help:"Usual events a minute; default: the mean of the last day in Prometheus." placeholder:"N"`
	Date     time.Time `help:"Day of the drill, such as 2026-12-03; default: today." format:"2006-01-02" placeholder:"DAY"`
	Issue    bool      `help:"Open an issue with the label drill, where the daemon writes post-mortems; one a day for an objective."`

	Live     model.Duration `help:"You break something yourselves, for so long: report what the daemon notices." placeholder:"30m"`
	From     time.Time      `help:"When a live drill began, to go on with it, such as 2026-12-03T10:00:00Z." placeholder:"TIME"`
	Postburn string         `help:"Address of the daemon's pages, for a live drill; default: $$POSTBURN_EXTERNAL_URL." placeholder:"URL"`
}

const (
	// drillAt is the time of the day at which the failure begins, in UTC.
	drillAt = 10 * time.Hour
	// drillBefore and drillAfter are how much of the time around it is replayed.
	drillBefore = time.Hour
	drillAfter  = 24 * time.Hour
	// drillInterval is the length of a tick if nothing says another one.
	drillInterval = 30 * time.Second
)

// Run prints the drill, or opens an issue with it.
func (c drillCommand) Run(ctx context.Context, s surroundings) error {
	all, err := drill.All()
	if err != nil {
		return err
	}
	if c.List {
		return listScenarios(s, all)
	}
	if c.Live != 0 {
		return c.live(ctx, s)
	}
	if c.SLO == "" {
		return usageError{errors.New("--slo is missing: name the objective that the drill is about, or see the scenarios with --list")}
	}
	day := c.Date.UTC()
	if c.Date.IsZero() {
		day = slo.Floor(time.Now().UTC(), 24*time.Hour)
	}
	scenario, err := c.scenario(all, day)
	if err != nil {
		return usageError{err}
	}
	definition, err := c.definition(s)
	if err != nil {
		return err
	}
	traffic, err := c.traffic(ctx, s, definition)
	if err != nil {
		return err
	}
	text, err := tell(ctx, scenario, definition, traffic, day.Add(drillAt))
	if err != nil {
		return err
	}
	if c.Issue {
		return openDrill(ctx, s, definition, day, text)
	}
	_, err = fmt.Fprintf(s.stdout, "# %s\n\n%s", text.Title, text.Body)
	return err
}

func listScenarios(s surroundings, all []drill.Scenario) error {
	for _, one := range all {
		if _, err := fmt.Fprintf(s.stdout, "%s (%d min)\n    %s\n", one.Name, one.Minutes, one.About); err != nil {
			return err
		}
	}
	return nil
}

// scenario returns the one that was named, or that of the day.
func (c drillCommand) scenario(all []drill.Scenario, day time.Time) (drill.Scenario, error) {
	if c.Scenario == "" {
		return drill.Pick(all, drill.Key(c.SLO, day)), nil
	}
	var names []string
	for _, one := range all {
		if one.Name == c.Scenario {
			return one, nil
		}
		names = append(names, one.Name)
	}
	text, err := os.ReadFile(c.Scenario)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(c.Scenario) == c.Scenario && filepath.Ext(c.Scenario) == "" {
		return drill.Scenario{}, fmt.Errorf("--scenario %s: there is no such scenario, and no such file; there are %s", c.Scenario, strings.Join(names, ", "))
	}
	if err != nil {
		return drill.Scenario{}, fmt.Errorf("reading the scenario: %w", err)
	}
	one, err := drill.Parse(text)
	if err != nil {
		return one, fmt.Errorf("%s: %w", c.Scenario, err)
	}
	return one, nil
}

// definition returns the objective that was named.
func (c drillCommand) definition(s surroundings) (config.Definition, error) {
	paths := c.Paths
	if len(paths) == 0 {
		path, _ := s.lookuper.Lookup(config.Prefix + "SLO_PATH")
		if path == "" {
			path = "slos.yaml"
		}
		paths = []string{path}
	}
	all, err := loadEach(s.stderr, [][]string{paths}, nil)
	if err != nil {
		return config.Definition{}, err
	}
	d, err := suggestCommand{SLO: c.SLO}.find(all[0])
	if err != nil {
		return d, usageError{err}
	}
	return d, nil
}

// drillTraffic is an objective's usual traffic, and the share of it that is watched.
type drillTraffic struct {
	perMinute float64
	labels    slo.Labels // the busiest of the objective's label sets
	interval  time.Duration
}

// tell writes a scenario for an objective, with what postburn would have made of it.
func tell(ctx context.Context, s drill.Scenario, d config.Definition, t drillTraffic, onset time.Time) (issue.Text, error) {
	o := d.Objective
	noun, bad := postmortem.Words(o.Indicator)
	sub := drill.Subject{
		Service: postmortem.Escape(o.Service), Objective: postmortem.Code(slo.ID{SLO: o.Name, Labels: t.labels}.String()),
		Promise: o.Target.Percent() + " over " + postmortem.WindowPeriod(o.Window), Allowed: slo.NewThreshold(slo.MustDecimal("1"), o.Target).Ratio(),
		Window: o.Window.Length(), PerMinute: t.perMinute, Noun: noun, Bad: bad,
	}
	end := onset.Add(time.Duration(s.Minutes)*time.Minute + drillAfter)
	replayed, err := engine.Replay(ctx, course(s, sub, t, onset), []alert.Definition{d.Alert()}, t.interval, onset.Add(-drillBefore), end, nil)
	if err != nil {
		return issue.Text{}, fmt.Errorf("finding out what postburn would notice: %w", err)
	}
	var noticed drill.Course
	recorded, err := postmortem.Form()
	if n := len(replayed.Incidents); n > 0 {
		first := replayed.Incidents[n-1]
		noticed = drill.Course{Noticed: true, Detected: first.Detected().Sub(onset)}
		recorded, err = recordedText(first, t.interval)
	}
	if err != nil {
		return issue.Text{}, err
	}
	return drill.Write(s, sub, noticed, recorded), nil
}

// recordedText is the text that postburn would have written in the end, whatever form the SLO file
// asks for.
func recordedText(i alert.Incident, interval time.Duration) (string, error) {
	facts, err := issue.NewFacts(i, nil, func(string) (issue.Publication, error) { return issue.Publication{}, nil })
	if err != nil {
		return "", err
	}
	facts.Interval = interval
	text, err := postmortem.Render(facts, issue.Opening)
	return text.Body, err
}

// course is a source of samples: steady traffic, and the scenario's failure.
func course(s drill.Scenario, sub drill.Subject, t drillTraffic, onset time.Time) engine.Source {
	return func(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		readings := make([]slo.Reading, len(objectives))
		for n, o := range objectives {
			series := slo.Series{Labels: t.labels}
			for tick := ticks.First; !tick.After(ticks.Last); tick = tick.Add(ticks.Interval) {
				sample := slo.Sample{Tick: tick}
				sample.Total, sample.Bad = s.Between(sub, tick.Add(-ticks.Interval).Sub(onset), tick.Sub(onset))
				if o.Indicator.Bool != "" && sample.Bad < sample.Total/2 {
					sample.Bad = 0
				} else if o.Indicator.Bool != "" {
					sample.Bad = sample.Total
				}
				sample.Normalize()
				series.Samples = append(series.Samples, sample)
			}
			readings[n].Series = []slo.Series{series}
		}
		return readings
	}
}
