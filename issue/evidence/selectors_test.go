package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestWhatChangedOfConditions has a deploy break a service that is watched by PromQL of all kinds.
func TestWhatChangedOfConditions(t *testing.T) {
	server := promtest.Start(t)
	if err := server.LoadService(badDeploy().service); err != nil {
		t.Fatal(err)
	}
	recorded := `store:errors:ratio5m{job="store"} 0x200 0.1x80 0x100`
	if err := server.Load(minute(-150), 30*time.Second, recorded); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL())
	const ratio = `sum(rate(http_requests_total{job="store",code=~"5.."}[5m] offset 30s)) / sum(rate(http_requests_total{job="store"}[5m]))`
	for name, test := range map[string]struct {
		indicator slo.Indicator
		labels    map[string]string
		kind      alert.Kind
		none      bool
	}{
		"bool":                      {indicator: slo.Indicator{Bool: ratio + " < 0.05"}},
		"bool, a subquery":          {indicator: slo.Indicator{Bool: "max_over_time((" + ratio + ")[5m:1m]) < 0.05"}},
		"bool, no such series":      {indicator: slo.Indicator{Bool: `absent(no_such_metric{job="store"}) == 1`}},
		"bool, of a label set":      {indicator: slo.Indicator{Bool: `min by (zone) (up{job="store"}) == 1`}, labels: map[string]string{"zone": "a"}},
		"bool, of another":          {indicator: slo.Indicator{Bool: `min by (zone) (up{job="store"}) == 1`}, labels: map[string]string{"zone": "x"}, none: true},
		"bool, of nothing":          {indicator: slo.Indicator{Bool: "vector(1) == 0"}, none: true},
		"bool, without a job":       {indicator: slo.Indicator{Bool: "no_such_metric < 3"}, none: true},
		"bool, no data":             {indicator: slo.Indicator{Bool: ratio + " < 0.05"}, kind: alert.Blindness},
		"sampled, a recorded ratio": {indicator: slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "store:errors:ratio5m"}}},
		"sampled, two queries": {indicator: slo.Indicator{Sampled: &slo.Sampled{
			Bad: `sum(http_requests_total{code="503"})`, Total: `sum(http_requests_total)`,
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &opened{client: client}
			w := alert.Window{Kind: alert.Burn, Labels: slo.NewLabels(test.labels), Onset: noon, Detected: minute(2), Ended: minute(40), Counts: slo.Counts{Total: 80, Bad: 80}}
			w.Objective = slo.Objective{Name: "store", Service: "shop", Target: slo.MustDecimal("99%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}, Indicator: test.indicator}
			if test.kind != "" {
				w.Kind = test.kind
			}
			for name := range test.labels {
				w.Objective.GroupBy = append(w.Objective.GroupBy, name)
			}
			collect := evidence.New(evidence.Options{Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) }})
			e := collect(t.Context(), alert.Incident{ID: "a", Windows: []alert.Window{w}})
			text := fmt.Sprint(e.Timeline)
			for _, want := range []string{
				"11:59:00 +0000 UTC Job store: 12 targets started", "version 4.3 appeared",
				"12:39:00 +0000 UTC Job store: 12 targets started", "version 4.2 appeared",
			} {
				if strings.Contains(text, want) == test.none {
					t.Errorf("%q: want %t in %s", want, !test.none, text)
				}
			}
			if found := strings.Contains(text, "Targets of store: 12 could be scraped"); found != (test.kind == alert.Blindness) {
				t.Errorf("what became of the targets: %s", text)
			}
			if unknown := strings.Contains(fmt.Sprint(e.Unresolved), "What changed in Prometheus"); unknown != test.none || len(e.Contributors) > 0 {
				t.Errorf("contributors %v; not found out: %q", e.Contributors, e.Unresolved)
			}
			if n := o.asked(); n > 50 {
				t.Errorf("%d queries", n)
			}
			t.Logf("%d queries", o.asked())
		})
	}
}
