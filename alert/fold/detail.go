package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// lengths are the times to look back for a Detail, besides the objective's own window.
var lengths = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// Detail returns all that is known of the objective. Its course covers the last `length`, or the
// objective's window if length is 0 or longer than that, in at most `most` stretches: whole ticks,
// and no shorter than the history keeps at their beginning.
func (w *Watch) Detail(length time.Duration, most int) alert.Detail {
	d := alert.Detail{Status: w.Status(), Policy: w.Def.Policy}
	p := profile{w.forBudget()}
	window := w.windowLength(w.Now())
	for _, l := range lengths {
		if l < window {
			d.Attained = append(d.Attained, p.attained(l))
		}
	}
	d.Attained = append(d.Attained, p.attained(window))
	for i, r := range w.rules {
		d.Rules = append(d.Rules, alert.RuleStatus{
			Rule:          w.Def.Policy.Rules[i],
			LongBurnRate:  slo.BurnRate(w.History.Last(r.Long).Cut(), w.Def.Objective.Target),
			ShortBurnRate: slo.BurnRate(w.History.Last(r.Short).Cut(), w.Def.Objective.Target),
			Bad:           w.History.Last(r.Long).Cut().Bad,
		})
	}
	if length <= 0 || length > window {
		length = window
	}
	d.Course = p.course(length, most)
	return d
}

// windowLength returns the length of the objective's window: of a calendar one, what has passed of
// it.
func (t *terms) windowLength(now time.Time) time.Duration {
	window := t.Def.Objective.Window
	if window.Calendar == "" {
		return window.Rolling
	}
	return now.Sub(t.periods.At(now).Start)
}

// profile tells an objective's past: as its budget counts it, and its course.
type profile struct{ overlay }

// attained leaves out what people excluded, as the budget does.
func (p profile) attained(length time.Duration) alert.Attained {
	now := p.Now()
	span := slo.Span{Start: now.Add(-length), End: now}
	unseen := p.unseen(span)
	for _, out := range p.leftOut() {
		unseen += out.Overlap(span)
	}
	if before := p.History.Known().Sub(span.Start); before > 0 {
		unseen += min(before, length)
	}
	counts := p.History.Between(span.Start, now).Sub(p.correctedIn(span, true)).Cut()
	return alert.Attained{Length: length, Counts: counts, Unseen: min(unseen, length)}
}

// course returns the events of the last `length` in equal stretches, at most `most`. The oldest may
// be shorter.
func (p profile) course(length time.Duration, most int) (all []alert.Stretch) {
	now, interval := p.Now(), p.History.Interval()
	from := now.Add(-length)
	step := roundUp(max(length/time.Duration(most-1), interval), interval)
	if grain := p.History.Grain(from); from.After(p.History.Origin()) && grain > step {
		step = grain
	}
	for start := slo.Floor(from, step); start.Before(now); start = start.Add(step) {
		all = append(all, p.stretch(slo.Span{Start: slo.Later(start, from), End: slo.Earlier(start.Add(step), now)}))
	}
	return all
}

func (p profile) stretch(span slo.Span) alert.Stretch {
	length := span.End.Sub(span.Start)
	planned := p.planned.length(span)
	return alert.Stretch{
		Span: span, Counts: p.History.Between(span.Start, span.End).Cut(), Planned: planned > 0,
		Blind: !span.End.After(p.History.Known()) || p.blindFor(span) >= length-planned && planned < length,
	}
}
