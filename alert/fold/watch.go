package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Watch is the step function of one objective and label set: it folds samples, one a tick, into
// breach windows. It is used by one goroutine at a time.
type Watch struct {
	Def         alert.Definition
	digest      string
	Labels      slo.Labels
	History     *slo.History
	periods     slo.Periods   // of the objective's window
	base        slo.Threshold // 1 - target
	Rules       []armedRule
	memory      time.Duration     // for how long a closed window is in sight of the rules: a prorated bucket longer than their windows
	windows     []time.Duration   // all windows of the rules, shortest first
	quiet       alert.QuietPolicy // that holds, in whole ticks
	below       float64           // the share of it
	listenEvery int64             // nanoseconds between looks for too little traffic
	Last        slo.Sample        // the newest
	Brief       bool              // an open window of kind burn is reported only where it opens, closes or its onset moves
	WatchState
}

// WatchState is what a checkpoint keeps of a watch, beside its history.
type WatchState struct {
	Armed   time.Time     `json:"armed"`             // windows that ended by then are no incident
	Track   []tracker     `json:"track"`             // one a rule
	Burn    *OpenWindow   `json:"burn,omitempty"`    // the open window of kind burn
	Budget  *OpenWindow   `json:"budget,omitempty"`  // the open window of kind budget
	Excused []excused     `json:"excused,omitempty"` // closed windows that rules still see, oldest first
	Silent  int           `json:"silent,omitempty"`  // ticks without data in a row
	Blind   *alert.Window `json:"blind,omitempty"`   // the open window of kind blind
	Dark    *darkness     `json:"dark,omitempty"`    // while there is no data
	Quiet   *alert.Window `json:"quiet,omitempty"`   // the open window of kind quiet
	Low     *lull         `json:"low,omitempty"`     // while there is too little traffic
	Planned []planned     `json:"planned,omitempty"` // stretches of planned work, oldest first
	Period  *period       `json:"period,omitempty"`  // of a calendar window: the one that the last tick is in
	Shifts  *shifts       `json:"shifts,omitempty"`  // at the last tick with data; nil if good and total are seen together

	Since     time.Time    `json:"since,omitzero"`     // the past is known from here on; zero: for as long as any rule looks back
	Waited    time.Time    `json:"waited,omitzero"`    // the last time at which the next sample could not be had yet
	Redefined redefinition `json:"redefined,omitzero"` // the last change of the definition
}

// armedRule is a rule with its windows rounded up to ticks.
type armedRule struct {
	alert.Rule
	threshold slo.Threshold
}

// OpenWindow is a breach window that is not over.
type OpenWindow struct {
	Window alert.Window  `json:"window"`
	Run    run           `json:"run"`
	First  time.Time     `json:"first"` // the onset before any widening: where it was getting worse is found from there on
	Hold   time.Duration `json:"hold"`  // the fastest fired rule's short window, or what the policy says
	Fired  []bool        `json:"fired,omitempty"`
	Runs   []alert.Phase `json:"runs,omitempty"` // from the onset to where the breach was last getting worse
	Tail   []alert.Phase `json:"tail,omitempty"` // after that

	Estimated float64 `json:"estimated,omitempty"` // events of the budget that were an estimate when a window of kind budget was opened
}

// excused is a closed window, whose bad events count as good for the rules.
type excused struct {
	slo.Span
	From float64 `json:"from"` // bad events of the whole history up to its onset
	To   float64 `json:"to"`   // and up to its end

	Window *alert.Window `json:"window,omitempty"` // until its numbers are final
	Hold   time.Duration `json:"hold,omitempty"`   // after which it was declared over, at the earliest
}

// NewWatch starts an objective's fold: its first sample will be that of the tick after `start`, and
// it opens windows at ticks after `armed`.
func NewWatch(def alert.Definition, labels slo.Labels, interval time.Duration, start, armed time.Time) *Watch {
	w := &Watch{Labels: labels}
	w.History = slo.NewHistory(interval, start, def.Warmup(), def.Objective.Window.Longest())
	w.Armed = armed
	w.define(def)
	w.Track = make([]tracker, len(w.Rules))
	return w
}

// RestoreWatch makes a watch of a history that goes on. Its state is to be restored.
func RestoreWatch(def alert.Definition, labels slo.Labels, history *slo.History) *Watch {
	w := &Watch{Labels: labels, History: history}
	w.define(def)
	return w
}

func (w *Watch) define(def alert.Definition) {
	w.Def, w.digest = def, def.Digest()
	w.base = slo.NewThreshold(slo.MustDecimal("1"), def.Objective.Target)
	w.periods, _ = def.Objective.Window.Periods() // whether there are such is checked where SLO files are read
	w.Rules, w.windows = nil, nil
	for _, r := range def.Policy.Rules {
		r.Long, r.Short = w.roundUp(r.Long), w.roundUp(r.Short)
		w.Rules = append(w.Rules, armedRule{r, slo.NewThreshold(r.Rate, def.Objective.Target)})
		w.windows = append(w.windows, r.Long, r.Short)
	}
	w.quiet = def.Policy.Quiet.OrDefault()
	w.quiet.After = w.roundUp(w.quiet.After)
	w.below = w.quiet.Below.Float()
	w.listenEvery = int64(max(w.History.Interval(), (w.quiet.After / 10).Truncate(w.History.Interval())))
	w.memory = def.Warmup() + def.Warmup()/100 + 2*w.History.Interval()
	slices.Sort(w.windows)
	w.windows = slices.Compact(w.windows)
}

// ID names the objective and label set.
func (w *Watch) ID() slo.ID { return slo.ID{SLO: w.Def.Objective.Name, Labels: w.Labels} }

// Now is the last tick that was folded in.
func (w *Watch) Now() time.Time { return w.History.Now() }

// Step folds in the sample of the next tick and returns what happened to the objective's breach
// windows: nothing, most of the time. An open window is reported at every tick, with its numbers so
// far.
func (w *Watch) Step(s slo.Sample) []alert.Event { return w.StepLong(s, 1) }

// StepLong is Step with a sample of so many ticks together, which are too long ago to matter one by
// one: an onset is found to within them. No window may be open, or be opened.
func (w *Watch) StepLong(s slo.Sample, ticks int) []alert.Event {
	start := w.History.Now()
	w.notePlanned(s, slo.Span{Start: start, End: start.Add(time.Duration(ticks) * w.History.Interval())})
	learnt := s.Unplanned()
	w.History.AddLong(learnt, int64(ticks))
	spent := everything(s) // of the budget
	s = s.Unplanned()
	s.Tick = w.History.Now()
	w.Last = s
	w.Silent += ticks
	if !s.Blind {
		w.Silent = 0
	}
	w.Excused = slices.DeleteFunc(w.Excused, func(x excused) bool { return s.Tick.Sub(x.End) > w.memory })
	for i := range w.Excused {
		for _, l := range s.Late {
			w.Excused[i].From += l.Until(w.Excused[i].Start).Bad
			w.Excused[i].To += l.Until(w.Excused[i].End).Bad
		}
	}
	w.noteLate(s)
	w.turn(s)
	w.look(s, start)
	change := w.shiftTo(&w.Shifts, start, s.Tick, s.Blind || s.Excluded)
	if from, late := w.relearn(s); late {
		w.retrack(s, from)
	} else {
		w.track(s, start, change)
	}
	w.redefineAgain(start)
	counts, allBad := everything(s), w.History.All().Bad
	events := w.amend(s)
	if e, ok := w.stepBurn(s, counts, allBad, change); ok {
		events = append(events, e)
	}
	events = append(events, w.stepBudget(s, spent, allBad, start, everything(learnt).Bad > 0)...)
	if e, ok := w.stepBlind(s, start); ok {
		events = append(events, e)
	}
	events = w.stepQuiet(s, events)
	for i := range events {
		events[i].Policy = w.Def.Policy
	}
	return events
}

// track folds a sample into the rules' trackers.
func (w *Watch) track(s slo.Sample, start time.Time, change *shifts) {
	counts, allBad := w.forTrackers(s), w.History.All().Bad
	for i, r := range w.Rules {
		t := &w.Track[i]
		t.add(s, counts, r.threshold, w.base, start, allBad, change)
		if t.isOn() {
			t.PeakBurn = max(t.PeakBurn, slo.BurnRate(w.forRules(r.Short), w.Def.Objective.Target))
		}
	}
}

// mayOpen reports whether a window may be opened at this sample's tick. A blind tick says nothing
// new, and would only let good events slide out of a rule's window.
func (w *Watch) mayOpen(s slo.Sample) bool {
	return s.Tick.After(w.Redefined.Since) && !s.Blind && !s.Excluded
}

func (w *Watch) stepBurn(s slo.Sample, counts slo.Counts, allBad float64, change *shifts) (alert.Event, bool) {
	if w.Burn == nil {
		if !w.mayOpen(s) || !w.openBurn(s) {
			return alert.Event{}, false
		}
		return alert.Event{Tick: s.Tick, Opened: true, Window: w.Snapshot(w.Burn)}, true
	}
	open, onset := w.Burn, w.Burn.Run.Onset
	open.Run.add(s, counts, w.thresholdOf(open), allBad, change)
	w.addTick(open, s)
	if from, late := w.relearn(s); late {
		w.rerun(open, from)
	}
	if open.Window.Rule != nil {
		open.Run.PeakBurn = max(open.Run.PeakBurn, slo.BurnRate(w.forRules(open.Window.Rule.Short), open.Window.Objective.Target))
	}
	if open.Window.Definition == w.digest && !s.Blind {
		w.widen(open)
	}
	if s.Blind || !w.isWell(open) {
		if w.Brief && open.Run.Onset.Equal(onset) {
			return alert.Event{}, false
		}
		return alert.Event{Tick: s.Tick, Window: w.Snapshot(open)}, true
	}
	closed := w.Snapshot(open)
	closed.Ended = open.Run.End
	w.Excused = append(w.Excused, excused{
		Span: slo.Span{Start: open.Run.Onset, End: open.Run.End},
		From: open.Run.EndBad - open.Run.AtEnd.Bad,
		To:   open.Run.EndBad,

		Window: &closed, Hold: s.Tick.Sub(open.Run.End),
	})
	w.Burn = nil
	for i := range w.Track {
		w.Track[i] = tracker{}
	}
	return alert.Event{Tick: s.Tick, Closed: true, Window: closed}, true
}

// openBurn opens a window if a rule fires: the fastest one that does. Slower ones that fire as well
// may widen it at once.
func (w *Watch) openBurn(s slo.Sample) bool {
	for i, r := range w.Rules {
		if !w.Fires(i) {
			continue
		}
		rule := r.Rule
		w.Burn = &OpenWindow{
			Window: alert.Window{
				Objective: w.Def.Objective, Labels: w.Labels, Kind: alert.Burn, Rule: &rule, Definition: w.digest, Detected: s.Tick,
			},
			Run:   w.Track[i].run.clone(),
			Hold:  w.hold(r),
			Fired: make([]bool, len(w.Rules)),
		}
		w.Burn.Fired[i] = true
		w.Burn.First = w.Burn.Run.Onset
		w.Burn.Run.close(s.Tick, w.History.All().Bad)
		w.retrace(w.Burn)
		w.widen(w.Burn)
		return true
	}
	return false
}

// widen notes the rules that fire while a window is open. A slower one widens the onset to its own
// if the stretch gained holds at least min_bad_events; a faster one shortens the hold.
func (w *Watch) widen(open *OpenWindow) {
	for i, r := range w.Rules {
		if open.Fired[i] || !w.Fires(i) {
			continue
		}
		open.Fired[i] = true
		open.Hold = min(open.Hold, w.hold(r))
		t := w.Track[i]
		if !t.Onset.Before(open.Run.Onset) {
			continue
		}
		if gained := t.Counts.Sub(open.Run.Counts); gained.Bad > 0 && gained.Bad >= w.Def.Policy.MinBadEvents {
			open.Run.Onset = t.Onset
			open.Run.Counts = open.Run.Counts.Add(gained)
			open.Run.AtEnd = open.Run.AtEnd.Add(gained)
			w.retrace(open)
		}
	}
}

// addTick adds the newest tick to an open window's runs.
func (w *Watch) addTick(open *OpenWindow, s slo.Sample) {
	kind := classify(w.thresholdOf(open), s.Counts)
	if s.Blind {
		kind = alert.BlindGap
	}
	open.Tail = addRun(open.Tail, alert.Phase{Kind: kind, Span: slo.Span{Start: s.Tick.Add(-w.History.Interval()), End: s.Tick}, Counts: s.Counts})
	if open.Run.End.Equal(s.Tick) {
		for _, r := range open.Tail {
			open.Runs = addRun(open.Runs, r)
		}
		open.Tail = nil
	}
}

// retrace finds an open window's runs anew, from the history.
func (w *Watch) retrace(open *OpenWindow) {
	base := w.thresholdOf(open)
	open.Runs = runsOf(w.History, base, open.Run.Onset, open.Run.End)
	open.Tail = runsOf(w.History, base, open.Run.End, w.History.Now())
}

func (w *Watch) hold(r armedRule) time.Duration {
	if w.Def.Policy.Hold > 0 {
		return w.roundUp(w.Def.Policy.Hold)
	}
	return r.Short
}

// Fires reports whether the burn rate is above the i-th rule's, strictly, over both of its windows.
func (w *Watch) Fires(i int) bool {
	r := w.Rules[i]
	if w.Now().Sub(w.Since) < r.Long {
		return false
	}
	if w.History.Apart() {
		return w.Track[i].isOn() && w.isCertain(r)
	}
	if !r.threshold.Exceeded(w.forRules(r.Short)) {
		return false
	}
	long := w.forRules(r.Long)
	return long.Bad >= w.Def.Policy.MinBadEvents && r.threshold.Exceeded(long)
}

// forRules sums the last `length` of events; bad ones in closed windows count as good.
func (w *Watch) forRules(length time.Duration) slo.Counts {
	c := w.History.Last(length)
	c.Bad -= w.excusedSince(w.History.Now().Add(-length))
	return c.Cut()
}

// excusedSince sums the bad events of closed windows after a time, and those from before the
// definition changed.
func (w *Watch) excusedSince(from time.Time) (bad float64) {
	if len(w.Excused) == 0 && !w.Redefined.Since.After(from) {
		return 0
	}
	before := w.History.Cumulative(from).Bad
	if w.Redefined.Since.After(from) {
		bad, before, from = w.Redefined.Bad-before, w.Redefined.Bad, w.Redefined.Since
	}
	exact := w.History.EachTick(from)
	for _, x := range w.Excused {
		if exact && !x.End.After(from) {
			continue // bad events are signed, so there may have been more before its end than before a time after it
		}
		bad += max(0, x.To-max(x.From, before)) // 0 where the window begins after it
	}
	return bad
}

// Snapshot is an open window with its numbers so far.
func (w *Watch) Snapshot(open *OpenWindow) alert.Window {
	v := open.Window
	v.Onset, v.Counts, v.PeakBurnRate = open.Run.Onset, open.Run.AtEnd, open.Run.PeakBurn
	v.Caveats = slices.Clone(open.Run.Caveats)
	v.Clip()
	w.spend(&v, open.Run.End)
	if v.Kind == alert.Burn {
		v.Phases = phases(slices.Clone(open.Runs), w.thresholdOf(open), v.Rule.Short, w.History.Interval())
	}
	if blind := w.blindTicks(v.Onset, open.Run.End); blind > 0 {
		v.Caveats = slo.MergeCaveats(v.Caveats, []slo.Caveat{{Kind: slo.NoData, Count: blind}})
	}
	if v.Kind == alert.Burn {
		w.sayPlanned(&v, open.Run.End)
		v.UsualEvents = w.usualOf(slo.Span{Start: v.Onset, End: open.Run.End})
	}
	v.Caveats = slo.MergeCaveats(v.Caveats, v.Objective.Indicator.Caveats())
	v.Severity = w.Def.Policy.SeverityOf(v)
	return v
}

// blindTicks counts the ticks without data in (from, to].
func (w *Watch) blindTicks(from, to time.Time) int {
	var length time.Duration
	for _, b := range w.History.Blind() {
		length += shared(b, slo.Span{Start: from, End: to})
	}
	return int(length / w.History.Interval())
}

func (w *Watch) thresholdOf(open *OpenWindow) slo.Threshold {
	return slo.NewThreshold(slo.MustDecimal("1"), open.Window.Objective.Target)
}

func (w *Watch) roundUp(d time.Duration) time.Duration {
	interval := w.History.Interval()
	return (d + interval - 1) / interval * interval
}
