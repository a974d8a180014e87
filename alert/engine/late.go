package engine

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lateness is what a lane knows of data that comes late.
type lateness struct {
	Extra   time.Duration `json:"extra,omitempty"`  // added to the delay, in whole intervals
	Checked time.Time     `json:"checked,omitzero"` // up to here all ticks are verified, while data is known to come late; else zero
	Closed  []time.Time   `json:"closed,omitempty"` // ticks at which a window was closed, to be read again
}

// dueCheck is the tick to be read again when `tick` is folded, and where the stretch begins that is
// read again if it differs.
func (l *Lane) dueCheck(tick time.Time) (check, from time.Time, due bool) {
	check = tick.Add(-fold.CheckAfter * l.interval)
	from = check.Add(-fold.CheckEvery * l.interval)
	if !l.late.Checked.IsZero() && l.late.Checked.After(from) {
		from = l.late.Checked
	}
	closed := slices.ContainsFunc(l.late.Closed, check.Equal)
	l.late.Closed = slices.DeleteFunc(l.late.Closed, func(t time.Time) bool { return !t.After(check) })
	return check, from, closed || check.UnixNano()/int64(l.interval)%fold.CheckEvery == 0
}

// recheck reads an earlier tick again, if one is due, and adds to the samples what has come since:
// they are those of one tick, of the lane's watches. If there is any, the whole stretch since the
// last check is read again, and ticks are sampled later from then on.
func (e *Engine) recheck(ctx context.Context, l *Lane, tick time.Time, samples [][]slo.Sample) {
	check, from, due := l.dueCheck(tick)
	if !due {
		return
	}
	first := check
	if !l.late.Checked.IsZero() {
		first = from.Add(l.interval) // data is known to come late, so all are to be verified
	}
	events, atCheck := e.compare(ctx, l, slo.Ticks{First: first, Last: check, Interval: l.interval}, samples)
	if events > 0 && first.Equal(check) && from.Before(check.Add(-l.interval)) {
		more, _ := e.compare(ctx, l, slo.Ticks{First: from.Add(l.interval), Last: check.Add(-l.interval), Interval: l.interval}, samples)
		events += more
	}
	switch {
	case atCheck:
		l.late.Checked = check
		if l.late.Extra < fold.CheckAfter*l.interval {
			l.late.Extra = min(max(l.interval, 2*l.late.Extra), fold.CheckAfter*l.interval)
			e.opts.Logger.Warn("data came after its tick was read; sampling later from now on", "lane", l.name, "events", events, "added_delay", l.late.Extra)
		}
	default:
		l.late.Checked = time.Time{}
	}
	e.metrics.lateEvents.Add(events)
}

// compare reads ticks again and adds what is more than the histories hold as late. It returns how
// many events that is, and whether there are any of the last tick.
func (e *Engine) compare(ctx context.Context, l *Lane, ticks slo.Ticks, samples [][]slo.Sample) (events float64, atLast bool) {
	readings, failing := e.read(ctx, l, l.defs, ticks)
	if ctx.Err() != nil || len(failing) > 0 {
		return 0, false
	}
	for i := range samples {
		w := l.watches[i]
		for t, s := range l.seriesOf(w, readings) {
			at := ticks.At(t)
			if w.IsPlanned(at) {
				continue // what came late of it would change no breach
			}
			more := missed(w.History.Between(at.Add(-l.interval), at), s.Counts)
			if more.Total < 1 && math.Abs(more.Bad) < 1 {
				continue
			}
			late := max(more.Total, -more.Bad) // good ones that came later than the total
			into := &samples[i][0]
			into.Late = append(into.Late, slo.Late{From: at.Add(-l.interval), To: at, Counts: more})
			into.Caveats = slo.MergeCaveats(into.Caveats, []slo.Caveat{{Kind: slo.DataLate, Count: 1, Events: late}})
			into.Normalize()
			events += late
			atLast = atLast || t == ticks.Len()-1
		}
	}
	return events, atLast
}

// seriesOf finds a watch's samples in readings, one for each of the lane's definitions; nil where
// there are none.
func (l *Lane) seriesOf(w *fold.Watch, readings []slo.Reading) []slo.Sample {
	for i, d := range l.defs {
		if d.Objective.Name != w.Def.Objective.Name {
			continue
		}
		for _, s := range readings[i].Series {
			if s.Labels == w.Labels {
				return s.Samples
			}
		}
	}
	return nil
}

// missed returns what a tick that is read again has more than it had. Bad events are fewer where
// good ones came later than their total; where the total itself is smaller than it was, data has
// gone since, and proves nothing good.
func missed(had, has slo.Counts) slo.Counts {
	more := has.Sub(had)
	if more.Total < 0 {
		return slo.Counts{Bad: max(0, more.Bad)}
	}
	return more
}
