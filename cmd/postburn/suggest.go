package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert/compare"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// suggestCommand replays one objective with many targets.
type suggestCommand struct {
	Paths     []string       `arg:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml files."`
	SLO       string         `name:"slo" required:"" help:"The objective." placeholder:"NAME"`
	Since     model.Duration `help:"How far to look back." default:"30d" placeholder:"30d"`
	End       time.Time      `help:"Where to stop, such as 2026-11-28T15:00:00Z; default: now." placeholder:"TIME"`
	Incidents *int           `help:"How many incidents are wanted at most: the tightest target with no more is marked." placeholder:"N"`
	Store     string         `help:"The daemon's store, to see which settings keep the incidents that were real and drop those closed as not planned; default: that of $$POSTBURN_STORE, if there is one." placeholder:"FILE"`
	Output    string         `help:"Format of the result: ${enum}." enum:"table,json" default:"table"`
	cacheFlags
}

// mostThresholds is how many boundaries of a histogram are tried: those nearest to the threshold.
const mostThresholds = 16

// Run prints what each target, and each threshold, would have meant.
func (c suggestCommand) Run(ctx context.Context, s surroundings) error {
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	start, end, err := replayCommand{Since: c.Since, End: c.End}.stretch(time.Now(), source)
	if err != nil {
		return usageError{err}
	}
	if c.Incidents != nil && *c.Incidents < 0 {
		return usageError{fmt.Errorf("--incidents %d: it must be 0 or more", *c.Incidents)}
	}
	all, err := loadEach(s.stderr, [][]string{c.Paths}, source.SourceNames())
	if err != nil {
		return err
	}
	definition, err := c.find(all[0])
	if err != nil {
		return usageError{err}
	}
	span := slo.Span{Start: start, End: end}
	past, err := judgedIn(ctx, s, c.Store, c.SLO, span)
	if err != nil {
		return err
	}
	sources, err := daemon.OpenSources(source.Servers(), nil, nil)
	if err != nil {
		return usageError{err}
	}
	defer sources.Close()
	found := suggestion{outcome: outcome{span: span, interval: source.Interval}, of: definition, wanted: c.Incidents, past: past}
	thresholds, err := thresholdsOf(ctx, sources.Of(definition.Objective.Source), definition.Objective, end)
	if err != nil {
		return err
	}
	if err := found.try(ctx, c.cacheFlags, sources, source, thresholds, s.stderr); err != nil {
		return err
	}
	if c.Output == "json" {
		return found.printJSON(s.stdout)
	}
	return found.printTable(s.stdout)
}

// find returns the objective that was named.
func (c suggestCommand) find(all []config.Definition) (config.Definition, error) {
	var names []string
	for _, d := range all {
		if d.Objective.Name == c.SLO {
			return d, nil
		}
		names = append(names, d.Objective.Name)
	}
	return config.Definition{}, fmt.Errorf("--slo %s: there is no such objective; there are %s", c.SLO, strings.Join(names, ", "))
}

// targetsOf returns the targets to try, the objective's own among them, loosest first.
func targetsOf(o slo.Objective) []slo.Decimal {
	all := []slo.Decimal{o.Target}
	for _, text := range []string{"90%", "95%", "98%", "99%", "99.5%", "99.8%", "99.9%", "99.95%", "99.98%", "99.99%", "99.995%", "99.999%"} {
		all = append(all, slo.MustDecimal(text))
	}
	slices.SortFunc(all, slo.Decimal.Cmp)
	return slices.CompactFunc(all, func(a, b slo.Decimal) bool { return a.Cmp(b) == 0 })
}

// thresholdsOf returns the thresholds to try of a latency, longest first: boundaries of its
// histograms, at which no event has to be estimated. It has none for other indicators.
func thresholdsOf(ctx context.Context, client *prom.Client, o slo.Objective, at time.Time) ([]time.Duration, error) {
	l := o.Indicator.Latency
	if l == nil {
		return nil, nil
	}
	boundaries, err := client.Boundaries(ctx, o, at)
	if err != nil {
		return nil, fmt.Errorf("reading the boundaries of %s: %w", l.Histogram, err)
	}
	unit := l.Unit
	if unit == 0 {
		unit = time.Second
	}
	all := []time.Duration{l.Threshold}
	for _, b := range boundaries {
		if ns := math.Round(b * float64(unit)); ns >= 1 && ns < math.MaxInt64/2 {
			all = append(all, time.Duration(ns))
		}
	}
	apart := func(d time.Duration) float64 { return math.Abs(math.Log(float64(d) / float64(l.Threshold))) }
	slices.SortStableFunc(all, func(a, b time.Duration) int { return cmp.Compare(apart(a), apart(b)) })
	all = slices.Compact(all)
	all = all[:min(len(all), mostThresholds)]
	slices.SortFunc(all, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	return all, nil
}

// suggestion holds the settings that were tried, and their incidents.
type suggestion struct {
	outcome            // its span and interval
	of                 config.Definition
	wanted             *int    // incidents, at most; nil: nobody said
	past               *judged // nil: there is no store
	targets, latencies []trial
}

// trial is one setting, for example a target of 99.5 %, and the incidents that it would have had.
type trial struct {
	outcome
	target    slo.Decimal
	threshold time.Duration
	isNow     bool // it is the file's
	isBest    bool // see suggestion.mark
}

// try replays all settings. Targets share every tick that is read; each threshold counts other
// events.
func (s *suggestion) try(ctx context.Context, flags cacheFlags, sources *prom.Sources, source config.Source, thresholds []time.Duration, stderr io.Writer) error {
	targets := targetsOf(s.of.Objective)
	var settings []config.Definition
	for _, t := range targets {
		d := s.of
		d.Objective.Target = t
		settings = append(settings, d)
	}
	for _, t := range thresholds {
		d, l := s.of, *s.of.Objective.Indicator.Latency
		l.Threshold = t
		d.Objective.Indicator.Latency = &l
		settings = append(settings, d)
	}
	show := progress(stderr)
	for n, d := range settings {
		isTarget := n < len(targets)
		past, err := flags.open(ctx, sources, source, stderr, isTarget)
		if err != nil {
			return err
		}
		part := func(share float64) { show((float64(n) + share) / float64(len(settings))) }
		outcomes, err := replayEach(ctx, past.read, [][]config.Definition{{d}}, nil, s.span, s.interval, part)
		if past.close(); err != nil {
			return err
		}
		t := trial{outcome: outcomes[0], target: d.Objective.Target, isNow: d.Objective.Target.Cmp(s.of.Objective.Target) == 0}
		if isTarget {
			s.targets = append(s.targets, t)
			continue
		}
		t.threshold = d.Objective.Indicator.Latency.Threshold
		t.isNow = t.threshold == s.of.Objective.Indicator.Latency.Threshold
		s.latencies = append(s.latencies, t)
	}
	s.mark(s.targets)
	s.mark(s.latencies)
	return nil
}

// mark marks the tightest setting with no more incidents than wanted. If nobody said how many, it
// marks what suits the past incidents best, if there are any. Trials are ordered loosest first.
func (s *suggestion) mark(trials []trial) {
	if s.wanted == nil {
		if s.past.decides() && len(trials) > 0 {
			trials[s.past.best(trials)].isBest = true
		}
		return
	}
	for i := range slices.Backward(trials) {
		if len(trials[i].Incidents) <= *s.wanted {
			trials[i].isBest = true
			return
		}
	}
}

// budgetLeft returns the share of the error budget that is left at the end, of the label set that
// has the least; ok is false without any.
func (t trial) budgetLeft() (left float64, ok bool) {
	left = math.Inf(1)
	for _, s := range t.Statuses {
		left = min(left, s.BudgetRemaining)
	}
	return left, len(t.Statuses) > 0
}

func (t trial) inIncident() time.Duration { return compare.InIncident(t.Incidents, t.span) }
