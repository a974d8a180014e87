package promql

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
)

// resetFraction is the part of its value that a counter loses at least when it starts anew. One that falls by less was read
// from another replica, which is a little behind.
const resetFraction = 1.0 / 8

// end is the series' value at the end of the tick: that of now, or the last one in the tick of a series that ended in it.
func (s *series) end() value {
	if s.now.ok {
		return s.now
	}
	return s.last
}

// classify counts one series that has no non-negative difference.
func (t *Tally) classify(key string, s *series) {
	end := s.end()
	if !end.ok {
		return // it ended before the tick began
	}
	if t.isGoodless(s) {
		return
	}
	into := t.set(t.counter.labelSet(s.labels))
	if !end.usable() {
		into.note(s, slo.NotANumber, 0)
		return
	}
	into.seen = into.seen || s.group.role == total
	switch {
	case !s.before.ok:
		t.classifyBirth(into, key, s, end.v)
	case !s.before.usable():
		into.note(s, slo.NotANumber, 0)
	default:
		events := into.increase(s, s.before.v, end.v)
		if fell := end.v < s.before.v; fell && events > 0 && s.top.usable() && s.top.v > s.before.v {
			events += s.top.v - s.before.v // what was scraped in the tick before the reset
		}
		into.add(time.Time{}, s.group.role, events)
	}
}

// classifyBirth counts a series that was not there one interval ago, see the table in the order of its cases: what is known of it
// and of its target says since when its events have been going uncounted, or that they are older than that.
func (t *Tally) classifyBirth(into *set, key string, s *series, v float64) {
	target := targetOf(s.labels)
	start := t.processStart(target)
	if before, found := t.past.values[key]; found {
		if !before.usable() {
			into.note(s, slo.NotANumber, 0)
			return
		}
		events, from := into.increase(s, before.v, v), t.lastSeen(key, target)
		if v < before.v && start.After(from) {
			from = start
		}
		t.addLate(into, s, from, events, true)
		return
	}
	from, gap, ok := t.birth(into, s, v)
	if ok {
		t.addLate(into, s, from, v, gap)
	}
}

// birth says since when the events of a series without a past have been going uncounted; the time is zero where that is since the tick
// began. It says whether a gap in scraping is why. Where it can't be told, that is a caveat.
func (t *Tally) birth(into *set, s *series, v float64) (from time.Time, gap, ok bool) {
	if s.labels[model.JobLabel] == "" || s.labels[model.InstanceLabel] == "" {
		into.note(s, slo.NoTarget, v)
		return time.Time{}, false, false
	}
	// A target that was scraped without the series had not counted anything in it yet. So has a process that had not started.
	target := targetOf(s.labels)
	start, reached := t.processStart(target), t.past.reached[target]
	switch {
	case t.past.up[target]:
		return time.Time{}, false, true
	case !start.IsZero() && !start.Before(reached):
		return start, false, true
	case !reached.IsZero():
		return reached, true, true
	}
	into.note(s, slo.Baseline, 0)
	return time.Time{}, false, false
}

// processStart is when a target's process started, if that is inside the time that is looked back; else zero.
func (t *Tally) processStart(target targetKey) time.Time {
	start := t.past.process[target]
	if !start.After(t.tick.Add(-t.interval - lookBack)) {
		return time.Time{}
	}
	return start
}

// lastSeen is when a series had its last value before the tick. The times are looked for step by step, so one that came and went
// between two steps is not found: then its target's is the nearest.
func (t *Tally) lastSeen(key string, target targetKey) time.Time {
	if at := t.past.times[key]; !at.IsZero() {
		return at
	}
	return t.past.reached[target]
}

// addLate counts events that happened since a time; in the tick itself where that is inside it, or not known.
func (t *Tally) addLate(into *set, s *series, from time.Time, events float64, gap bool) {
	if from.IsZero() || !from.Before(t.tick.Add(-t.interval)) {
		into.add(time.Time{}, s.group.role, events)
		return
	}
	into.add(from, s.group.role, events)
	if gap && s.group.role == total && events > 0 {
		into.note(s, slo.LongGap, events)
	}
}

// increase is what a counter counted between two values.
func (into *set) increase(s *series, before, now float64) float64 {
	switch {
	case now >= before:
		return now - before
	case before-now > before*resetFraction:
		into.note(s, slo.Reset, 0)
		return now
	}
	into.note(s, slo.Dip, before-now)
	return 0
}

// note adds a caveat about a series, once a tick whatever roles it has.
func (into *set) note(s *series, kind slo.CaveatKind, events float64) {
	key := string(kind) + s.labels[model.MetricNameLabel] + identity(s.labels)
	if into.noted[key] {
		return
	}
	into.noted[key] = true
	into.caveats = slo.MergeCaveats(into.caveats, []slo.Caveat{{Kind: kind, Count: 1, Events: events}})
}
