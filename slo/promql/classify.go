package promql

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
)

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
		if events, since, ok := t.again(into, s, single(t.past.usable[key]), single(end), t.past.usableAt[key]); ok {
			t.addLate(into, s, since, events.all.v, true)
		}
	default:
		into.add(time.Time{}, s.group.role, t.counted(into, key, s, single(s.before), single(end)).all.v)
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
		events, since := into.over(gap{t.lastSeen(key, target), start, t.tick}, s, single(before), single(value{v, true}))
		t.addLate(into, s, since, events.all.v, true)
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

// note adds a caveat about a series, once a tick whatever roles it has.
func (into *set) note(s *series, kind slo.CaveatKind, events float64) {
	key := string(kind) + s.labels[model.MetricNameLabel] + identity(s.labels)
	if into.noted[key] {
		return
	}
	into.noted[key] = true
	into.caveats = slo.MergeCaveats(into.caveats, []slo.Caveat{{Kind: kind, Count: 1, Events: events}})
}
