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

// increase is what was counted between two scrapes, and whether that is since a reset.
func (into *set) increase(s *series, before, now pair, restarted bool) (events pair, wasReset bool) {
	outcome := judge(before, now, restarted)
	into.tell(s, outcome, before, now)
	switch outcome {
	case reset:
		return now, true
	case dipped:
		return pair{}, false
	}
	return now.minus(before), false
}

// tell makes an outcome's caveat.
func (into *set) tell(s *series, o outcome, before, now pair) {
	switch o {
	case reset:
		into.note(s, slo.Reset, 0)
	case dipped:
		fall, fastFall := before.all.v-now.all.v, before.fast.v-now.fast.v
		into.note(s, slo.Dip, max(fall, fastFall, -fall))
	case either:
		into.note(s, slo.Restart, before.all.v)
	}
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
	events, _ := into.increase(s, before, now, false)
	return events
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
	restarted, unsure := false, 0.0
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
			into.tell(s, o, last, seen)
			events = events.plus(seen)
		case either:
			unsure += last.all.v
			events = events.plus(seen.minus(last))
		default:
			events = events.plus(seen.minus(last))
		}
		last, restarted = seen, false
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
