package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/promcheck"
)

const (
	// lookback is how much of Prometheus' data a check looks at to find whether there is any.
	lookback = 5 * time.Minute
	// trafficOver is the time over which the mean traffic is taken, and good and bad events
	// compared.
	trafficOver = 24 * time.Hour
	// atOnce is how many objectives are asked about together.
	atOnce = 8
)

// askPrometheus finds what is wrong with objectives on the Prometheus that each is for, such as a
// metric that it does not have. If one can't be asked, the others are.
func askPrometheus(ctx context.Context, s surroundings, definitions []config.Definition) (problems []config.Problem, err error) {
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return nil, usageError{err}
	}
	if wrong := (config.Bounds{Sources: source.SourceNames()}).Check(definitions); len(wrong) > 0 {
		return wrong, nil
	}
	sources, err := daemon.OpenSources(source.Servers(), nil, nil)
	if err != nil {
		return nil, usageError{err}
	}
	defer sources.Close()
	servers := source.Servers()
	var errs []error
	for _, name := range sources.Names() {
		own := slices.DeleteFunc(slices.Clone(definitions), func(d config.Definition) bool { return d.Objective.Source != name })
		if len(own) == 0 {
			continue
		}
		client := sources.Of(name)
		if err := client.Ping(ctx); err != nil {
			what := "Prometheus"
			if name != "" {
				what = "source " + name
			}
			errs = append(errs, fmt.Errorf("asking %s at %s: %w", what, servers[name].URL, err))
			continue
		}
		problems = append(problems, checkOn(ctx, client, own, source.Interval)...)
	}
	return problems, errors.Join(errs...)
}

// checkOn finds what is wrong with objectives on their Prometheus.
func checkOn(ctx context.Context, client *prom.Client, definitions []config.Definition, interval time.Duration) (problems []config.Problem) {
	now := time.Now().Truncate(time.Millisecond) // a Prometheus that was just started may have no older data
	c := onlineCheck{client: client, definitions: definitions, interval: interval, now: now}
	c.boundaries(ctx)
	c.data(ctx)
	c.series(ctx, c.traffic(ctx))
	slices.SortStableFunc(c.problems, func(a, b placed) int { return a.objective - b.objective })
	for _, p := range c.problems {
		problems = append(problems, p.Problem)
	}
	return problems
}

// onlineCheck collects problems that only a Prometheus shows.
type onlineCheck struct {
	client      *prom.Client
	definitions []config.Definition
	interval    time.Duration // of ticks
	now         time.Time
	problems    []placed
}

// placed is a problem of one of the objectives.
type placed struct {
	config.Problem
	objective int
	unread    bool // there are no data, or they can't be read
}

// add notes a problem of an objective's key.
func (c *onlineCheck) add(objective int, key string, severity config.Severity, format string, args ...any) {
	at := c.definitions[objective].At(key)
	c.problems = append(c.problems, placed{Problem: config.Problem{Position: at, Severity: severity, Text: fmt.Sprintf(format, args...)}, objective: objective})
}

// addUnread is add for data that can't be read.
func (c *onlineCheck) addUnread(objective int, key, format string, args ...any) {
	c.add(objective, key, config.Error, format, args...)
	c.problems[len(c.problems)-1].unread = true
}

func objectives(definitions []config.Definition) []slo.Objective {
	all := make([]slo.Objective, len(definitions))
	for i, d := range definitions {
		all[i] = d.Objective
	}
	return all
}

// boundaries names the bucket boundaries next to thresholds that are not boundaries themselves.
func (c *onlineCheck) boundaries(ctx context.Context) {
	texts := make([]config.Problem, len(c.definitions))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, d := range c.definitions {
		if d.Objective.Indicator.Latency != nil {
			group.Go(func() error {
				texts[i] = nearest(ctx, c.client, d.Objective, c.now)
				return nil
			})
		}
	}
	_ = group.Wait() // errors are problems
	for i, p := range texts {
		if p.Text != "" {
			c.add(i, "indicator.latency.threshold", p.Severity, "%s", p.Text)
		}
	}
}

// data looks for data of each objective in the last minutes, and whether that can be read in time.
func (c *onlineCheck) data(ctx context.Context) {
	start := time.Now()
	readings := c.client.Read(ctx, objectives(c.definitions), slo.Ticks{First: c.now, Last: c.now, Interval: lookback})
	took := time.Since(start)
	for i, reading := range readings {
		o := c.definitions[i].Objective
		switch key := measured(o.Indicator); {
		case reading.Err != nil:
			c.addUnread(i, key, "reading %s: %v", o.Name, reading.Err)
		case blind(reading) && !c.failed(i): // else it is said why
			c.addUnread(i, key, "Prometheus has no data of %s's %s in the last %s", o.Name, key, model.Duration(lookback))
		}
	}
	if took > c.interval/2 {
		c.slowest(ctx, took)
	}
}

// failed reports whether there is an error of an objective.
func (c *onlineCheck) failed(objective int) bool {
	return slices.ContainsFunc(c.problems, func(p placed) bool { return p.objective == objective && p.Severity == config.Error })
}

// slowest names the objectives that take longest to read, after all together took more than half of
// the time between two ticks.
func (c *onlineCheck) slowest(ctx context.Context, together time.Duration) {
	const most = 100 // objectives that are tried
	for i, d := range c.definitions[:min(len(c.definitions), most)] {
		start := time.Now()
		c.client.Read(ctx, []slo.Objective{d.Objective}, slo.Ticks{First: c.now, Last: c.now, Interval: c.interval})
		if took := time.Since(start); took > c.interval/10 {
			c.add(i, measured(d.Objective.Indicator), config.Warning, "reading %s takes %s, and all objectives together %s, of the %s between two ticks: "+
				"select fewer series, or measure a recording rule with sampled",
				d.Objective.Name, took.Round(time.Millisecond), together.Round(time.Millisecond), model.Duration(c.interval))
		}
	}
}

// measured returns the key of an indicator that needs data, such as indicator.bool.
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

// nearest says which bucket boundaries are next to a threshold that is none itself; the text is
// empty if there is nothing to say.
func nearest(ctx context.Context, client *prom.Client, o slo.Objective, at time.Time) config.Problem {
	l := o.Indicator.Latency
	near, ok, err := client.Nearest(ctx, o, at)
	threshold := fmt.Sprintf("%s's threshold of %s", o.Name, exactly(l.Threshold))
	histogram := l.Histogram
	if near.Of != "" {
		histogram = string(near.Of)
		threshold += ", which is a boundary of others,"
	}
	switch {
	case err != nil:
		return config.Problem{Text: fmt.Sprintf("reading the boundaries of %s: %v", l.Histogram, err)}
	case !ok || near.Exact:
		return config.Problem{}
	case math.IsInf(near.High, 1) && near.Of != "":
		return config.Problem{Severity: config.Warning, Text: fmt.Sprintf("%s is above all boundaries of %s, so its events are left out; the last is %v",
			threshold, histogram, near.Low)}
	case math.IsInf(near.High, 1):
		return config.Problem{Text: fmt.Sprintf("%s is above all boundaries of %s, so nothing can be counted; the last is %v", threshold, histogram, near.Low)}
	}
	return config.Problem{Severity: config.Warning, Text: fmt.Sprintf("%s is on no boundary, so events near it are estimated; %v and %v are the nearest boundaries of %s",
		threshold, near.Low, near.High, histogram)}
}

// exactly writes a duration in Prometheus' form, such as 2500ms, or in Go's if it is no whole
// number of milliseconds.
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

// series finds what is wrong with the series of an objective's metrics, and with its events of one
// day.
func (c *onlineCheck) series(ctx context.Context, days []slo.Reading) {
	subjects := make([]promcheck.Subject, len(c.definitions))
	for i, d := range c.definitions {
		subjects[i] = promcheck.Subject{Objective: d.Objective, Evidence: d.Issue.Evidence.Queries, Day: days[i]}
	}
	findings, err := promcheck.New(ctx, c.client, c.now).Check(ctx, subjects)
	if err != nil {
		c.add(0, "", config.Warning, "not all series could be looked at: %v", err)
	}
	for i, found := range findings {
		for _, f := range found {
			severity := config.Warning
			if f.Fatal { // it says why there are no data
				severity = config.Error
				c.problems = slices.DeleteFunc(c.problems, func(p placed) bool { return p.objective == i && p.unread })
			}
			c.add(i, f.Key, severity, "%s: %s", f.Key, f.Text)
		}
	}
}
