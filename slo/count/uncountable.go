package count

import (
	"slices"

	"github.com/postburn/postburn/slo"
)

// uncountable reports whether a counter belongs to several processes, and how many events it would
// count as one. It falls in many steps, and either goes back and forth between a few values that
// each grow a little, or falls to values too large for a process that has just started. A process
// that crashes all the time does neither: after a fall it has only what it counted in one step.
func (t *target) uncountable(c *counter) (note slo.Caveat, is bool) {
	if !t.lost {
		return slo.Caveat{}, false
	}
	const processes, least = 4, 3 // that are told apart; falls
	var last, after []float64
	current, falls, steps, jumps, most, counted := -1, 0, 0, 0, 0.0, 0.0
	near := c.kept[find(c.kept, t.world.near()):]
	for i, s := range near {
		n := nearestBelow(last, s.Value)
		if current >= 0 && s.Value == last[current] {
			n = current
		}
		if n < 0 {
			n, last = len(last), append(last, s.Value)
		} else if n != current {
			jumps++
		}
		last[n], current = s.Value, n
		if i == 0 {
			continue
		}
		steps++
		events := s.Value - near[i-1].Value
		if fell(near[i-1].Value, s.Value) {
			events = s.Value
			falls++
			after = append(after, s.Value)
		} else {
			most = max(most, events)
		}
		if s.At > t.world.begin() {
			counted += max(events, 0)
		}
	}
	note = slo.Caveat{Kind: slo.Uncountable, Count: 1, Events: counted}
	if falls < least || 4*falls < steps {
		return note, false
	}
	slices.Sort(after)
	isSwitching := len(last) <= processes && jumps > least
	return note, isSwitching || after[len(after)/2] > most
}

// findShared finds out whether a target is several processes by turns: if its counter with the most
// events shows several. If only another counter does, that one is a client of many, and the others
// go on.
func (t *target) findShared() {
	var largest *counter
	for _, c := range t.counters {
		if n := len(c.kept); c.whole == nil && n > 0 && (largest == nil || c.kept[n-1].Value > largest.kept[len(largest.kept)-1].Value) {
			largest = c
		}
	}
	if largest != nil {
		_, t.shared = t.uncountable(largest)
	}
}

// nearestBelow returns the index of the largest value from which a counter can have grown to v, by
// at most 1/8; -1 if there is none. Its size tells a counter that stays the same from a new process
// that happens to count as much.
func nearestBelow(values []float64, v float64) int {
	const large = 1000
	found := -1
	for i, had := range values {
		if had <= v && v <= had*(1+resetShare) && (had < v || v > large) && (found < 0 || had > values[found]) {
			found = i
		}
	}
	return found
}
