package count

import (
	"slices"
)

// span is a stretch of time from one scrape to another.
type span struct{ from, to int64 }

// spans are some stretches.
type spans map[span]bool

// within reports whether any span is within a stretch.
func (s spans) within(from, to int64) bool {
	for one := range s {
		if from <= one.from && one.to <= to {
			return true
		}
	}
	return false
}

// resetShare is the least part of its value that a counter loses when it begins anew. If it falls
// by less, it was read from another replica, which is a little behind.
const resetShare = 1.0 / 8

func fell(before, now float64) bool { return now < before*(1-resetShare) }

// turn is what the counters of a target did in one step, from one scrape to the next.
type turn struct {
	fell     bool    // one lost more than 1/8
	lost     bool    // one lost anything
	wentOn   bool    // one cannot have counted what it has in this step
	old, now float64 // sums of all events
}

// isReset reports whether all counters began anew. A counter that fell proves it, unless another
// one has more than it can have counted since: then they belong to several processes or clients, as
// in a pushgateway, and each is judged by itself. If all are young, with a few steps, they look
// like one process that restarted, and count what they have once more. The start of a process alone
// proves nothing: exporters restart while what they export goes on, and their counters stay near
// their old values.
func (r turn) isReset(started bool) bool {
	const near = 10.0 / 9
	return !r.wentOn && (r.fell || started && (r.lost || r.now >= near*r.old))
}

// findResets finds the steps in which all counters of the target began anew, or single ones.
func (t *target) findResets() {
	turns := map[span]*turn{}
	for i := 1; i < len(t.scrapes); i++ {
		if s := (span{t.scrapes[i-1], t.scrapes[i]}); t.hasStarted(s) {
			turns[s] = &turn{}
		}
	}
	if len(turns) == 0 && !t.lost {
		return
	}
	t.resets, t.falls = spans{}, spans{}
	for _, c := range t.counters {
		for i := 1; i < len(c.kept); i++ {
			if t.isEvidence(c, c.kept[i-1].At, c.kept[i].At) {
				t.observe(turns, c, c.kept[i-1], c.kept[i])
			}
		}
	}
	for s, r := range turns {
		if r.isReset(t.hasStarted(s)) {
			t.resets[s] = true
		}
	}
}

// isEvidence reports whether a counter's step tells something about others. A part's step does if
// the whole was there, too: else the part has changed for want of a bucket.
func (t *target) isEvidence(c *counter, from, to int64) bool {
	if c.whole == nil {
		return true
	}
	_, had := c.whole.at(from)
	_, has := c.whole.at(to)
	return had && has
}

// observe adds what one counter did.
func (t *target) observe(turns map[span]*turn, c *counter, before, now Sample) {
	s := span{before.At, now.At}
	hasFallen := fell(before.Value, now.Value)
	if hasFallen {
		t.falls[s] = true
	}
	if last, _ := t.lastScrape(s.to); last != s.from {
		return
	}
	r := turns[s]
	if r == nil {
		r = &turn{}
		turns[s] = r
	}
	r.fell = r.fell || hasFallen
	r.lost = r.lost || now.Value < before.Value
	if c.whole == nil {
		since := s.from
		if start, started := t.started(s.from, s.to); started {
			since = max(min(start, s.to), s.from)
		}
		r.old, r.now = r.old+before.Value, r.now+now.Value
		r.wentOn = r.wentOn || !hasFallen && (c.exceeds(2, before, now, since) || t.steps > 1 && !t.believable(now.Value, s.to-since))
	}
}

// findBehindByValues finds scrapes that show an ended process, if none says when it started: its
// counters are back to what they were before the newest reset, more than they can have risen to
// since. A process that crashes and counts as much as the one before rises as usual.
func (t *target) findBehindByValues() {
	if !slices.ContainsFunc(t.counters, (*counter).everFell) {
		return
	}
	const least = 10 // events that are enough to know a process by
	shown := map[int64][]*counter{}
	for _, c := range t.counters {
		c.findRise()
		for _, s := range c.Samples {
			shown[s.At] = append(shown[s.At], c)
		}
	}
	next, last, old := map[*counter]int{}, map[*counter]Sample{}, map[*counter]float64{}
	for _, at := range t.scrapes {
		again, others := 0, 0
		for _, c := range shown[at] {
			v, most := c.Samples[next[c]].Value, 3*c.rise*float64(at-last[c].At)
			switch p := old[c]; {
			case p == 0:
			case v < p || v > p+most || v <= last[c].Value+most:
				others++
			case p >= least:
				again++
			}
		}
		if again > 0 && others == 0 {
			t.setBehind(at)
		}
		for _, c := range shown[at] {
			v := c.Samples[next[c]].Value
			next[c]++
			if t.behind[at] || !usable(v) {
				continue
			}
			if fell(last[c].Value, v) {
				old[c] = last[c].Value
			}
			last[c] = Sample{at, v}
		}
	}
}
