package promql

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
)

// A counter that is not a number at a tick, or is negative or infinite, counts nothing in it. When it has a number again it has counted the
// difference to the last tick at which it had one, as if it had not been scraped meanwhile. To find that tick, the series is looked at
// once a tick, so that nothing that was counted is counted again; and only then, as most that are not a number stay so.

// The arms of the query about the past of series that have a number again.
const (
	usableArm     = "usable"    // the value at the last tick at which there was one
	usableTimeArm = "usable-at" // when that was
)

// isAgain reports whether the series has a number, and had none one interval ago though it was there.
func (s *series) isAgain() bool {
	v := s.end()
	return v.ok && v.usable() && s.before.ok && !s.before.usable()
}

// lastUsable asks for the last ticks at which the group's series had values to count with; those of a histogram in both its roles.
func (g group) lastUsable(at Grid, where []*labels.Matcher) []arm {
	there, ticks := at.steps(lookBack, at.Interval, at.Interval)
	finite := func(vector string) string { return "((" + vector + ") >= 0 < Inf)" }
	usable := finite(g.each(there, where...))
	if g.histogram != nil {
		usable = "(" + usable + " and " + finite(g.twins(there, where...)) + ")"
	}
	return []arm{
		tagged("last_over_time("+usable+ticks+")", g.tag, usableArm),
		tagged("max_over_time((0 * "+usable+" + time() + "+number(at.Phase.Seconds())+")"+ticks+")", g.tag, usableTimeArm),
	}
}

// again is what a series counted that has a number again, and since when; not ok where nobody knows what it was before.
func (t *Tally) again(into *set, s *series, before, now pair, from time.Time) (events pair, since time.Time, ok bool) {
	start := t.processStart(targetOf(s.labels))
	switch {
	case before.all.ok && before.fast.ok:
		events, since = into.over(gap{from, start, t.tick}, s, before, now)
		return events, since, true
	case !start.IsZero(): // it is no older than what was looked at
		return now, start, true
	}
	into.note(s, slo.Baseline, 0)
	return pair{}, time.Time{}, false
}
