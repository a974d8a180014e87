package count

import (
	"github.com/postburn/postburn/slo"
)

// take is how much of a counter's value counts.
type take int

const (
	nothing take = iota // counting starts at the value
	growth              // the difference to the sample before
	all                 // the value: the counter began anew
)

// verdict is what is known of one step of a counter.
type verdict struct {
	take  take
	note  slo.Caveat // what makes it less than exact; no kind: nothing does
	since int64      // when the uncounted events began, ms; 0: at the scrape before
	gap   bool       // because the target was not scraped
}

func note(kind slo.CaveatKind, events float64) slo.Caveat {
	return slo.Caveat{Kind: kind, Count: 1, Events: events}
}

// step is one step of a counter: from its sample before to one in the tick.
type step struct {
	*target
	counter     *counter
	before, now Sample
	had         bool  // there is a sample before
	last        int64 // the target's scrape before
	scraped     bool  // there is one
}

// stepTo returns a counter's step that ends with a sample.
func (t *target) stepTo(c *counter, now Sample) step {
	s := step{target: t, counter: c, now: now}
	s.before, s.had = c.before(now.At)
	s.last, s.scraped = t.lastScrape(now.At)
	return s
}

// count judges a step and returns how many events it has. A part begins anew when its whole does,
// and has its caveats.
func (s step) count() (v verdict, events float64) {
	if whole, is := s.counter.wholeAt(s.now.At); is {
		v = s.stepTo(s.counter.whole, whole).judgeWhole()
		v.note = slo.Caveat{}
	} else {
		v = s.judgeWhole()
	}
	switch v.take {
	case growth:
		events = max(s.now.Value-s.before.Value, 0)
	case all:
		events = s.now.Value
	}
	return v, events
}

// judgeWhole is judge for a counter that may have a part. If only the part fell, one of the scrapes
// cannot be trusted, and neither counts.
func (s step) judgeWhole() verdict {
	v := s.judge()
	if v.take != growth || s.counter.good == nil {
		return v
	}
	before, had := s.counter.good.before(s.now.At)
	good, has := s.counter.good.at(s.now.At)
	if lost := before.Value - good.Value; had && has && lost >= 1 {
		return verdict{note: note(slo.Dip, lost)}
	}
	return v
}

func (s step) judge() verdict {
	switch {
	case !s.had && !s.scraped:
		return s.first()
	case !s.had:
		return s.late(s.last, s.born())
	case s.before.At < s.last && s.isAbsent():
		return s.late(s.last, s.back())
	}
	return s.late(s.before.At, s.goneOn())
}

// isAbsent reports whether a scrape within the step did not show the counter at all, not even with
// an unusable value.
func (s step) isAbsent() bool {
	from, to, shown := s.before.At+1, s.now.At, s.counter.shown
	return position(s.scrapes, to)-position(s.scrapes, from) > find(shown, to)-find(shown, from)
}

// late sets when a step's uncounted events began if scrapes are missing since `from`: then, or when
// the new process started.
func (s step) late(from int64, v verdict) verdict {
	if 2*(s.now.At-from) <= 5*s.usualGap() { // none was left out
		v.since = 0
		return v
	}
	v.gap = true
	if v.since == 0 {
		v.since = from
	}
	return v
}

// dip returns the verdict on a counter that has less than before, but too little less for a reset:
// the values come from another replica, which is a little behind.
func (s step) dip() verdict { return verdict{note: note(slo.Dip, s.before.Value-s.now.Value)} }

// isAggregate reports whether a counter that fell cannot have been reset, as it has much more than
// the target counts: a sum of several processes falls so if one is gone. A value of up to 100
// always is a reset, and so is any value if the process says that it started, or if no other step
// tells what the target counts.
func (s step) isAggregate() bool {
	_, started := s.started(s.before.At, s.now.At)
	return !started && s.steps > 1 && s.now.Value > few && !s.believable(s.now.Value, s.now.At-s.before.At)
}

// goneOn judges a counter that the target's last scrape had, too.
func (s step) goneOn() verdict {
	start, started := s.started(s.before.At, s.now.At)
	hasFallen := fell(s.before.Value, s.now.Value)
	switch {
	case hasFallen && s.isAggregate():
		return verdict{note: note(slo.Uncountable, s.now.Value)}
	case hasFallen:
		return s.anew(start, started)
	case s.resets.within(s.before.At, s.now.At):
		v := s.anew(start, started)
		if !started {
			v.note = note(slo.Restart, s.before.Value)
		}
		return v
	case s.now.Value < s.before.Value:
		return s.dip()
	case s.alike == s.now.At:
		return verdict{take: growth, note: note(slo.Returned, s.before.Value)}
	case s.before.Value > 0 && (started || s.falls.within(s.before.At, s.now.At) && s.believable(s.now.Value, s.now.At-s.before.At)):
		return verdict{take: growth, note: note(slo.Restart, s.before.Value)}
	}
	return verdict{take: growth}
}

// anew judges a counter that was reset. What its process counted since the last scrape is lost: the
// usual amount until the new one started. If that time is unknown, as much is lost as the new one
// has counted: on average a restart is in the middle between two scrapes.
func (s step) anew(start int64, started bool) verdict {
	v := verdict{take: all, note: note(slo.Reset, s.now.Value)}
	if !started {
		return v
	}
	v.since = max(start, s.before.At)
	counted, took := s.now.Value, s.now.At-v.since
	if steps := s.counter.stepsBefore(s.before.At); len(steps) > 1 {
		counted += steps[len(steps)-1].Value - steps[0].Value
		took += steps[len(steps)-1].At - steps[0].At
	}
	if lost := v.since - s.before.At; took > 0 && 8*took >= s.now.At-s.before.At {
		v.note.Events = counted / float64(took) * float64(lost)
	}
	return v
}

// born judges a new counter of a target that was scraped without it: all that it has was counted
// since. But if the value is beyond belief and no reset explains it, the target had left it out.
func (s step) born() verdict {
	isReset := s.resets.within(s.last, s.now.At)
	if !isReset && !s.believable(s.now.Value, s.now.At-s.last) {
		return verdict{note: note(slo.Baseline, s.now.Value)}
	}
	start, started := s.started(s.last, s.now.At)
	v := verdict{take: all}
	if started {
		v.since = max(start, s.last)
	}
	return v
}

// back judges a counter that is there again after scrapes without it. Any sibling that fell
// meanwhile proves a reset, even if others went on: exporters delete idle series one by one.
func (s step) back() verdict {
	isReset := s.resets.within(s.before.At, s.now.At) || s.falls.within(s.before.At, s.now.At)
	switch hasFallen := fell(s.before.Value, s.now.Value); {
	case hasFallen && s.isAggregate():
		return verdict{note: note(slo.Uncountable, s.now.Value)}
	case hasFallen, isReset && s.believable(s.now.Value, s.now.At-s.before.At) && !s.counter.exceeds(1, s.before, s.now, s.before.At):
		v := verdict{take: all}
		if !hasFallen && !s.resets.within(s.before.At, s.now.At) {
			v.note = note(slo.Restart, s.before.Value)
		}
		if start, started := s.started(s.last, s.now.At); started {
			v.since = max(start, s.last)
		}
		return v
	case s.now.Value < s.before.Value:
		return s.dip()
	}
	return verdict{take: growth, note: note(slo.Returned, s.before.Value)}
}

// newborn is the greatest age, in ms, of a new target's process for all its events to count.
const newborn = 60 * 60 * 1000

// first judges a counter of a target that was never scraped before. It counts since its process
// started, if that was a short while ago. If it does not say when it started, it counts if it has
// few enough events for a new one: no more than three times what the others of its job count
// between two scrapes.
func (s step) first() verdict {
	if start, known := s.start(s.now.At); known {
		if start < s.now.At-newborn {
			return verdict{note: note(slo.Baseline, s.now.Value)}
		}
		v := verdict{take: all, since: min(start, s.now.At)}
		if s.doubtful && s.now.Value > 0 {
			v.note = note(slo.Restart, s.now.Value)
		}
		return v
	}
	switch {
	case s.sum == 0:
		return verdict{take: all}
	case s.sum <= 3*s.peersStep():
		return verdict{take: all, note: note(slo.NewTarget, s.now.Value)}
	}
	return verdict{note: note(slo.Baseline, s.now.Value)}
}
