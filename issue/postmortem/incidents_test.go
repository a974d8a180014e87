package postmortem_test

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-10-14 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func span(from, to string) slo.Span { return slo.Span{Start: at(from), End: at(to)} }

func checkout() slo.Objective {
	return slo.Objective{
		Name: "checkout-availability", Service: "checkout", Description: "Checkout requests succeed.", Owner: "@acme/checkout",
		Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour},
		Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `http_requests_total{code=~"5.."}`, Total: `http_requests_total{job="checkout"}`}},
		Links:     map[string]string{"Runbook": "https://wiki.example/checkout?a=1&b=2", "Dashboard": "javascript:alert(1)"},
	}
}

// recovered is an outage of 17 minutes and a degradation of 24.
func recovered() alert.Window {
	rule := alert.DefaultRules(30 * 24 * time.Hour)[0]
	return alert.Window{
		Objective: checkout(), Kind: alert.Burn, Rule: &rule,
		Onset: at("10:41:00"), Detected: at("10:42:00"), Ended: at("11:22:00"), PeakBurnRate: 996.4,
		Counts: slo.Counts{Total: 50969, Bad: 15337}, BudgetSpent: 0.4502, BudgetLeft: 0.3214,
		Phases: []alert.Phase{
			{Kind: alert.Outage, Span: span("10:41:00", "10:58:00"), Counts: slo.Counts{Total: 15200, Bad: 14900}},
			{Kind: alert.Degraded, Span: span("10:58:00", "11:22:00"), Counts: slo.Counts{Total: 35769, Bad: 437}},
		},
	}
}

func burning() alert.Window {
	w := recovered()
	w.Ended, w.Detected = time.Time{}, at("10:42:30")
	w.Counts, w.BudgetSpent = slo.Counts{Total: 1800, Bad: 1102}, 0.0325
	w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("10:41:00", "10:42:30"), Counts: w.Counts}}
	return w
}

func latency() alert.Window {
	w := recovered()
	w.Objective.Name, w.Objective.Description = "checkout-latency", "Checkout answers within half a second."
	w.Objective.Target, w.Objective.Links = slo.MustDecimal("99%"), nil
	w.Objective.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: "http_request_duration_seconds", Threshold: 500 * time.Millisecond}}
	w.Onset, w.Detected, w.Ended = at("10:42:00"), at("10:47:00"), at("11:03:00")
	w.Counts, w.BudgetSpent, w.PeakBurnRate = slo.Counts{Total: 23100, Bad: 8720}, 0.0912, 51.24
	w.Phases = []alert.Phase{{Kind: alert.Degraded, Span: span("10:42:00", "11:03:00"), Counts: w.Counts}}
	return w
}

func budget() alert.Window {
	w := recovered()
	w.Kind, w.Rule, w.Phases = alert.Budget, nil, nil
	w.Onset, w.Detected, w.Ended = at("14:32:00"), at("14:33:00"), time.Time{}
	w.Counts, w.PeakBurnRate, w.BudgetSpent = slo.Counts{Total: 1250, Bad: 12}, 1.043, 0.0004
	return w
}

func facts(windows ...alert.Window) issue.Facts {
	f := issue.Facts{
		Incident: alert.Incident{ID: "checkout-20261014t104100z", Group: "checkout", Windows: windows, Revision: 1},
		Interval: 30 * time.Second,
		URL:      "https://postburn.example/incidents/checkout-20261014t104100z",
		AsOf:     at("10:42:30"),
	}
	if !f.Incident.IsOpen() {
		f.AsOf = f.Incident.Ended()
	}
	return f
}

func noData() alert.Window {
	w := recovered()
	w.Kind, w.Rule, w.Phases, w.Caveats = alert.Blindness, nil, nil, nil
	w.Counts, w.BudgetSpent, w.PeakBurnRate = slo.Counts{}, 0, 0
	w.Detected = at("10:56:00")
	return w
}

// overspent is an incident that is over, though its budget is still overspent, and that had no data
// and hardly any traffic of another objective for a while.
func overspent() issue.Facts {
	blind, quiet := noData(), hardlyAny()
	blind.Onset, blind.Detected, blind.Ended = at("10:59:00"), at("11:14:00"), at("11:16:00")
	quiet.Objective.Name, quiet.Ended = "checkout-latency", at("11:22:00")
	spent := budget()
	spent.Onset, spent.Detected = at("10:41:30"), at("10:42:00")
	f := facts(recovered(), spent, blind, quiet)
	f.AsOf = at("11:22:00")
	f.SpentBy = []issue.Spender{
		{Of: spent.ID(), ID: "checkout-20260921t081500z", Onset: at("08:15:00").AddDate(0, 0, -23), Bad: 18650, URL: "https://github.com/acme/checkout/issues/41"},
		{Of: spent.ID(), ID: f.Incident.ID, Onset: at("10:41:00"), Bad: 15337},
	}
	return f
}

// hardlyAny is a time with hardly any traffic, which goes on.
func hardlyAny() alert.Window {
	w := recovered()
	w.Kind, w.Rule, w.Phases, w.Caveats = alert.Quietness, nil, nil, nil
	w.Counts, w.BudgetSpent, w.PeakBurnRate = slo.Counts{Total: 12}, 0, 0
	w.UsualEvents = 61_234
	w.Detected, w.Ended = at("10:56:00"), time.Time{}
	return w
}
