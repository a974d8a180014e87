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
	if f.watch.IsGone() {
		f.retire()
	}
}

// note keeps events that open, close or move a window, or amend a closed one. The others are
// updates of open windows, each replaced by the next; but an incident that ends keeps the last
// update of a budget that stays spent.
func (f *setFold) note(events []alert.Event) {
	for _, e := range events {
		lasting := e.Window.Kind == alert.Budget && f.watch.IsBurning()
		if e.Opened || e.Closed || lasting || !e.Window.IsOpen() || f.isMoved(e.Window) {
			f.events = append(f.events, e)
		}
	}
}

// isMoved reports whether an open window's onset differs from the one noted.
func (f *setFold) isMoved(w alert.Window) bool {
	for _, e := range slices.Backward(f.events) {
		if e.Window.Key() == w.Key() {
			return !e.Window.Onset.Equal(w.Onset)
		}
	}
	return true
}

// retire ends the open windows.
func (f *setFold) retire() {
	f.events = append(f.events, f.watch.Retire(f.now)...)
	f.watch = nil
}
