package promql

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// pair is the values of a histogram's two roles: all its events, and those of at most the threshold. Of a counter both are its value.
type pair struct{ all, fast value }

func single(v value) pair { return pair{v, v} }

func (p pair) usable() bool { return p.all.usable() && p.fast.usable() }

// outcome is what happened to a counter between two scrapes.
type outcome int

const (
	wentOn outcome = iota // it counted the difference
	reset                 // it counted its new value
	dipped                // it was read from another replica, and counted nothing that is known
	either                // its process restarted, but it went on near its old value: as the counters of an exporter do, or by chance
)

// judge says what happened between two scrapes. All events decide for both roles, as they were scraped together. Where only the good
// ones fell, one of the scrapes can't be trusted. A counter whose process restarted begins at 0, unless it has its old value and a little
// more: that is how an exporter looks that restarts while what it tells of does not. Either way the error is at most tenfold.
func judge(before, now pair, restarted bool) outcome {
	fall, fastFall := before.all.v-now.all.v, before.fast.v-now.fast.v
	switch {
	case restarted && before.all.v > 0 && (fall > 0 || fastFall > 0 || before.all.v <= 0.9*now.all.v), fall > before.all.v*resetFraction:
		return reset
	case fall > 0 || fastFall > 0:
		return dipped
	case restarted && before.all.v > 0:
		return either
	}
	return wentOn
}

// increase is what was counted between two scrapes.
func (into *set) increase(s *series, before, now pair) pair {
	events, _ := into.over(gap{}, s, before, now)
	return events
}

// gap is a time in which a series was not scraped, or had no number: until which its events had been counted, when its process started, if that
// is known, and the tick at which it is there again.
type gap struct{ from, start, to time.Time }

// restarted reports whether the process is another one than before.
func (g gap) restarted() bool { return !g.from.IsZero() && g.start.After(g.from) }

// lost is what the process before counted in the gap, if it was as busy as the new one, which has counted so many.
func (g gap) lost(counted float64) float64 {
	if !g.restarted() || !g.start.Before(g.to) {
		return counted
	}
	return counted * float64(g.start.Sub(g.from)) / float64(g.to.Sub(g.start))
}

// over is what was counted over a gap, and since when: the start of a new process, if it was that.
func (into *set) over(g gap, s *series, before, now pair) (events pair, since time.Time) {
	outcome := judge(before, now, g.restarted())
	if outcome == reset {
		into.noteReset(s, g.lost(now.all.v))
		if g.restarted() {
			return now, g.start
		}
		return now, g.from
	}
	into.tell(s, outcome, before, now)
	if outcome == dipped {
		return pair{}, g.from
	}
	return now.minus(before), g.from
}

// tell makes the caveat of an outcome that is no reset.
func (into *set) tell(s *series, o outcome, before, now pair) {
	switch o {
	case dipped:
		fall, fastFall := before.all.v-now.all.v, before.fast.v-now.fast.v
		into.note(s, slo.Dip, max(fall, fastFall, -fall))
	case either:
		into.note(s, slo.Restart, before.all.v)
	}
}

// noteReset makes the caveat of resets. What is lost with an old process is what it counted after its last scrape. Where nothing else is known,
// it is taken to be as much as the new one had counted by its first: a restart comes between two scrapes, on average in the middle.
func (into *set) noteReset(s *series, lost float64) {
	if s.group.role != total {
		lost = 0 // the total names it
	}
	into.note(s, slo.Reset, lost)
}

func (p pair) minus(q pair) pair {
	return pair{value{p.all.v - q.all.v, true}, value{p.fast.v - q.fast.v, true}}
}

func (p pair) plus(q pair) pair {
	return pair{value{p.all.v + q.all.v, true}, value{p.fast.v + q.fast.v, true}}
}

// counted is what a series counted from one interval ago until the tick's end: step by step where it was followed.
func (t *Tally) counted(into *set, key string, s *series, before, now pair) pair {
	if events, ok := t.follow(into, key, s); ok {
		return events
	}
	return into.increase(s, before, now)
}

// follow adds up what a series counted step by step. A dip that it made up for since is none.
func (t *Tally) follow(into *set, key string, s *series) (events pair, ok bool) {
	all := t.suspects.paths[key]
	if all == nil {
		return pair{}, false
	}
	fast := all
	if all.group.histogram != nil {
		if fast = t.suspects.paths[all.twin()]; fast == nil {
			return pair{}, false
		}
	}
	var last, seen pair
	begin, at, restarted, resets, lost, unsure := 0, 0, false, false, 0.0, 0.0
	for i := range all.values {
		restarted = restarted || all.restarted[i]
		seen = pair{all.values[i], fast.values[i]}
		if !seen.all.ok || !seen.fast.ok || !seen.usable() {
			continue
		}
		if !last.all.ok {
			if i > 0 {
				return pair{}, false // it was not there when the tick began
			}
			last, restarted = seen, false
			continue
		}
		o := judge(last, seen, restarted)
		if o == dipped {
			continue
		}
		switch o {
		case reset:
			resets, lost = true, lost+all.lost(begin, at, i, restarted)
			begin = i
			events = events.plus(seen)
		case either:
			unsure += last.all.v
			events = events.plus(seen.minus(last))
		default:
			events = events.plus(seen.minus(last))
		}
		last, at, restarted = seen, i, false
	}
	if resets {
		into.noteReset(s, lost)
	}
	if unsure > 0 {
		into.note(s, slo.Restart, unsure)
	}
	if seen.all.ok && seen.fast.ok && seen.usable() && judge(last, seen, false) == dipped {
		into.tell(s, dipped, last, seen)
	}
	return events, last.all.ok
}

// countHidden adds what the plain differences of series lack that were reset and climbed past their old value.
func (t *Tally) countHidden() {
	order := func(a, b string) int { return -strings.Compare(a, b) }
	for _, key := range slices.SortedFunc(maps.Keys(t.suspects.paths), order) {
		p := t.suspects.paths[key]
		if t.odd[key] != nil || (p.group.histogram != nil && p.group.role != total) {
			continue // it is counted by itself, or with its twin
		}
		first, last := p.values[0], p.values[fineSteps]
		if !first.usable() || !last.usable() || !first.ok || !last.ok {
			continue
		}
		s := &series{group: p.group, labels: p.labels}
		if t.isGoodless(s) {
			continue
		}
		into := t.set(t.counter.labelSet(p.labels))
		events, ok := t.follow(into, key, s)
		if !ok {
			continue
		}
		lack := events.minus(pair{value{last.v - first.v, true}, value{}})
		if p.group.histogram == nil {
			into.add(time.Time{}, p.group.role, lack.all.v)
			continue
		}
		fast := t.suspects.paths[p.twin()]
		lack.fast.v -= fast.values[fineSteps].v - fast.values[0].v
		into.addPair(time.Time{}, lack)
	}
}
