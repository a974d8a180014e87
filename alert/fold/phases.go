package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// runsOf cuts (onset, end] into runs of outage, degradation, blindness and, with an empty kind,
// none.
func runsOf(h *slo.History, base slo.Threshold, onset, end time.Time) []alert.Phase {
	var runs []alert.Phase
	h.Buckets(onset, func(span slo.Span, c slo.Counts) bool {
		if !span.Start.Before(end) {
			return false
		}
		kind := classify(base, c)
		if covered(h.Blind(), span) {
			kind = alert.BlindGap
		}
		runs = addRun(runs, alert.Phase{Kind: kind, Span: span, Counts: c})
		return true
	})
	return runs
}

// addRun appends a run, or extends the last one if it has the same kind.
func addRun(runs []alert.Phase, r alert.Phase) []alert.Phase {
	if n := len(runs); n > 0 && runs[n-1].Kind == r.Kind {
		runs[n-1].End = r.End
		runs[n-1].Counts = runs[n-1].Add(r.Counts)
		return runs
	}
	return append(runs, r)
}

// phases makes phases of runs. Runs of one kind less than `join` apart become one if the kind fits
// the whole as well. A run of a single tick joins its longer neighbour.
func phases(runs []alert.Phase, base slo.Threshold, join, tick time.Duration) []alert.Phase {
	runs = joinAcross(runs, alert.Outage, join, func(c slo.Counts) bool { return c.Bad >= c.Total/2 })
	runs = joinAcross(runs, alert.Degraded, join, base.Exceeded)
	runs = absorbSingles(runs, tick)
	for i := range runs {
		runs[i].Counts = runs[i].Cut()
	}
	return slices.DeleteFunc(runs, func(r alert.Phase) bool { return r.Kind == "" })
}

// classify returns the kind of a stretch with these events; empty if the target is met.
func classify(base slo.Threshold, c slo.Counts) alert.PhaseKind {
	switch {
	case c.Total > 0 && c.Bad >= c.Total/2:
		return alert.Outage
	case base.Exceeded(c):
		return alert.Degraded
	}
	return ""
}

// joinAcross joins runs of a kind over gaps shorter than `join`, if the whole is still of that
// kind.
func joinAcross(runs []alert.Phase, kind alert.PhaseKind, join time.Duration, holds func(slo.Counts) bool) []alert.Phase {
	var out []alert.Phase
	for i := 0; i < len(runs); {
		whole, next := runs[i], i+1
		if whole.Kind == kind {
			sum := whole.Counts
			for j, last := i+1, whole; j < len(runs); j++ {
				r := runs[j]
				sum = sum.Add(r.Counts)
				if r.Kind == alert.BlindGap || (r.Kind != kind && r.End.Sub(last.End) >= join) || (r.Kind == alert.Outage && kind == alert.Degraded) {
					break
				}
				if r.Kind == kind {
					last = r
					if holds(sum) {
						whole = alert.Phase{Kind: kind, Span: slo.Span{Start: whole.Start, End: r.End}, Counts: sum}
						next = j + 1
					}
				}
			}
		}
		out = append(out, whole)
		i = next
	}
	return out
}

// absorbSingles adds a run of a single tick, often the edge of a fault, to its longer neighbour.
func absorbSingles(runs []alert.Phase, tick time.Duration) []alert.Phase {
	length := func(i int) time.Duration {
		if i < 0 || i >= len(runs) || runs[i].Kind == "" || runs[i].Kind == alert.BlindGap {
			return 0
		}
		return runs[i].End.Sub(runs[i].Start)
	}
	for i := 0; i < len(runs); i++ {
		if l := length(i); l == 0 || l > tick {
			continue
		}
		into := i - 1
		if length(i+1) > length(i-1) {
			into = i + 1
		}
		if length(into) <= tick {
			continue
		}
		merged := runs[into]
		merged.Counts = merged.Add(runs[i].Counts)
		if into > i {
			merged.Start = runs[i].Start
		} else {
			merged.End = runs[i].End
		}
		runs[min(i, into)] = merged
		runs = append(runs[:max(i, into)], runs[max(i, into)+1:]...)
		i = max(-1, i-2)
	}
	return runs
}
