package engine

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// setFold folds the past of one label set.
type setFold struct {
	def      alert.Definition
	labels   slo.Labels
	interval time.Duration
	now      time.Time
	since    time.Time
	prepare  func(*fold.Watch)
	watch    *fold.Watch // nil before there is data, and again after a long time without
	events   []alert.Event
}

// begin starts a watch now.
func (f *setFold) begin() {
	f.watch = fold.NewWatch(f.def, f.labels, f.interval, f.now, time.Time{})
	f.watch.Since = f.since
	if f.prepare != nil {
		f.prepare(f.watch)
	}
	f.watch.Brief = true
}

// step folds in the sample of the next tick.
func (f *setFold) step(s slo.Sample) {
	s.Tick = f.now.Add(f.interval)
	if f.watch == nil && !s.Blind {
		f.begin()
	}
	f.now = s.Tick
	if f.watch == nil {
		return
	}
	f.note(f.watch.Step(f.watch.Plan(s)))
	if f.isSilent() {
		f.retire()
	}
}

// note keeps events that open, close or move a window, or amend one that is over. The others say
// how an open window stands, which the next of them says again; but an incident that ends keeps
// what was said last of a budget that stays spent.
func (f *setFold) note(events []alert.Event) {
	for _, e := range events {
		lasting := e.Window.Kind == alert.Budget && f.watch.Burn != nil
		if e.Opened || e.Closed || lasting || !e.Window.IsOpen() || f.isMoved(e.Window) {
			f.events = append(f.events, e)
		}
	}
}

// isMoved reports whether an open window's onset is not the one that was noted.
func (f *setFold) isMoved(w alert.Window) bool {
	for _, e := range slices.Backward(f.events) {
		if e.Window.Kind == w.Kind && e.Window.Detected.Equal(w.Detected) {
			return !e.Window.Onset.Equal(w.Onset)
		}
	}
	return true
}

// isSilent reports whether the label set has had no data for so long that it is watched no more.
func (f *setFold) isSilent() bool {
	limit := max(fold.RetireAfter, f.def.Warmup()) / f.interval
	return len(f.def.Objective.GroupBy) > 0 && time.Duration(f.watch.Silent) >= limit
}

// retire ends the open windows.
func (f *setFold) retire() {
	for _, v := range f.watch.OpenWindows() {
		switch v.Kind {
		case alert.Burn:
			v.Ended = f.watch.Burn.Run.End
		case alert.Budget:
			v.Ended = f.watch.Budget.Run.End
		default:
			v.Ended = f.now
		}
		v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), []slo.Caveat{{Kind: slo.Removed, Count: 1}})
		f.events = append(f.events, alert.Event{Tick: f.now, Closed: true, Window: v, Policy: f.def.Policy})
	}
	f.watch = nil
}
