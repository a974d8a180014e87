package fold

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// run sums the events since an onset, and remembers where the breach was last getting worse: the
// end of the tick at which the sum of bad - (1 - target) x total first reached its maximum.
type run struct {
	Onset      time.Time  `json:"onset"`
	slo.Counts            // since the onset
	Excess     float64    `json:"excess"`          // of the base threshold, since the onset
	PeakExcess float64    `json:"peak_excess"`     // the maximum of Excess, first reached ...
	End        time.Time  `json:"end"`             // ... at the end of this tick
	AtEnd      slo.Counts `json:"at_end"`          // events from onset to End
	EndBad     float64    `json:"end_bad"`         // bad events of the whole history up to End
	PeakBurn   float64    `json:"peak_burn"`       // the highest burn rate over a rule's short window
	Shifts     shifts     `json:"shifts,omitzero"` // since End; see apart.go

	Caveats []slo.Caveat `json:"caveats,omitempty"` // of the samples up to End
	Pending []slo.Caveat `json:"pending,omitempty"` // of those after it
}

// add folds a sample in. Bad events of the whole history, this sample included, are passed along,
// and the change of the shifts.
func (r *run) add(s slo.Sample, counts slo.Counts, base slo.Threshold, allBad float64, change *shifts) {
	r.Counts = r.Counts.Add(counts)
	r.Excess += base.Excess(counts)
	r.Pending = slo.MergeCaveats(r.Pending, s.Caveats)
	if change == nil {
		r.Shifts = shifts{}
	} else {
		r.Shifts = r.Shifts.add(*change)
	}
	if r.Excess-r.PeakExcess+base.Excess(slo.Counts{Bad: r.Shifts.least(0)}) > 0 {
		r.PeakExcess, r.End, r.AtEnd, r.EndBad, r.Shifts = r.Excess, s.Tick, r.Counts, allBad, shifts{}
		r.Caveats, r.Pending = slo.MergeCaveats(r.Caveats, r.Pending), nil
		return
	}
	for _, l := range s.Late {
		r.EndBad += l.Until(r.End).Bad
	}
}

// close sets an end where there is none, because not all readings of the newest tick say that it
// was getting worse.
func (r *run) close(tick time.Time, allBad float64) {
	if r.End.IsZero() {
		r.PeakExcess, r.End, r.AtEnd, r.EndBad, r.Shifts = r.Excess, tick, r.Counts, allBad, shifts{}
	}
}

// clone is a copy that shares nothing.
func (r run) clone() run {
	r.Caveats = append([]slo.Caveat(nil), r.Caveats...)
	r.Pending = append([]slo.Caveat(nil), r.Pending...)
	return r
}

// tracker finds a rule's onset: the start of the first tick after the cumulative sum of bad - rate
// x (1 - target) x total, never less than 0, was last 0 (Page's CUSUM).
type tracker struct {
	Sum   float64 `json:"sum"`
	Apart *shifts `json:"apart,omitempty"` // the sums of the two other readings, if there are three; see apart.go
	run
}

// isOn reports whether there is an onset: all sums are above 0.
func (t *tracker) isOn() bool { return !t.Onset.IsZero() }

// add folds a sample in.
func (t *tracker) add(s slo.Sample, counts slo.Counts, rule, base slo.Threshold, start time.Time, allBad float64, change *shifts) {
	before := t.Sum
	t.Sum = max(0, t.Sum+rule.Excess(counts))
	ended, begun := t.addShifts(before, counts, rule, change)
	if t.Sum == 0 || ended {
		t.run = run{}
		return
	}
	if begun || !t.isOn() {
		t.run = run{Onset: start}
	}
	t.run.add(s, counts, base, allBad, change)
}

// everything is what a sample has learnt of: its own tick's events and the late ones.
func everything(s slo.Sample) slo.Counts {
	c := s.Counts
	for _, l := range s.Late {
		c = c.Add(l.Counts)
	}
	return c
}
