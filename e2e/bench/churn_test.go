package main

import (
	"math"
	"testing"
	"time"

	modelvalue "github.com/prometheus/prometheus/model/value"
)

// TestChurn holds the bad hour to what docs/benchmarks.md says of it.
func TestChurn(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newChurn(manyServices, now, now.Add(future))
	for _, n := range []int{10, 100, 1_000} {
		const ticks = 2 * ticksAnHour
		w := c.waveOf(n)
		after := c.recent.Add(scrape) // when everything was scraped once
		last := after.Add(time.Duration(ticks) * w.tick)
		inPlace, newPods := 0, 0
		for s := range n {
			for _, l := range w.lives[slotOf(s)] {
				for i, v := range l.started {
					switch at := time.UnixMilli(v.at); {
					case !at.After(after) || at.After(last) || modelvalue.IsStaleNaN(v.v):
					case i == 0:
						newPods++
					case l.started[i-1].v != v.v:
						inPlace++
					}
				}
			}
		}
		restarts := float64(inPlace + newPods)
		if share := restarts / float64(n*instances) * float64(ticksAnHour) / float64(ticks); math.Abs(share-0.1) > 0.02 {
			t.Errorf("%d objectives: %.3f of the targets restart in an hour of ticks, not a tenth", n, share)
		}
		if part := float64(newPods) / restarts; math.Abs(part-0.5) > 0.1 {
			t.Errorf("%d objectives: %.2f of the restarts bring a new pod, not half", n, part)
		}
		// A restart disturbs a tick, and so does the first error after it, in 20 targets.
		share := float64(c.disturbed(n, after, last)) / float64(n*ticks)
		if usual := 2.0 * instances / float64(turn); share < 0.85*usual || share > 1.15*usual {
			t.Errorf("%d objectives: %.3f of their ticks are disturbed", n, share)
		}
	}
}

// TestChurnErrors checks that a series of errors begins with an error and ends with its process.
func TestChurnErrors(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	born, gone := 0, 0
	for _, lives := range newChurn(fewServices, now, now.Add(future)).few.lives {
		for _, l := range lives {
			for i, v := range l.failed {
				switch {
				case modelvalue.IsStaleNaN(v.v):
					gone++
				case v.v < 1:
					t.Fatalf("%s has a series of errors without an error", l.name)
				case i > 0 && modelvalue.IsStaleNaN(l.failed[i-1].v):
					born++
				case i > 0 && v.v < l.failed[i-1].v:
					t.Fatalf("%s restarted, and its series of errors fell to %v", l.name, v.v)
				}
			}
		}
	}
	if born == 0 || gone == 0 {
		t.Errorf("%d series of errors began again and %d ended", born, gone)
	}
}
