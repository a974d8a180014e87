package alert

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// Redefine makes a lane that has folded nothing since it was recovered watch these definitions, which are all of its groups. What is
// counted as before keeps its history, under the new target and policy; a window that is open keeps the definition it was opened
// under. What is new gets a watch that first has to be filled with samples up to the lane's cursor, see Unfilled, and opens no
// window before `due`, the newest tick of all. Open windows of what is gone end, with a caveat.
func (l *Lane) Redefine(defs []Definition, interval time.Duration, due time.Time) {
	if l.interval != interval || l.cursor.IsZero() {
		for _, w := range l.watches {
			l.retire(w)
		}
		l.watches, l.interval, l.cursor = nil, interval, due
	}
	var watches []*Watch
	for _, def := range defs {
		i := slices.IndexFunc(l.watches, func(w *Watch) bool {
			return w.def.Objective.Name == def.Objective.Name && w.def.measures() == def.measures()
		})
		if i < 0 {
			watches = append(watches, NewWatch(def, "", interval, l.cursor.Add(-def.warmup()).Truncate(interval), due))
			continue
		}
		l.watches[i].redefine(def)
		watches = append(watches, l.watches[i])
	}
	for _, w := range l.watches {
		if !slices.Contains(watches, w) {
			l.retire(w)
		}
	}
	slices.SortFunc(watches, func(a, b *Watch) int { return a.ID().Compare(b.ID()) })
	l.watches = watches
	l.enroll()
}

// Unfilled are the watches that have not folded in all ticks up to the lane's cursor.
func (l *Lane) Unfilled() []*Watch {
	var found []*Watch
	for _, w := range l.watches {
		if w.history.Now().Before(l.cursor) {
			found = append(found, w)
		}
	}
	return found
}

// retire ends the open windows of an objective that is not watched any more.
func (l *Lane) retire(w *Watch) {
	for _, open := range []*openWindow{w.Burn, w.Budget} {
		if open == nil {
			continue
		}
		v := w.snapshot(open)
		v.Ended = open.Run.End
		v.Caveats = slo.MergeCaveats(v.Caveats, []slo.Caveat{{Kind: slo.Removed, Count: 1}})
		e := Event{Tick: l.cursor, Closed: true, Window: v}
		l.correlate(e, w.def.Policy)
		l.retired = append(l.retired, e)
	}
}

// redefine gives a watch another target or policy. The rules' onsets are found anew, at the resolution that the history has.
func (w *Watch) redefine(def Definition) {
	old := w.def
	same := w.digest == def.Digest()
	if def.warmup() > old.warmup() || def.Objective.Window.Length() > old.Objective.Window.Length() {
		w.history = w.history.Resized(def.warmup(), def.Objective.Window.Length())
	}
	w.define(def)
	if same {
		return
	}
	w.Track = make([]tracker, len(w.rules))
	from := w.history.Now().Add(-def.warmup())
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End
		}
	}
	w.history.Buckets(from, func(span slo.Span, c slo.Counts) bool {
		for i, r := range w.rules {
			s := slo.Sample{Tick: span.End, Counts: c}
			w.Track[i].add(s, c, r.threshold, w.base, span.Start, w.history.Cumulative(span.End).Bad)
		}
		return true
	})
}
