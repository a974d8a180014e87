package fold

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

const tickLength = 30 * time.Second

var begin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// ticksAfter returns a stretch in ticks after the begin.
func ticksAfter(from, to int) slo.Span {
	return slo.Span{Start: begin.Add(time.Duration(from) * tickLength), End: begin.Add(time.Duration(to) * tickLength)}
}

// TestLateEventsOfPlannedWork has events come late that fell into planned work in part.
func TestLateEventsOfPlannedWork(t *testing.T) {
	late := func(from, to int, counts slo.Counts, planned bool) slo.Late {
		s := ticksAfter(from, to)
		return slo.Late{From: s.Start, To: s.End, Counts: counts, Excluded: planned}
	}
	ten, five := slo.Counts{Total: 10, Bad: 10}, slo.Counts{Total: 5, Bad: 5}
	for name, tc := range map[string]struct{ in, want []slo.Late }{
		"before it":          {[]slo.Late{late(0, 10, ten, false)}, []slo.Late{late(0, 10, ten, false)}},
		"in it":              {[]slo.Late{late(10, 20, ten, false)}, []slo.Late{late(10, 20, ten, true)}},
		"half in it":         {[]slo.Late{late(5, 15, ten, false)}, []slo.Late{late(5, 15, five, true), late(5, 15, five, false)}},
		"marked already":     {[]slo.Late{late(5, 15, ten, true)}, []slo.Late{late(5, 15, ten, true)}},
		"after marked ones":  {[]slo.Late{late(10, 20, ten, true), late(20, 30, ten, false)}, []slo.Late{late(10, 20, ten, true), late(20, 30, ten, false)}},
		"marked after split": {[]slo.Late{late(5, 15, ten, false), late(10, 20, ten, true)}, []slo.Late{late(5, 15, five, true), late(5, 15, five, false), late(10, 20, ten, true)}},
	} {
		t.Run(name, func(t *testing.T) {
			var work plannedWork
			work.add(slo.Sample{Excluded: true, Counts: slo.Counts{Total: 100, Bad: 50}}, ticksAfter(10, 20), begin)
			got := work.mark(slo.Sample{Late: tc.in})
			if diff := cmp.Diff(tc.want, got.Late); diff != "" {
				t.Errorf("marked (-want +got):\n%s", diff)
			}
			want := slo.Counts{Total: 100, Bad: 50}
			for _, l := range tc.want {
				if l.Excluded {
					want = want.Add(l.Counts)
				}
			}
			if work.add(got, ticksAfter(30, 31), begin); work.in(ticksAfter(0, 40)) != want {
				t.Errorf("planned work has %v, want %v", work.in(ticksAfter(0, 40)), want)
			}
		})
	}
}

// TestManyPlannedStretches plans more work than is remembered stretch by stretch: the two oldest
// become one, and no event is lost.
func TestManyPlannedStretches(t *testing.T) {
	var work plannedWork
	gap := ticksAfter(1, 2)
	for n := 1; n <= 257; n++ {
		work.add(slo.Sample{Excluded: true, Counts: slo.Counts{Total: 1}}, ticksAfter(2*n-2, 2*n-1), begin)
		if joined := work.length(gap) > 0; joined != (n == 257) {
			t.Fatalf("after %d stretches, the time between the first two counts as planned: %v", n, joined)
		}
	}
	if all := work.in(ticksAfter(0, 600)).Total; all != 257 {
		t.Errorf("%v events, want 257", all)
	}
}
