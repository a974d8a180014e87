package postmortem

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// samples are incidents that never were, with which templates are checked: one that is still open,
// with little known; one with all known; the same below the share from which the analysis is
// included; one of kind budget; and one without data.
func samples() []issue.Facts {
	onset := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	after := func(minutes int) time.Time { return onset.Add(time.Duration(minutes) * time.Minute) }
	o := slo.Objective{
		Name: "sample-availability", Service: "sample", Description: "Requests succeed.", Owner: "@example/sample", Target: slo.MustDecimal("99.9%"),
		Window: slo.Window{Rolling: 30 * day}, Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code=~"5.."}`, Total: "requests_total"}},
		Links: map[string]string{"runbook": "https://example.org/runbook"},
	}
	open := alert.Window{
		Objective: o, Kind: alert.Burn, Rule: &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
		Onset: onset, Detected: after(3), Counts: slo.Counts{Total: 50_000, Bad: 15_000}, PeakBurnRate: 980, BudgetSpent: 0.4, BudgetLeft: 0.35,
		Phases: []alert.Phase{{Kind: alert.Outage, Span: slo.Span{Start: onset, End: after(17)}, Counts: slo.Counts{Total: 15_000, Bad: 14_900}}},
	}
	closed, counts := open, slo.Counts{Total: 1_000, Bad: 300}
	closed.Ended = after(41)
	closed.Caveats = []slo.Caveat{{Kind: slo.NoData, Count: 2}}
	slow := closed
	slow.Objective.Name, slow.Objective.Indicator = "sample-latency", slo.Indicator{Latency: &slo.Latency{Histogram: "request_duration_seconds", Threshold: time.Second}}
	quantiles := []slo.Quantile{{Share: 0.5, Value: time.Second}, {Share: 0.95, Value: 2 * time.Second}, {Share: 0.99, Value: 2 * time.Second, Above: true}}
	all := issue.Facts{
		Incident: alert.Incident{ID: "sample-1", Windows: []alert.Window{closed, slow}}, AsOf: after(41), Interval: 30 * time.Second, URL: "https://example.org/incidents/sample-1",
		Earlier: []issue.Earlier{{ID: "sample-0", Onset: after(-9000), Ended: after(-8990), Worst: closed}}, EarlierAll: 1, Edited: true,
		Evidence: issue.Evidence{
			Chart:        &issue.Chart{Of: closed.ID(), Step: time.Minute, Points: []issue.Point{{Time: onset, Counts: counts}, {Time: after(1), Blind: true}}},
			Contributors: []issue.Contributor{{Of: closed.ID(), Where: []issue.Clause{{Label: "route", Values: []string{"/cart"}, Of: 3}}, In: counts, All: counts}},
			Traffic: []issue.Traffic{{Of: closed.ID(), Window: counts, Length: time.Hour, Usual: []issue.Usual{
				{When: issue.HourBefore, Length: 4 * time.Hour, Counts: counts}, {When: issue.WeekBefore, Length: 4 * time.Hour, Counts: counts},
			}}},
			Durations:  []issue.Durations{{Of: slow.ID(), Window: quantiles, WeekBefore: quantiles}},
			Timeline:   []issue.Entry{{Time: after(30), Text: "Version 2 appeared", Source: "Prometheus", URL: "https://example.org/2"}},
			People:     []string{"somebody"},
			Unresolved: []string{"Something could not be found out."},
		},
	}
	small := all
	small.Settings.PostMortemAt = 10
	budget := closed
	budget.Kind, budget.Rule, budget.Phases = alert.Budget, nil, nil
	blind := closed
	blind.Kind, blind.Rule, blind.Counts = alert.Blindness, nil, slo.Counts{}
	blind.Phases = []alert.Phase{{Kind: alert.BlindGap, Span: slo.Span{Start: onset, End: after(41)}}}
	return []issue.Facts{
		{Incident: alert.Incident{ID: "sample-1", Windows: []alert.Window{open}}, AsOf: after(17), Interval: 30 * time.Second}, all, small,
		{
			Incident: alert.Incident{ID: "sample-1", Windows: []alert.Window{budget}}, AsOf: after(41), Interval: 30 * time.Second,
			SpentBy: []issue.Spender{{Of: budget.ID(), ID: "sample-0", Onset: onset, Bad: 300}},
		},
		{Incident: alert.Incident{ID: "sample-1", Windows: []alert.Window{blind}}, AsOf: after(41), Interval: 30 * time.Second},
	}
}
