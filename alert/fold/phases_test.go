package fold

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestPhasesJoin has two outages with a short gap between them. Only one with data is bridged.
func TestPhasesJoin(t *testing.T) {
	base := slo.NewThreshold(slo.MustDecimal("1"), slo.MustDecimal("0.9"))
	failed, fine := slo.Counts{Total: 100, Bad: 100}, slo.Counts{Total: 10}
	outage := func(from, to int) alert.Phase {
		return alert.Phase{Kind: alert.Outage, Span: ticksAfter(from, to), Counts: failed}
	}
	blind := func(from, to int) alert.Phase { return alert.Phase{Kind: alert.BlindGap, Span: ticksAfter(from, to)} }
	well := func(from, to int) alert.Phase { return alert.Phase{Span: ticksAfter(from, to), Counts: fine} }
	joined := outage(0, 8)
	joined.Counts = slo.Counts{Total: 210, Bad: 200}
	for name, tc := range map[string]struct{ runs, want []alert.Phase }{
		"a short time in which it was well": {[]alert.Phase{outage(0, 3), well(3, 5), outage(5, 8)}, []alert.Phase{joined}},
		"a longer one":                      {[]alert.Phase{outage(0, 3), well(3, 20), outage(20, 23)}, []alert.Phase{outage(0, 3), outage(20, 23)}},
		"a short time without data":         {[]alert.Phase{outage(0, 3), blind(3, 5), outage(5, 8)}, []alert.Phase{outage(0, 3), blind(3, 5), outage(5, 8)}},
		"both": {
			[]alert.Phase{outage(0, 3), well(3, 4), blind(4, 5), well(5, 6), outage(6, 9)},
			[]alert.Phase{outage(0, 3), blind(4, 5), outage(6, 9)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, phases(tc.runs, base, 5*time.Minute, tickLength)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
