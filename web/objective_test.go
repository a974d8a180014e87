package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// details tells of every label set the same story: an outage in the middle, planned work, and a
// time without data.
func (w *world) details(ctx context.Context, name string, length time.Duration, most int) (all []alert.Detail, _ error) {
	if w.busy {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, s := range w.statuses {
		if s.Objective.Name != name {
			continue
		}
		d := alert.Detail{Status: s, Policy: alert.Policy{Group: s.Objective.Service, MergeGap: 30 * time.Minute, Budget: true, MinBadEvents: 100}}
		whole := s.Objective.Window.Length()
		if length == 0 {
			length = whole
		}
		for _, l := range []time.Duration{time.Hour, whole} {
			d.Attained = append(d.Attained, alert.Attained{Length: l, Counts: slo.Counts{Total: 60_000, Bad: 61}, Unseen: 20 * time.Minute})
		}
		for _, r := range alert.DefaultRules(whole) {
			d.Rules = append(d.Rules, alert.RuleStatus{Rule: r, LongBurnRate: 10, ShortBurnRate: 7.2, Bad: 61})
		}
		const stretches = 12
		step := length / stretches
		for n := range stretches {
			end := s.Tick.Add(-time.Duration(stretches-1-n) * step)
			c := alert.Stretch{Span: slo.Span{Start: end.Add(-step), End: end}, Counts: slo.Counts{Total: 100_000}}
			switch n {
			case 4:
				c.Bad = 1000
			case 6:
				c.Counts, c.Blind = slo.Counts{}, true
			case 8:
				c.Planned = true
			}
			d.Course = append(d.Course, c)
		}
		all = append(all, d)
	}
	return all, nil
}

// objectiveCase is a page of an objective, and what it says.
type objectiveCase struct {
	change func(*world)
	path   string
	status int
	says   []string
	not    []string
}

func TestObjectivePageSays(t *testing.T) {
	two := func(w *world) {
		other := w.statuses[1]
		other.Labels, other.State, other.BudgetRemaining = slo.NewLabels(map[string]string{"region": "us", "zone": "us-1"}), alert.OK, 0.75
		w.statuses = append(w.statuses, other)
	}
	for name, tc := range map[string]objectiveCase{
		"what is known of it": {path: "/slos/checkout-availability", says: []string{
			"burning: checkout-availability{region=\"eu\",zone=\"eu-1\"} · postburn", "the last hour 99.898 %", "below the target 20 min of it not seen, or left out 61 of 60,000 1.02×",
			"above 14.4× over 1h and 5m 10× 7.2× 50 %", "above 6× over 6h and 30m 10× 7.2× 100 %; 61 of the 100 bad events that it takes",
			"a breach window was open", "Planned work is left out.", "runbook", "sum(rate(errors_total{path=\"<a&b>\"}[5m]))", "target 99.9 % over 30d",
		}},
		"the worst label set": {change: two, path: "/slos/checkout-availability", says: []string{"burning: checkout-availability{region=\"eu\"", "2 label sets, the worst first"}},
		"another label set":   {change: two, path: "/slos/checkout-availability?labels=%7Bregion%3D%22us%22%2Czone%3D%22us-1%22%7D", says: []string{"ok: checkout-availability{region=\"us\""}},
		"a label set with a long name": {
			change: func(w *world) {
				w.statuses[1].Labels = slo.NewLabels(map[string]string{"region": strings.Repeat("e", 200)})
				w.incidents[0].Windows[0].Labels = w.statuses[1].Labels
			},
			path: "/slos/checkout-availability?set=1ecqgkk5njbqk", says: []string{"burning: checkout-availability{region=\"eee"},
		},
		"a label set that is gone":  {change: two, path: "/slos/checkout-availability?labels=%7Ba%3D%22b%22%7D", status: 404, says: []string{"No such objective"}},
		"an objective that is gone": {path: "/slos/gone", status: 404, says: []string{"No such objective", "“gone”"}},
		"no such range":             {path: "/slos/cart-availability?range=x", status: 400, says: []string{"range must be a length of time like 6h or 3d, not \"x\""}},
		"a day":                     {path: "/slos/cart-availability?range=1d", says: []string{"2 h a bar"}, not: []string{"spent its error budget"}},
		"details that are not there in time": {
			change: func(w *world) { w.busy = true }, path: "/slos/cart-availability",
			says: []string{"are just being read", "cart-availability", "Definition"}, not: []string{"Attained"},
		},
		"how long events took": {change: func(w *world) {
			w.statuses[0].Objective.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: "h", Threshold: time.Second}}
			w.took = func(_ context.Context, length time.Duration) ([]slo.Quantile, error) {
				if length > time.Hour {
					return nil, nil
				}
				return []slo.Quantile{{Value: 12 * time.Millisecond}, {Value: 340 * time.Millisecond}, {Value: time.Second, Above: true}}, nil
			}
		}, path: "/slos/cart-availability", says: []string{
			"p50, p95, p99 the last hour", "61 of 60,000 1.02× 12 ms, 340 ms, over 1 s the last 30 days", "61 of 60,000 1.02× not known How long events took",
		}, not: []string{"did not answer"}},
		"how long events took, while Prometheus hangs": {change: func(w *world) {
			w.statuses[0].Objective.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: "h", Threshold: time.Second}}
			w.took = func(ctx context.Context, _ time.Duration) ([]slo.Quantile, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}, path: "/slos/cart-availability", says: []string{"61 of 60,000 1.02× not known", "It did not answer in time, or refused.", "page was made at 2000-01-01 00:00 UTC"}},
		"how its definition changed": {change: func(w *world) {
			for n := range 30 {
				w.changes = append(w.changes, web.Change{At: time.Now().Add(time.Duration(n-30) * time.Hour), Text: fmt.Sprintf("cart: target <b>%d", n)})
			}
		}, path: "/slos/cart-availability", says: []string{
			"Changes 1999-12-31 23:00 UTC : cart: target <b>29 1999-12-31 22:00 UTC : cart: target <b>28", "cart: target <b>10 PromQL",
		}},
		"how its definition changed before the start": {path: "/slos/cart-availability", says: []string{"Changes 1999-12-30 22:00 UTC : target 95 % → 99.9 %"}},
		"Grafana": {change: func(w *world) { w.grafana = web.Grafana{URL: "https://grafana.example/under/", DataSource: "prom<1>"} },
			path: "/slos/cart-availability", says: []string{`<a href="https://grafana.example/under/explore?panes=%7B%22postburn%22%3A%7B%22datasource%22%3A%22prom%5Cu003c1`}},
		"Grafana that is no address": {change: func(w *world) { w.grafana.URL = "javascript:alert(1)" }, path: "/slos/cart-availability", not: []string{"open in Grafana", "alert"}},
		"no data any more":           {path: "/slos/payments-latency", says: []string{"Prometheus has no data for it", "Numbers are from when it was last seen."}},
		"what it burns": {
			change: func(w *world) {
				w.statuses[0].BurnRates = []alert.BurnRate{{Window: 5 * time.Minute, Rate: 9}, {Window: time.Hour, Rate: 2.5}, {Window: 6 * time.Hour, Rate: 1}}
			},
			path: "/slos/cart-availability", says: []string{">99.9 % left burning at 2.5× over 1h, then spent in 12 days"},
		},
		"nothing left to burn": {
			change: func(w *world) {
				w.statuses[1].BurnRates = []alert.BurnRate{{Window: time.Hour, Rate: 2.5}}
			},
			path: "/", says: []string{"overspent by 37.5 % burning at 2.5× over 1h 890 of"},
		},
		"label sets under their objective": {change: two, path: "/", says: []string{
			"the worst of 2 label sets: 1 burning and 1 ok", "Burning: 1 objective, by service", "1 burning, 3 blind, 1 quiet of 9 objectives",
		}},
		"only the label sets that match": {change: two, path: "/?q=us-1", says: []string{`checkout-availability {region="us",zone="us-1"}`}, not: []string{"the worst of"}},
	} {
		t.Run(name, func(t *testing.T) { tc.run(t) })
	}
}

func (tc objectiveCase) run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		if tc.change != nil {
			tc.change(w)
		}
		code, page := get(t, w.handler(), tc.path)
		if want := max(tc.status, 200); code != want {
			t.Errorf("status %d, want %d", code, want)
		}
		said := text(page) + page
		for _, want := range tc.says {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not said in:\n%s", want, said)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(said, not) {
				t.Errorf("%q is said in:\n%s", not, said)
			}
		}
	})
}

func TestObjectiveAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		for path, want := range map[string]struct {
			code int
			says []string
		}{
			"/api/v1/slos/cart-availability?range=1d": {200, []string{
				`{"slos":[{"slo":"cart-availability","labels":{},"target":0.999,`,
				`"attained":[{"over":"1h","total_events":60000,"bad_events":61,"attained_ratio":0.9989833333333333,"unseen_seconds":1200},{"over":"30d",`,
				`"rules":[{"rate":14.4,"long":"1h","short":"5m","long_burn_rate":10,"short_burn_rate":7.2,"bad_events":61},`,
				`{"start":"1999-12-31T07:58:30Z","end":"1999-12-31T09:58:30Z","total_events":100000,"bad_events":1000,"error_ratio":0.01},`, `"bad_events":0,"error_ratio":null,"blind":true}`, `"planned":true}`,
			}},
			"/api/v1/slos/gone":                      {404, []string{`{"error":"no such objective"}`}},
			"/api/v1/slos/cart-availability?range=y": {400, []string{`range must be a length of time`}},
		} {
			code, body := get(t, w.handler(), path)
			for _, part := range want.says {
				if code != want.code || !strings.Contains(body, part) {
					t.Errorf("%s: %d, %s is not in %s", path, code, part, body)
				}
			}
		}
		w.busy = true
		if code, body := get(t, w.handler(), "/api/v1/slos/cart-availability"); code != 503 || !strings.Contains(body, "just being read") {
			t.Errorf("while samples are read: %d %s", code, body)
		}
	})
}
