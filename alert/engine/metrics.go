package engine

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
)

// metrics are the engine's.
type metrics struct {
	ticks          prometheus.Counter
	lateTicks      prometheus.Counter
	readFailures   prometheus.Counter
	refused        prometheus.Counter
	lateEvents     prometheus.Counter
	windows        *prometheus.CounterVec
	commitFailures prometheus.Counter
	commitSeconds  prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		ticks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_ticks_total", Help: "Ticks folded and committed, summed over lanes.",
		}),
		lateTicks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_ticks_late_total", Help: "Ticks that were more than an interval late when they were read, summed over lanes.",
		}),
		readFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_reads_failed_total", Help: "Readings of an objective that gave no samples and are tried again.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_label_sets_refused_total", Help: "Label sets of group_by that there was no room for, each time they were read.",
		}),
		lateEvents: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_late_events_total", Help: "Events that had reached Prometheus only after their tick was read, and were added later.",
		}),
		windows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postburn_breach_windows_total", Help: "Breach windows opened, by kind.",
		}, []string{"kind"}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_commits_failed_total", Help: "Commits to the store that failed and are tried again.",
		}),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "postburn_commit_duration_seconds", Help: "Time that a commit to the store takes.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
	}
	m.windows.WithLabelValues(string(alert.Burn))
	m.windows.WithLabelValues(string(alert.Budget))
	m.windows.WithLabelValues(string(alert.Blindness))
	m.windows.WithLabelValues(string(alert.Quietness))
	r.MustRegister(m.ticks, m.lateTicks, m.readFailures, m.refused, m.lateEvents, m.windows, m.commitFailures, m.commitSeconds)
	return m
}

var (
	budgetDesc = prometheus.NewDesc("postburn_slo_error_budget_remaining_ratio",
		"Share of the error budget that is left in the objective's window; below 0 it is overspent.", []string{"slo", "service", "labels"}, nil)
	burnDesc = prometheus.NewDesc("postburn_slo_burn_rate",
		"Error ratio over the window divided by 1 - target; 1 spends the budget in exactly the objective's window.", []string{"slo", "service", "labels", "window"}, nil)
	stateDesc = prometheus.NewDesc("postburn_slo_state",
		"1 for the state that the objective is in, 0 for the others.", []string{"slo", "service", "labels", "state"}, nil)
	blindDesc = prometheus.NewDesc("postburn_slo_blind_seconds",
		"For how long there has been no data, or none that could be had; 0 with data, absent where there never was any.", []string{"slo", "service", "labels"}, nil)
	backfillDesc = prometheus.NewDesc("postburn_backfill_remaining_seconds",
		"Time before the objectives were watched that is still to be read from Prometheus for their budgets, summed over objectives.", nil, nil)
	sourceDesc = prometheus.NewDesc("postburn_slo_source",
		"1 for the source that an objective is read from; absent for the default one.", []string{"slo", "source"}, nil)
	answerDesc = prometheus.NewDesc("postburn_source_last_answer_timestamp_seconds",
		"When a source answered last; absent before the first time, and if there is only the default one.", []string{"source"}, nil)
	tickDesc = prometheus.NewDesc("postburn_slo_last_tick_timestamp_seconds",
		"End of the last tick that was committed; absent before the first.", []string{"slo", "service", "labels"}, nil)
)

// statusCollector shows how the objectives stand at the last committed tick.
type statusCollector struct{ board *board }

func (c statusCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- budgetDesc
	ch <- burnDesc
	ch <- stateDesc
	ch <- blindDesc
	ch <- tickDesc
	ch <- backfillDesc
	ch <- sourceDesc
	ch <- answerDesc
}

// Collect implements prometheus.Collector. It collects in the order into which a registry sorts: by
// label values, with label names sorted. Else, with 5,000 objectives, a scrape would spend a third
// of its time on sorting.
func (c statusCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(backfillDesc, c.board.leftToRead().Seconds())
	now := c.board.sampler.now()
	statuses := c.board.own(now)
	c.collectSources(statuses, gauge)
	slices.SortFunc(statuses, func(a, b alert.Status) int {
		return cmp.Or(cmp.Compare(a.Labels, b.Labels), cmp.Compare(a.Objective.Service, b.Objective.Service),
			cmp.Compare(a.Objective.Name, b.Objective.Name))
	})
	for _, s := range statuses {
		id := []string{s.Objective.Name, s.Objective.Service, string(s.Labels)}
		for _, state := range []alert.State{alert.Blind, alert.Burning, alert.OK, alert.Quiet} {
			is := 0.0
			if s.State == state {
				is = 1
			}
			gauge(stateDesc, is, append(id, string(state))...)
		}
		switch {
		case s.State != alert.Blind:
			gauge(blindDesc, 0, id...)
		case !s.BlindSince.IsZero():
			gauge(blindDesc, now.Sub(s.BlindSince).Seconds(), id...)
		}
		if s.Tick.IsZero() {
			continue
		}
		gauge(budgetDesc, s.BudgetRemaining, id...)
		gauge(tickDesc, float64(s.Tick.UnixMilli())/1000, id...)
		rates := map[string]float64{}
		for _, b := range s.BurnRates {
			rates[model.Duration(b.Window).String()] = b.Rate
		}
		for _, window := range slices.Sorted(maps.Keys(rates)) {
			gauge(burnDesc, rates[window], append(id, window)...)
		}
	}
}

// collectSources shows which sources there are, if there are others than the default one. The
// statuses are ordered by objective.
func (c statusCollector) collectSources(statuses []alert.Status, gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	last, named := "", false
	for _, s := range statuses {
		if name := s.Objective.Name; s.Objective.Source != "" && name != last {
			gauge(sourceDesc, 1, name, s.Objective.Source)
			last, named = name, true
		}
	}
	if !named {
		return
	}
	answered, _ := c.board.sampler.answers()
	for _, source := range slices.Sorted(maps.Keys(answered)) {
		gauge(answerDesc, float64(answered[source].UnixMilli())/1000, source)
	}
}
