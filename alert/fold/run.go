package fold

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// run sums the events since an onset, and keeps when the breach was last getting worse: the end of
// the tick at which the sum of bad - (1 - target) x total first reached its maximum.
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

	Caveats []slo.Caveat `json:"caveats,omitempty"` // of samples up to End
	Pending []slo.Caveat `json:"pending,omitempty"` // of samples after End
}

// add folds a tick in, with its events as counted and the change of the shifts.
func (r *run) add(t *tick, counts slo.Counts, base slo.Threshold, change *shifts) {
	r.Counts = r.Counts.Add(counts)
	r.Excess += base.Excess(counts)
	r.Pending = slo.MergeCaveats(r.Pending, t.Caveats)
	if change == nil {
		r.Shifts = shifts{}
	} else {
		r.Shifts = r.Shifts.add(*change)
	}
	if r.Excess-r.PeakExcess+base.Excess(slo.Counts{Bad: r.Shifts.least(0)}) > 0 {
		r.PeakExcess, r.End, r.AtEnd, r.EndBad, r.Shifts = r.Excess, t.Tick, r.Counts, t.allBad, shifts{}
		r.Caveats, r.Pending = slo.MergeCaveats(r.Caveats, r.Pending), nil
		return
	}
	for _, l := range t.Late {
		r.EndBad += l.Until(r.End).Bad
	}
}

// close sets an end if there is none because the readings disagree that the newest tick got worse.
func (r *run) close(tick time.Time, allBad float64) {
	if r.End.IsZero() {
		r.PeakExcess, r.End, r.AtEnd, r.EndBad, r.Shifts = r.Excess, tick, r.Counts, allBad, shifts{}
	}
}

// clone returns a copy that shares nothing.
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

// add folds a tick in, with its events as counted.
func (t *tracker) add(now *tick, counts slo.Counts, rule, base slo.Threshold) {
	before := t.Sum
	t.Sum = max(0, t.Sum+rule.Excess(counts))
	ended, begun := t.addShifts(before, counts, rule, now.change)
	if t.Sum == 0 || ended {
		if t.isOn() {
			t.run = run{}
		}
		return
	}
	if begun || !t.isOn() {
		t.run = run{Onset: now.start}
	}
	t.run.add(now, counts, base, now.change)
}
