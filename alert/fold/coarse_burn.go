package fold

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// fires reports whether a rule is sure to fire, or sure not to, at all ticks of the next sample. If
// ahead is 0, it looks at the last tick.
func (p *sparse) fires(r armedRule, ahead time.Duration, next slo.Counts, closed closedWindows) (yes, no bool) {
	yes = true
	for _, length := range []time.Duration{r.Long, r.Short} {
		least, most := p.ruleBounds(length, ahead, next, closed)
		if !could(r.threshold, least, most) || length == r.Long && most.Bad < p.Def.Policy.MinBadEvents {
			return false, true
		}
		yes = yes && must(r.threshold, least, most) && (length != r.Long || least.Bad >= p.Def.Policy.MinBadEvents)
	}
	return yes, false
}

// ruleBounds returns the least and most events that a rule sums over a window.
func (p *sparse) ruleBounds(length, ahead time.Duration, next slo.Counts, closed closedWindows) (least, most slo.Counts) {
	u := p.unsure()
	least, most = u.Bounds(length, ahead, next)
	if len(closed) > 0 {
		from := p.Now().Add(-length)
		bucket := p.History.Grain(from.Add(-ahead))
		early, _ := u.Around(from, bucket)
		_, late := u.Around(from.Add(ahead), bucket)
		before, after := p.History.Cumulative(early).Bad, p.History.Cumulative(late).Bad
		for _, x := range closed {
			most.Bad -= max(0, x.To-max(x.From, after))
			least.Bad -= max(0, x.To-max(x.From, before))
		}
	}
	most.Bad, least.Bad = max(0, most.Bad), max(0, least.Bad)
	return least, most
}

// doubt says what is unknown of a rule's tracker.
type doubt struct {
	most   float64   // upper bound of its sum
	from   time.Time // given every tick from here on, the tracker is right
	inSums bool      // the tracker's onset and sums may be wrong
	inPeak bool      // so may be its highest burn rate
}

// skip notes what a step of several ticks leaves unknown.
func (d *doubt) skip(t slo.Threshold, counts slo.Counts, step slo.Span) {
	excess := t.Excess(counts)
	if d.most+excess <= 0 {
		d.from = step.Start // the sum was 0 at some tick of it, whatever it was before
	}
	d.most = max(0, d.most+excess, t.Excess(slo.Counts{Bad: counts.Bad}))
	if d.most == 0 {
		*d = doubt{from: step.End}
		return
	}
	d.inSums, d.inPeak = true, true // and there may have been ticks without data
}

// spans returns the stretches needed for the tracker, and for its peak if asked.
func (d *doubt) spans(short time.Duration, peak bool, now time.Time) []slo.Span {
	switch {
	case peak && (d.inSums || d.inPeak):
		return []slo.Span{{Start: d.from.Add(-short), End: now}}
	case d.inSums:
		return []slo.Span{{Start: d.from, End: now}}
	}
	return nil
}

// doubts has one doubt per rule.
type doubts []doubt

// follow folds a tick into the doubts. If late events make it sum unknown ticks again, it returns
// these.
func (all doubts) follow(p *sparse, f *firing, s slo.Sample) (need []slo.Span) {
	from, late := p.relearn(s)
	if late {
		for _, d := range all {
			if d.inSums && d.from.Before(from) {
				from = d.from
			}
		}
		if !p.knowsSince(from) {
			need = []slo.Span{{Start: from, End: p.Now()}}
		}
	}
	for i, r := range p.rules {
		d, t := &all[i], f.track[i]
		switch d.most = max(0, d.most+r.threshold.Excess(everything(s))); {
		case late && need == nil:
			d.most, d.inSums = t.Sum, false // they were summed again
		case d.most == 0:
			*d = doubt{from: p.Now()}
		case !d.inSums:
			d.most = t.Sum
		}
		if t.isOn() && !p.unsure().IsExact(p.Now().Add(-r.Short)) {
			d.inPeak = true
		}
	}
	return need
}

// burnBefore is the state of burning before a tick.
type burnBefore struct {
	open   *OpenWindow
	fired  []bool
	closed closedWindows
}

// ofBurn returns the stretches needed to be sure what a tick did to the window of kind burn.
func (all doubts) ofBurn(p *sparse, s slo.Sample, was burnBefore, open *OpenWindow) (need []slo.Span) {
	if open == nil {
		open = was.open
	}
	if was.open != nil && was.open.Window.Rule != nil {
		need = p.inexact(was.open.Window.Rule.Short)
	}
	if s.Blind || s.Excluded && was.open == nil || open != nil && open.Window.Definition != p.digest {
		return need
	}
	for i, r := range p.rules {
		if was.fired != nil && was.fired[i] {
			continue
		}
		yes, no := p.fires(r, 0, slo.Counts{}, was.closed)
		fired := open != nil && open.Fired[i]
		if !fired && !no || fired && !yes {
			need = append(need, p.inexact(r.Short, r.Long)...)
		}
		if fired {
			need = append(need, all[i].spans(r.Short, was.open == nil && *open.Window.Rule == r.Rule, p.Now())...)
		}
	}
	return need
}

// settle ends the doubts of trackers that have begun anew.
func (all doubts) settle(f *firing, now time.Time, closed bool) {
	for i, t := range f.track {
		if closed || !t.isOn() && !all[i].inSums {
			all[i] = doubt{most: t.Sum, from: now}
		}
	}
}
