package count

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// Lookback is how long before a tick begins World needs samples from: as long as Prometheus shows
// the last value of a series that is not scraped. World.Fresh says of which counters more is
// needed.
const Lookback = 5 * time.Minute

// World is what was scraped around one tick, (Tick - Interval, Tick], of the targets of one
// objective.
type World struct {
	Tick     time.Time
	Interval time.Duration
	Counters []Series // the objective's own, each once
	Up       []Series // `up` of their targets; a target without it is known by its counters
	Starts   []Series // `process_start_time_seconds` of their targets
}

// Series is the samples of one series, oldest first: all of the tick and of Lookback before it, and
// fewer of the time before that, for a series that was not there in Lookback.
type Series struct {
	Name    string            // of the metric
	Labels  map[string]string // without the name
	Part    bool              // its events are among those of another series: good ones among all
	Samples []Sample
	Native  []NativeSample // of a native histogram; World has those that Histograms makes of them
	memory  *memory        // see Prepare
}

// Sample is a value at the time of its scrape.
type Sample struct {
	At    int64 // ms since 1970
	Value float64
}

// Longest is how far back a counter is looked for that was not there in Lookback.
const Longest = 24 * time.Hour

// Fresh are the numbers of the counters that have a value in the tick and none before it in
// Lookback: what is known of the time before, up to Longest, has to be asked for, of all counters
// of their targets.
func (w World) Fresh() (fresh []int) {
	for i, s := range w.Counters {
		had, has := false, false
		for _, sample := range s.Samples {
			had = had || usable(sample.Value) && sample.At <= w.begin()
			has = has || usable(sample.Value) && sample.At > w.begin()
		}
		if has && !had {
			fresh = append(fresh, i)
		}
	}
	return fresh
}

// Counted is what one counter counted.
type Counted struct {
	Events  float64      // in the tick
	Late    float64      // since Since, before the tick: its target was not scraped in between
	Since   time.Time    // zero where there is no Late
	Seen    bool         // the tick has a sample of it that can be counted with
	Caveats []slo.Caveat // of this counter
}

// Count is what each of the counters counted, in their order.
//
// A counter's samples at 0, 15 and 30 s with the values 7, 9 and 2, in a tick from 0 to 30 s, are 2
// events and, after a reset, 2 more.
func (w World) Count() []Counted {
	counted := make([]Counted, len(w.Counters))
	for _, t := range w.targets() {
		for _, c := range t.counters {
			counted[c.index] = t.count(c)
		}
	}
	return counted
}

// count adds up the tick's steps of one counter.
func (t *target) count(c *counter) (sum Counted) {
	judged := c
	if c.whole != nil {
		judged = c.whole
	}
	if why, is := t.uncountable(judged); is || t.shared {
		sum.Caveats = []slo.Caveat{why}
		return sum
	}
	unusable, old, had := 0, Sample{}, false
	var dip slo.Caveat // that it has not made up for
	for _, now := range c.Samples {
		isIn := now.At > t.world.begin() && now.At <= t.world.end()
		switch {
		case t.behind[now.At]:
			if isIn && had && now.Value > old.Value {
				// The process did not end.
				sum.Caveats = merge(sum.Caveats, note(slo.Uncountable, now.Value-old.Value))
			}
			old, had = now, true
		case !isIn:
		case !usable(now.Value):
			unusable++
		default:
			sum.Seen = true
			s := t.step(c, now)
			if dip = (slo.Caveat{}); s.note.Kind == slo.Dip {
				c.dips = append(c.dips, now.At)
				dip, s.note = s.note, slo.Caveat{}
			}
			sum.add(s, t.world.begin())
		}
	}
	if dip.Kind != "" {
		sum.Caveats = merge(sum.Caveats, dip)
	}
	if unusable > 0 {
		sum.Caveats = slo.MergeCaveats(sum.Caveats, []slo.Caveat{{Kind: slo.NotANumber, Count: 1}})
	}
	return sum
}

// add adds a step, whose events are late where they began to be counted before the tick.
func (c *Counted) add(s step, begin int64) {
	if s.since > 0 && s.since < begin {
		c.Late += s.events
		if at := time.UnixMilli(s.since).UTC(); c.Since.IsZero() || at.Before(c.Since) {
			c.Since = at
		}
		if s.events > 0 && s.gap {
			c.Caveats = merge(c.Caveats, slo.Caveat{Kind: slo.LongGap, Count: 1, Events: s.events})
		}
	} else {
		c.Events += s.events
	}
	if s.note.Kind != "" {
		c.Caveats = merge(c.Caveats, s.note)
	}
}

// merge adds a caveat of a counter, which counts as one however often it happens to it in a tick.
func merge(all []slo.Caveat, one slo.Caveat) []slo.Caveat {
	for i := range all {
		if all[i].Kind == one.Kind {
			all[i].Events += one.Events
			return all
		}
	}
	return slo.MergeCaveats(all, []slo.Caveat{one})
}

func (w World) begin() int64 { return w.Tick.Add(-w.Interval).UnixMilli() }
func (w World) end() int64   { return w.Tick.UnixMilli() }

// near is from when on all samples are known.
func (w World) near() int64 { return w.begin() - Lookback.Milliseconds() }

// usable reports whether a value may be counted with.
func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
