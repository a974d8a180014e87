package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// world is what a handler is asked about. Its times are before now, so it is made in a synctest
// bubble.
type world struct {
	memory
	statuses []alert.Status
	problem  error // of the store
	files    web.SLOFiles
	busy     bool // with reading samples
	about    web.About
	took     func(ctx context.Context, length time.Duration) ([]slo.Quantile, error) // events of a latency
	changes  []web.Change
	texts    map[string]string // of issues, by address
	grafana  web.Grafana
	log      bytes.Buffer
}

func (w *world) handler() *web.Handler {
	h := web.NewHandler(slog.New(slog.NewTextHandler(&w.log, nil)), prometheus.NewRegistry())
	h.Ready(web.Data{
		Statuses: func(time.Time) []alert.Status { return w.statuses },
		Store:    &w.memory, StoreProblem: func() error { return w.problem },
		Reload: func(context.Context) error { return nil }, SLOFiles: func() web.SLOFiles { return w.files },
		About: func() web.About { return w.about }, Details: w.details, Places: map[string]web.Place{"": {"https://prometheus.example/p/", w.grafana}},
		Durations: func(ctx context.Context, _ slo.Objective, _ slo.Labels, in slo.Span) ([]slo.Quantile, error) {
			return w.took(ctx, in.End.Sub(in.Start))
		},
		PostMortem: func(_ context.Context, of issue.Ref) (string, error) {
			if text, ok := w.texts[of.URL]; ok {
				return text, nil
			}
			return "", issue.ErrNotFound
		},
		Changes: func(string) []web.Change { return w.changes },
		Graph: func(slo.Objective, slo.Labels) (string, error) {
			return `sum(rate(errors_total{path="<a&b>"}[5m])) / sum(rate(requests_total[5m]))`, nil
		},
	})
	return h
}

func status(service, name string, state alert.State, left float64) alert.Status {
	return alert.Status{
		Objective: slo.Objective{
			Name: name, Service: service, Description: "Requests to " + service + " succeed.", Owner: "@acme/" + service, Target: slo.MustDecimal("99.9%"),
			Window: slo.Window{Rolling: 30 * 24 * time.Hour},
		},
		Tick: time.Now().Add(-90 * time.Second), Window: slo.Counts{Total: 1234567, Bad: 890}, BudgetRemaining: left, State: state,
	}
}

func published(url string, triage issue.Triage) issue.Publication {
	return issue.Publication{Feedback: issue.Feedback{Triage: triage}, Writes: []issue.Write{{Ref: issue.Ref{Number: 17, URL: url}}}}
}

// usual is a world in which all that there is happens at once.
func usual() *world {
	now := time.Now()
	burning := status("checkout", "checkout-availability", alert.Burning, -0.375)
	burning.Labels = slo.NewLabels(map[string]string{"region": "eu", "zone": "eu-1"})
	burning.Objective.Links = map[string]string{"runbook": "https://acme.example/runbooks/checkout?step=1&of=2", "dashboard": "http://grafana.example/d/1"}
	silent := status("payments", "payments-latency", alert.Blind, 0.87)
	silent.BlindSince = now.Add(-3*time.Hour - 12*time.Minute)
	unread := status("payments", "payments-availability", alert.Blind, 0.5)
	unread.BlindSince = unread.Tick
	never := status("search", "search-freshness", alert.Blind, 1)
	never.Window = slo.Counts{}
	spent := status("checkout", "checkout-latency", alert.OK, -2.5)
	spent.Objective.Window = slo.Window{Calendar: "month", Timezone: "Europe/Berlin"}
	spent.Estimated, spent.Unread = 4321.4, 9*24*time.Hour
	well := status("cart", "cart-availability", alert.OK, 0.99996)
	well.Redefined, well.Changes = now.Add(-26*time.Hour), []string{"target 95 % → 99.9 %", "budget false → true"}
	hushed := status("cart", "cart-search", alert.Quiet, 0.9)
	hushed.QuietSince = now.Add(-40 * time.Minute)
	measured := status("cart", "cart-latency", alert.OK, 0.42)
	measured.Objective.Indicator = slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "job:slow:ratio5m"}}
	w := &world{
		statuses: []alert.Status{well, burning, spent, unread, silent, never, measured, hushed},
		files: web.SLOFiles{
			Changed: now.Add(-20 * time.Minute), Changes: []string{"shipping-availability: target 95 % → 99.9 %; budget false → true", "shipping-latency is new"},
			Refused: "slos/shipping.yaml:4:13: target must be between 0 and 100 %, not 999",
		},
	}
	window := func(s alert.Status, kind alert.Kind, ago, lasted time.Duration) alert.Window {
		v := alert.Window{
			Objective: s.Objective, Labels: s.Labels, Kind: kind, Onset: now.Add(-ago), Detected: now.Add(-ago + 90*time.Second),
			PeakBurnRate: 512.3, Counts: slo.Counts{Total: 15337, Bad: 7700.5}, BudgetSpent: 0.301, BudgetLeft: -0.375, Severity: 2,
			Phases: []alert.Phase{
				{Kind: alert.Outage, Span: slo.Span{Start: now.Add(-ago), End: now.Add(-ago + 10*time.Minute)}, Counts: slo.Counts{Total: 9000, Bad: 7000}},
				{Kind: alert.BlindGap, Span: slo.Span{Start: now.Add(-ago + 10*time.Minute), End: now.Add(-ago + 12*time.Minute)}},
			},
			Caveats: []slo.Caveat{{Kind: slo.NoData, Count: 4}, {Kind: slo.Reset, Count: 1}},
		}
		if kind == alert.Burn {
			v.Rule = &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute}
		}
		if lasted > 0 {
			v.Ended = v.Onset.Add(lasted)
		}
		return v
	}
	hidden := window(unread, alert.Burn, 2*time.Hour, 0)
	hidden.Severity, hidden.BudgetSpent, hidden.BudgetLeft = 0, 0.00001, 0.5
	dark := window(silent, alert.Blindness, 3*time.Hour+12*time.Minute, 0)
	dark.Counts, dark.Phases, dark.Caveats, dark.PeakBurnRate, dark.BudgetSpent, dark.Severity = slo.Counts{}, nil, nil, 0, 0, 0
	w.incidents = []alert.Incident{
		{ID: "checkout-1", Group: "checkout", Windows: []alert.Window{window(burning, alert.Burn, 47*time.Minute, 0), window(spent, alert.Budget, 40*time.Minute, 10*time.Minute)}},
		{ID: "payments-1", Group: "payments", Windows: []alert.Window{hidden}},
		{ID: "payments-blind-1", Group: "payments blind", Windows: []alert.Window{dark}},
		{ID: "cart-1", Group: "cart", Windows: []alert.Window{window(well, alert.Burn, 50*time.Hour, 25*time.Hour+30*time.Minute)}},
	}
	w.publications = map[string]issue.Publication{
		"checkout-1": published("https://github.com/acme/checkout/issues/17", ""), "payments-1": published("postmortems/payments-1.md", ""),
		"cart-1": published("https://github.com/acme/cart/issues/17", issue.Noise),
	}
	checkout := w.publications["checkout-1"]
	checkout.FollowUps = []issue.FollowUp{
		{Text: "Set a timeout <b>", Owner: "alice", Term: issue.ShortTerm, Opened: now.Add(-50 * 24 * time.Hour), Issue: "https://github.com/acme/checkout/issues/18"},
		{Text: "Roll back", Opened: now.Add(-50 * 24 * time.Hour), Done: now.Add(-48 * 24 * time.Hour), Issue: "javascript:alert(1)"},
	}
	w.publications["checkout-1"] = checkout
	storm := w.publications["cart-1"]
	storm.Kind, storm.Parts = issue.Storm, make([]issue.Part, 7)
	storm.Parts[3] = found(w.incidents[3], "")
	storm.Excluded = &issue.Exclusion{By: "alice", At: now.Add(-24 * time.Hour), Reason: "a load test <b>we</b> planned"}
	w.publications["cart-1"] = storm
	return w
}

// found is an incident as a part of a publication, with all that there may be of evidence.
func found(i alert.Incident, value string) issue.Part {
	w := i.Windows[0]
	id := w.ID()
	in, all := slo.Counts{Total: 4000, Bad: 3000}, slo.Counts{Total: 10000, Bad: 3002}
	chart := &issue.Chart{Of: id, Step: time.Hour}
	for n, c := range []slo.Counts{{Total: 1000}, {Total: 1000, Bad: 900}, {}, {Total: 1000, Bad: 1}} {
		chart.Points = append(chart.Points, issue.Point{Time: w.Onset.Add(time.Duration(n-1) * time.Hour), Counts: c, Blind: n == 2})
	}
	quantiles := []slo.Quantile{{Value: 42 * time.Millisecond}, {Value: 1234567 * time.Microsecond}, {Value: 10 * time.Second, Above: true}}
	part := issue.Part{Incident: i.ID}
	err := part.Keep(issue.Evidence{
		Chart: chart,
		Contributors: []issue.Contributor{
			{Of: id, Where: []issue.Clause{{Label: "route", Values: []string{"/cart" + value}, Of: 4, Also: []issue.Label{{Name: "page", Value: "cart" + value}}}, {Label: "zone", Values: []string{"a", "b"}, Of: 3}}, In: in, All: all},
			{Of: id, Where: []issue.Clause{{Label: "code", Values: []string{"503" + value}, Of: 2}}, In: all, All: all, Outcome: true},
		},
		Traffic:   []issue.Traffic{{Of: id, Window: all, Length: time.Hour, Usual: []issue.Usual{{When: issue.WeekBefore, Length: time.Hour, Counts: slo.Counts{Total: 6000, Bad: 6}}}}},
		Durations: []issue.Durations{{Of: id, Window: quantiles, WeekBefore: quantiles[:2]}},
		Timeline: []issue.Entry{
			{Time: w.Onset.Add(-time.Minute), Text: "Job cart: version 2 appeared" + value, Source: "Prometheus, app_build_info" + value},
			{Time: w.Onset.Add(time.Hour), Text: "Pull request 12 was merged" + value, Source: "GitHub", URL: "https://github.com/acme/cart/pull/12" + value},
			{Time: w.Onset.Add(2 * time.Hour), Text: "nowhere to go", Source: "GitHub", URL: "javascript:alert(1)" + value},
		},
		Unresolved: []string{"What changed at GitHub could not be found out" + value + "."},
	}, i.Ended())
	if err != nil {
		panic(err)
	}
	return part
}
