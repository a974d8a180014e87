package count

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// Lookback is how long before a tick begins World needs samples from: as long as Prometheus shows
// the last value of a series that is not scraped. World.Fresh says which counters need more.
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

// Series is the samples of one series, oldest first: all in the tick and in Lookback before it, and
// a few before that if the series was not there in Lookback.
type Series struct {
	Name    string            // of the metric
	Labels  map[string]string // without the name
	Part    bool              // another series has its events, too: good ones among all
	Samples []Sample
	Native  []NativeSample // of a native histogram; World has the counters that Histograms makes
	memory  *memory        // see Prepare
}

// Sample is a value at the time of its scrape.
type Sample struct {
	At    int64 // ms since 1970
	Value float64
}

// Longest is how far back to look for a counter that was not there in Lookback.
const Longest = 24 * time.Hour

// Fresh returns the indexes of the counters with a value in the tick and none before it in
// Lookback. Ask for the samples before that, up to Longest, of all counters of their targets.
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
	Late    float64      // uncounted since Since, before the tick: its target was not scraped
	Since   time.Time    // zero if there is no Late
	Seen    bool         // the tick has a usable sample of it
	Caveats []slo.Caveat // of this counter
}

// Count returns what each counter counted, in their order.
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
			v, events := t.stepTo(c, now).count()
			if dip = (slo.Caveat{}); v.note.Kind == slo.Dip {
				c.dips = append(c.dips, now.At)
				dip, v.note = v.note, slo.Caveat{}
			}
			sum.add(v, events, t.world.begin())
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

// add adds a step; its events are late if they went uncounted since before the tick.
func (c *Counted) add(v verdict, events float64, begin int64) {
	if v.since > 0 && v.since < begin {
		c.Late += events
		if at := time.UnixMilli(v.since).UTC(); c.Since.IsZero() || at.Before(c.Since) {
			c.Since = at
		}
		if events > 0 && v.gap {
			c.Caveats = merge(c.Caveats, slo.Caveat{Kind: slo.LongGap, Count: 1, Events: events})
		}
	} else {
		c.Events += events
	}
	if v.note.Kind != "" {
		c.Caveats = merge(c.Caveats, v.note)
	}
}

// merge adds a counter's caveat: it counts as one however often it happens in a tick.
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

// near returns from when on all samples are known.
func (w World) near() int64 { return w.begin() - Lookback.Milliseconds() }

// usable reports whether a value may be counted with.
func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
