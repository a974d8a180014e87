package evidence_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestKindsOfAnotherMetric has bad events with labels that the total does not have: two of them are
// told apart in one more reading, and one is the same for all.
func TestKindsOfAnotherMetric(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(minute(-120), interval, `
up{job="store",instance="a"} 1x400
requests_total{job="store",instance="a",route="/"} 0+100x400
requests_total{job="store",instance="a",route="/cart"} 0+100x400
errors_total{job="store",instance="a",route="/",reason="timeout",team="web",from="x"} 0x240 1+1x80 81x79
errors_total{job="store",instance="a",route="/cart",reason="timeout",team="web",from="x"} 0x240 9+9x80 729x79
errors_total{job="store",instance="a",route="/cart",reason="refused",team="web",from="y"} 0x240 1+1x80 81x79
`); err != nil {
		t.Fatal(err)
	}
	d := objective()
	d.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `errors_total{job="store"}`, Total: `requests_total{job="store"}`}}
	o := &opened{client: newClient(t, server.URL())}
	e := evidence.New(evidence.Options{Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) }})(t.Context(), alert.Incident{
		ID: "a", Windows: []alert.Window{{
			Objective: d.Objective, Kind: alert.Burn, Onset: noon, Detected: minute(2), Ended: minute(40.5), Counts: slo.Counts{Total: 16200, Bad: 891},
		}},
	})
	var got []string
	for _, c := range e.Contributors {
		got = append(got, clauses(c))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{`from="x"`, `reason="timeout"`, `route="/cart"`, `team="web"`}, got); diff != "" {
		t.Errorf("not found out: %q (-want +got):\n%s", e.Unresolved, diff)
	}
	t.Logf("%d queries", o.asked())
}
