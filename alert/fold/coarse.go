package fold

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// margin makes bounds safe against what is lost in rounding.
const margin = 1e-9

// Coarse is a Watch that is given samples of several ticks together where nothing can come of
// them, and of each tick elsewhere. Whatever it says is what the Watch would say that was given
// every tick: it knows of which times the counts are known, and asks for more where they are not
// and it matters. Bad events must be 0 or more in every tick, and no work be planned.
type Coarse struct {
	*Watch
	step    time.Duration
	begun   time.Time  // all that the history holds of the time before is known
	fine    []slo.Span // after that: where it is known at every tick, oldest first
	doubts  []doubt    // one a rule
	summits []summit   // of the open window of kind budget
}

// doubt is what is not known of a rule's tracker.
type doubt struct {
	most   float64   // its sum may be that high
	from   time.Time // given every tick from here on, the tracker is what it should be
	inSums bool      // its onset and sums may be others than the tracker says
	inPeak bool      // so may its highest burn rate
}

// summit is a step in which an open window may have got worse than is known.
type summit struct {
	slo.Span
	burn, excess float64 // what the peaks are at most
}

// NewCoarse goes on with a watch that was given every tick so far.
func NewCoarse(w *Watch, step time.Duration) *Coarse {
	c := &Coarse{Watch: w, step: step, begun: w.Now(), doubts: make([]doubt, len(w.Rules))}
	for i := range c.doubts {
		c.doubts[i] = doubt{most: w.Track[i].Sum, from: w.Now()}
	}
	return c
}

// Clone returns a copy that shares nothing that changes.
func (c *Coarse) Clone() *Coarse {
	d := *c
	d.Watch = c.Watch.Clone()
	d.fine, d.doubts, d.summits = slices.Clone(c.fine), slices.Clone(c.doubts), slices.Clone(c.summits)
	return &d
}

// Clone returns a copy that shares nothing that changes. It takes the way that a checkpoint takes.
func (w *Watch) Clone() *Watch {
	d := *w
	d.History, d.WatchState = w.History.Clone(), WatchState{}
	text, err := json.Marshal(w.WatchState)
	if err == nil {
		err = json.Unmarshal(text, &d.WatchState)
	}
	if err != nil {
		panic(err) // plain data always marshals
	}
	return &d
}

// unsure is the history, with what is known of it.
func (c *Coarse) unsure() slo.Unsure {
	return slo.Unsure{History: c.History, Step: c.step, IsKnown: c.knows}
}

// knows reports whether the cumulative counts up to a time are known.
func (c *Coarse) knows(t time.Time) bool {
	if !t.After(c.begun) || t.UnixNano()%int64(c.step) == 0 {
		return true
	}
	i, _ := slices.BinarySearchFunc(c.fine, t, func(s slo.Span, t time.Time) int { return s.End.Compare(t) })
	return i < len(c.fine) && !c.fine[i].Start.After(t)
}

// knowsSince reports whether every tick after a time is known.
func (c *Coarse) knowsSince(t time.Time) bool {
	n := len(c.fine)
	return !t.Before(c.Now()) || n > 0 && c.fine[n-1].End.Equal(c.Now()) && (!c.fine[n-1].Start.After(t) || !c.fine[n-1].Start.After(c.begun))
}

// MaySkip reports whether nothing can come of a sample of several ticks, however its events are
// spread over them. Else it must be given tick by tick.
func (c *Coarse) MaySkip(s slo.Sample, length time.Duration) bool {
	if since := c.Redefined.Since; since.After(c.Now().Add(-c.memory)) && !since.After(c.Now().Add(length)) {
		return false // some bad events open nothing
	}
	if c.Low != nil || c.mayBeQuiet(length, s.Counts) {
		return false
	}
	if c.Burn != nil || c.Blind != nil || c.Dark != nil || c.History.Empty() || s.Bad < 0 || len(s.Late) > 0 || !c.budgetSkips(s, length) {
		return false
	}
	for _, r := range c.Rules {
		if _, no := c.fires(r, length, s.Counts, c.Excused); !no {
			return false
		}
	}
	return true
}

// fires reports whether a rule is sure to fire, or sure not to, at all ticks of the next sample;
// with no length, at the last tick.
func (c *Coarse) fires(r armedRule, ahead time.Duration, next slo.Counts, closed []excused) (yes, no bool) {
	yes = true
	for _, length := range []time.Duration{r.Long, r.Short} {
		least, most := c.ruleBounds(length, ahead, next, closed)
		if !could(r.threshold, least, most) || length == r.Long && most.Bad < c.Def.Policy.MinBadEvents {
			return false, true
		}
		yes = yes && must(r.threshold, least, most) && (length != r.Long || least.Bad >= c.Def.Policy.MinBadEvents)
	}
	return yes, false
}

// ruleBounds returns the least and the most of what a rule sums over a window.
func (c *Coarse) ruleBounds(length, ahead time.Duration, next slo.Counts, closed []excused) (least, most slo.Counts) {
	u := c.unsure()
	least, most = u.Bounds(length, ahead, next)
	if len(closed) > 0 {
		from := c.Now().Add(-length)
		bucket := c.History.Grain(from.Add(-ahead))
		early, _ := u.Around(from, bucket)
		_, late := u.Around(from.Add(ahead), bucket)
		before, after := c.History.Cumulative(early).Bad, c.History.Cumulative(late).Bad
		for _, x := range closed {
			most.Bad -= max(0, x.To-max(x.From, after))
			least.Bad -= max(0, x.To-max(x.From, before))
		}
	}
	most.Bad, least.Bad = max(0, most.Bad), max(0, least.Bad)
	return least, most
}

// could reports whether counts between two bounds may exceed a threshold.
func could(t slo.Threshold, least, most slo.Counts) bool {
	return most.Bad > 0 && t.Exceeded(slo.Counts{Total: least.Total * (1 - margin), Bad: most.Bad})
}

// must reports whether all counts between two bounds exceed a threshold.
func must(t slo.Threshold, least, most slo.Counts) bool {
	return t.Exceeded(slo.Counts{Total: most.Total * (1 + margin), Bad: least.Bad})
}

// StepLong folds in a sample of several ticks that may be skipped.
func (c *Coarse) StepLong(s slo.Sample, ticks int) []alert.Event {
	start := c.Now()
	length := time.Duration(ticks) * c.History.Interval()
	for i := range c.doubts {
		c.doubts[i].skip(c.Rules[i].threshold, s.Counts, start, start.Add(length))
	}
	top := summit{Span: slo.Span{Start: start, End: start.Add(length)}}
	if open := c.Budget; open != nil {
		top.burn = budgetBurn(c.worstBudget(s, length), open.Window.Objective.Target)
		top.excess = open.Run.Excess + c.thresholdOf(open).Excess(slo.Counts{Bad: s.Bad})
		c.summits = append(c.summits, top)
	}
	events := c.Watch.StepLong(s, ticks)
	c.forgetSummits()
	return events
}

// skip notes what a step of several ticks leaves unknown of a tracker.
func (d *doubt) skip(t slo.Threshold, counts slo.Counts, start, end time.Time) {
	excess := t.Excess(counts)
	if d.most+excess <= 0 {
		d.from = start // the sum was 0 at some tick of it, whatever it was before
	}
	d.most = max(0, d.most+excess, t.Excess(slo.Counts{Bad: counts.Bad}))
	if d.most == 0 {
		*d = doubt{from: end}
		return
	}
	d.inSums, d.inPeak = true, true // and there may have been ticks without data
}

// Step folds in the sample of one tick. Where what came of it depends on what is not known, it
// returns for which stretches every tick is needed, to fold again from there.
func (c *Coarse) Step(s slo.Sample) (events []alert.Event, need []slo.Span) {
	was := before{burn: c.Burn, closed: len(c.Excused), start: c.Now()}
	if c.Burn != nil {
		was.fired = slices.Clone(c.Burn.Fired)
	}
	events = c.Watch.Step(s)
	c.extend(was.start)
	s = s.Unplanned()
	need = c.relearnt(s)
	c.follow(s, len(need) == 0)
	need = append(need, c.doubtful(s, was, events)...)
	for i, t := range c.Track {
		if !t.isOn() && !c.doubts[i].inSums || c.closedBurn(events) {
			c.doubts[i] = doubt{most: t.Sum, from: c.Now()}
		}
	}
	need = append(need, c.budgetDoubts(events)...)
	need = append(need, c.quietDoubts(s)...)
	return events, need
}

// before is what a watch was before a tick.
type before struct {
	burn   *OpenWindow
	fired  []bool
	closed int
	start  time.Time
}

// extend notes that the tick that began at a time is known.
func (c *Coarse) extend(start time.Time) {
	if n := len(c.fine); n > 0 && c.fine[n-1].End.Equal(start) {
		c.fine[n-1].End = c.Now()
		return
	}
	c.fine = append(c.fine, slo.Span{Start: start, End: c.Now()})
}

// follow folds a tick into what is known of the trackers.
func (c *Coarse) follow(s slo.Sample, known bool) {
	_, late := c.relearn(s)
	for i, r := range c.Rules {
		d, t := &c.doubts[i], c.Track[i]
		switch d.most = max(0, d.most+r.threshold.Excess(everything(s))); {
		case late && known:
			d.most, d.inSums = t.Sum, false // they were summed again
		case d.most == 0:
			*d = doubt{from: c.Now()}
		case !d.inSums:
			d.most = t.Sum
		}
		if t.isOn() && !c.unsure().IsExact(c.Now().Add(-r.Short)) {
			d.inPeak = true
		}
	}
}

// relearnt returns what has to be known where events came late, and ticks are summed again.
func (c *Coarse) relearnt(s slo.Sample) []slo.Span {
	from, late := c.relearn(s)
	if !late {
		return nil
	}
	for _, d := range c.doubts {
		if d.inSums && d.from.Before(from) {
			from = d.from
		}
	}
	if c.knowsSince(from) {
		return nil
	}
	return []slo.Span{{Start: from, End: c.Now()}}
}

// doubtful returns what has to be known to be sure of what a tick did to the window of kind burn.
func (c *Coarse) doubtful(s slo.Sample, was before, events []alert.Event) (need []slo.Span) {
	open, closed := c.Burn, c.Excused
	if open == nil {
		open = was.burn
	}
	if c.closedBurn(events) {
		closed = closed[:len(closed)-1]
	}
	if was.burn != nil && was.burn.Window.Rule != nil {
		need = c.inexact(was.burn.Window.Rule.Short)
	}
	if s.Blind || s.Excluded && was.burn == nil || open != nil && open.Window.Definition != c.digest {
		return need
	}
	for i, r := range c.Rules {
		switch fired := was.fired != nil && was.fired[i]; {
		case fired:
		case open == nil || !open.Fired[i]:
			if _, no := c.fires(r, 0, slo.Counts{}, closed); !no {
				need = append(need, c.inexact(r.Short, r.Long)...)
			}
		default:
			if yes, _ := c.fires(r, 0, slo.Counts{}, closed); !yes {
				need = append(need, c.inexact(r.Short, r.Long)...)
			}
			need = append(need, c.doubtOf(i, was.burn == nil && *open.Window.Rule == r.Rule)...)
		}
	}
	return need
}

// closedBurn reports whether a window of kind burn was closed.
func (c *Coarse) closedBurn(events []alert.Event) bool {
	return slices.ContainsFunc(events, func(e alert.Event) bool { return e.Closed && e.Window.Kind == alert.Burn })
}

// inexact returns the steps in which windows of these lengths begin, where that is not known at
// each tick.
func (c *Coarse) inexact(lengths ...time.Duration) (need []slo.Span) {
	u := c.unsure()
	for _, length := range lengths {
		if from := c.Now().Add(-length); !u.IsExact(from) {
			early, late := u.Around(from, max(c.step, c.History.Grain(from)))
			need = append(need, slo.Span{Start: early, End: late})
		}
	}
	return need
}

// doubtOf returns what has to be known of a rule's tracker; with its peak, if that is asked for.
func (c *Coarse) doubtOf(i int, peak bool) []slo.Span {
	d := c.doubts[i]
	switch {
	case peak && (d.inSums || d.inPeak):
		return []slo.Span{{Start: d.from.Add(-c.Rules[i].Short), End: c.Now()}}
	case d.inSums:
		return []slo.Span{{Start: d.from, End: c.Now()}}
	}
	return nil
}

// Doubts returns what has to be known for the watch to be what it would be if it had been given
// every tick, except for the history's own buckets.
func (c *Coarse) Doubts() (need []slo.Span) {
	for i, t := range c.Track {
		if c.doubts[i].inSums || t.isOn() {
			need = append(need, c.doubtOf(i, true)...)
		}
	}
	return append(need, c.spans()...)
}
