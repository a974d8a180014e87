package promql

import (
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// twin is the tag of a histogram's other role.
func (g group) twin() string {
	role, number, _ := strings.Cut(g.tag, "/")
	if role == string(total) {
		return string(good) + "/" + number
	}
	return string(total) + "/" + number
}

// twin is the key of the same histogram's series in the other role.
func (s *series) twin() string { return s.group.twin() + identity(s.labels) }

// classifyHistogram counts one histogram that has no non-negative difference in both its roles. What happened is decided for both
// together, as they were scraped together: else a reset that only one of them shows would make events bad that were good.
func (t *Tally) classifyHistogram(key string, all, fast *series) {
	if fast == nil || !all.end().ok || !fast.end().ok {
		return // it ended before the tick began, or it is left out
	}
	into := t.set(t.counter.labelSet(all.labels))
	now := pair{all.end(), fast.end()}
	if !now.usable() {
		into.note(all, slo.NotANumber, 0)
		return
	}
	into.seen = true
	before := pair{all.before, fast.before}
	switch {
	case before.all.ok && !before.all.usable(), before.fast.ok && !before.fast.usable():
		before := pair{t.past.usable[key], t.past.usable[all.twin()]}
		if events, since, ok := t.again(into, all, before, now, t.past.usableAt[key]); ok {
			t.addLatePair(into, all, since, events, true)
		}
	case !before.all.ok:
		t.classifyHistogramBirth(into, key, all, fast, now)
	case !before.fast.ok:
		events, _ := into.unpaired(gap{}, all, before, now)
		into.addPair(time.Time{}, events)
	default:
		into.addPair(time.Time{}, t.counted(into, key, all, before, now))
	}
}

// classifyHistogramBirth counts a histogram that was not there one interval ago, as classifyBirth does with a counter.
func (t *Tally) classifyHistogramBirth(into *set, key string, all, fast *series, now pair) {
	if seen, found := t.past.values[key]; found {
		before := pair{seen, t.past.values[fast.group.tag+identity(fast.labels)]}
		if !before.all.usable() || (before.fast.ok && !before.fast.usable()) {
			into.note(all, slo.NotANumber, 0)
			return
		}
		target := targetOf(all.labels)
		g, count := gap{t.lastSeen(key, target), t.processStart(target), t.tick}, into.over
		if !before.fast.ok {
			count = into.unpaired
		}
		events, since := count(g, all, before, now)
		t.addLatePair(into, all, since, events, true)
		return
	}
	if from, gap, ok := t.birth(into, all, now.all.v); ok {
		t.addLatePair(into, all, from, now, gap)
	}
}

// unpaired is over for a histogram whose good events were not known before: all of it counts after a reset, else none.
func (into *set) unpaired(g gap, s *series, before, now pair) (events pair, since time.Time) {
	if before.all.v-now.all.v > before.all.v*resetFraction {
		into.noteReset(s, g.lost(now.all.v))
		if g.restarted() {
			return now, g.start
		}
		return now, g.from
	}
	into.note(s, slo.Baseline, 0)
	return pair{}, g.from
}

// addPair counts the events of both roles, since a time or in the tick.
func (into *set) addPair(from time.Time, events pair) {
	into.add(from, total, events.all.v)
	into.add(from, good, events.fast.v)
}

// addLatePair is addLate for both roles.
func (t *Tally) addLatePair(into *set, s *series, from time.Time, events pair, gap bool) {
	if from.IsZero() || !from.Before(t.tick.Add(-t.interval)) {
		into.addPair(time.Time{}, events)
		return
	}
	into.addPair(from, events)
	if gap && events.all.v > 0 {
		into.note(s, slo.LongGap, events.all.v)
	}
}
