package count

import (
	"github.com/postburn/postburn/slo"
)

// take is how much of a counter's value counts.
type take int

const (
	nothing take = iota // the value is where counting starts
	growth              // the difference to the sample before
	all                 // the value: the counter began anew
)

// verdict is what is known of one step of a counter.
type verdict struct {
	take  take
	note  slo.Caveat // what makes it less than exact; no kind: nothing does
	since int64      // since when the events went uncounted, ms; 0: since the scrape before
	gap   bool       // because the target was not scraped
}

// step is what a counter counted up to one of its samples, between the scrape before and this one.
type step struct {
	verdict
	events float64
}

// step counts one sample of the tick. A part begins anew when its whole does, and has its caveats.
func (t *target) step(c *counter, now Sample) step {
	s := step{}
	if whole, has := c.wholeAt(now.At); has {
		s.verdict = t.judgeWhole(c.whole, whole)
		s.note = slo.Caveat{}
	} else {
		s.verdict = t.judgeWhole(c, now)
	}
	switch before, _ := c.before(now.At); s.take {
	case growth:
		s.events = max(now.Value-before.Value, 0)
	case all:
		s.events = now.Value
	}
	return s
}

// wholeAt is the sample of all events of which a counter is a part; ok is false where there is
// none.
func (c *counter) wholeAt(at int64) (whole Sample, ok bool) {
	if c.whole == nil {
		return Sample{}, false
	}
	return c.whole.at(at)
}

// judgeWhole is judge for a counter that may have a part. If only the part fell, one of the scrapes
// cannot be trusted, and neither counts.
func (t *target) judgeWhole(c *counter, now Sample) verdict {
	v := t.judge(c, now)
	if v.take != growth || c.good == nil {
		return v
	}
	before, had := c.good.before(now.At)
	good, has := c.good.at(now.At)
	if lost := before.Value - good.Value; had && has && lost >= 1 {
		return verdict{note: note(slo.Dip, lost)}
	}
	return v
}

func (t *target) judge(c *counter, now Sample) verdict {
	before, had := c.before(now.At)
	last, scraped := t.lastScrape(now.At)
	switch {
	case !had && !scraped:
		return t.first(now)
	case !had:
		return t.late(last, now.At, t.born(now, last))
	case before.At < last && t.absent(c, before.At, now.At):
		return t.late(last, now.At, t.back(c, before, now, last))
	}
	return t.late(before.At, now.At, t.goneOn(c, before, now))
}

// late says since when the events of a step went uncounted: where the target was not scraped in
// between, since the scrape before, or since its new process had started.
func (t *target) late(from, to int64, v verdict) verdict {
	if t.isStep(from, to) {
		v.since = 0
		return v
	}
	v.gap = true
	if v.since == 0 {
		v.since = from
	}
	return v
}

func note(kind slo.CaveatKind, events float64) slo.Caveat {
	return slo.Caveat{Kind: kind, Count: 1, Events: events}
}

// goneOn judges a counter that its last scrape before had, too.
func (t *target) goneOn(c *counter, before, now Sample) verdict {
	start, started := t.started(before.At, now.At)
	hasFallen := fell(before.Value, now.Value)
	switch {
	case hasFallen && t.isAggregate(before, now):
		return verdict{note: note(slo.Uncountable, now.Value)}
	case hasFallen:
		return t.anew(c, before, now, start, started)
	case t.resets.within(before.At, now.At):
		v := t.anew(c, before, now, start, started)
		if !started {
			v.note = note(slo.Restart, before.Value)
		}
		return v
	case now.Value < before.Value:
		return verdict{note: note(slo.Dip, before.Value-now.Value)}
	case t.alike == now.At:
		return verdict{take: growth, note: note(slo.Returned, before.Value)}
	case before.Value > 0 && (started || t.falls.within(before.At, now.At) && t.believable(now.Value, now.At-before.At)):
		return verdict{take: growth, note: note(slo.Restart, before.Value)}
	}
	return verdict{take: growth}
}

// anew judges a counter that was reset. What its process had counted since the last scrape is lost:
// as much as is usual until the new one started. Where that is not known, a restart comes in the
// middle between two scrapes on average, so that as much was lost as the new one has counted.
func (t *target) anew(c *counter, before, now Sample, start int64, started bool) verdict {
	v := verdict{take: all, note: note(slo.Reset, now.Value)}
	if !started {
		return v
	}
	v.since = max(start, before.At)
	counted, took := now.Value, now.At-v.since
	if steps := t.stepsBefore(c, before.At); len(steps) > 1 {
		counted += steps[len(steps)-1].Value - steps[0].Value
		took += steps[len(steps)-1].At - steps[0].At
	}
	if lost := v.since - before.At; took > 0 && 8*took >= now.At-before.At {
		v.note.Events = counted / float64(took) * float64(lost)
	}
	return v
}

// stepsBefore are the samples of a counter in the time of Lookback up to one, since its last reset.
func (t *target) stepsBefore(c *counter, until int64) []Sample {
	end := find(c.kept, until+1)
	begin := end
	for begin > 0 && c.kept[begin-1].At >= until-Lookback.Milliseconds() &&
		(begin == end || c.kept[begin-1].Value <= c.kept[begin].Value) {
		begin--
	}
	return c.kept[begin:end]
}

// born judges a counter that was never seen, of a target that was scraped without it: all that it
// has was counted since. That holds unless the value is beyond belief, and no reset explains it:
// then the target had left it out.
func (t *target) born(now Sample, last int64) verdict {
	isReset := t.resets.within(last, now.At)
	if !isReset && !t.believable(now.Value, now.At-last) {
		return verdict{note: note(slo.Baseline, now.Value)}
	}
	start, started := t.started(last, now.At)
	v := verdict{take: all}
	if started {
		v.since = max(start, last)
	}
	return v
}

// back judges a counter that is there again after scrapes without it. Any sibling that fell
// meanwhile is proof of a reset, even where others went on: exporters that delete idle series do so
// one by one.
func (t *target) back(c *counter, before, now Sample, last int64) verdict {
	isReset := t.resets.within(before.At, now.At) || t.falls.within(before.At, now.At)
	switch hasFallen := fell(before.Value, now.Value); {
	case hasFallen && t.isAggregate(before, now):
		return verdict{note: note(slo.Uncountable, now.Value)}
	case hasFallen, isReset && t.believable(now.Value, now.At-before.At) && !c.exceeds(1, before, now, before.At):
		v := verdict{take: all}
		if !hasFallen && !t.resets.within(before.At, now.At) {
			v.note = note(slo.Restart, before.Value)
		}
		if start, started := t.started(last, now.At); started {
			v.since = max(start, last)
		}
		return v
	case now.Value < before.Value:
		return verdict{note: note(slo.Dip, before.Value-now.Value)}
	}
	return verdict{take: growth, note: note(slo.Returned, before.Value)}
}

// newborn is how old the process of a new target is at most for all its events to be counted, in
// ms.
const newborn = 60 * 60 * 1000

// first judges a counter of a target that was never scraped before. It counts since its process
// started, if that was a short while ago. One that does not say when it started counts if it has as
// few events as a new one can have: no more than three times what the others of its job count
// between two scrapes.
func (t *target) first(now Sample) verdict {
	if start, known := t.start(now.At); known {
		if start < now.At-newborn {
			return verdict{note: note(slo.Baseline, now.Value)}
		}
		v := verdict{take: all, since: min(start, now.At)}
		if t.doubtful && now.Value > 0 {
			v.note = note(slo.Restart, now.Value)
		}
		return v
	}
	switch {
	case t.sum == 0:
		return verdict{take: all}
	case t.sum <= 3*t.peersStep():
		return verdict{take: all, note: note(slo.NewTarget, now.Value)}
	}
	return verdict{note: note(slo.Baseline, now.Value)}
}
