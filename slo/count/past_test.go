package count

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// recording is what a Prometheus has stored about one objective's targets.
type recording struct {
	counters, up, starts []*recorded
}

type recorded struct {
	Series
	all, bad float64        // how its events count among all, and among bad ones
	stale    map[int64]bool // times of staleness markers
}

// visible returns what an instant query shows at a time.
func (r *recorded) visible(at int64) (v float64, ok bool) {
	i := find(r.Samples, at+1)
	if i == 0 || r.Samples[i-1].At <= at-Lookback.Milliseconds() {
		return 0, false
	}
	last := r.Samples[i-1].At
	for s := range r.stale {
		if s > last && s <= at {
			return 0, false
		}
	}
	return r.Samples[i-1].Value, true
}

// raw returns the samples in (from, to].
func (r *recorded) raw(from, to int64) []Sample {
	return r.Samples[find(r.Samples, from+1):find(r.Samples, to+1)]
}

// grid returns what instant queries show from one time to another, at multiples of a step.
func (r *recorded) grid(from, to, step int64) (samples []Sample) {
	for at := (from/step + 1) * step; at <= to; at += step {
		if v, ok := r.visible(at); ok {
			samples = append(samples, Sample{at, v})
		}
	}
	return samples
}

// totals is what a whole recording counts.
type totals struct {
	all, bad     float64
	caveats      map[string]float64
	plain, ticks int
}

// isPlain reports whether a tick can be counted by one sum.
func (r *recording) isPlain(begin, end int64) bool {
	for _, c := range r.counters {
		_, had := c.visible(begin)
		_, has := c.visible(end)
		if !had && !has && len(c.raw(begin, end)) == 0 {
			continue
		}
		if !had || !has {
			return false
		}
		back := begin - min(max(10*(end-begin), 75*1000), Lookback.Milliseconds()) // how long to look for falls
		samples := c.raw(back, end)
		if first, ok := c.visible(back); ok {
			samples = slices.Concat([]Sample{{back, first}}, samples)
		}
		for i := 1; i < len(samples); i++ {
			if !(samples[i].Value >= samples[i-1].Value) {
				return false
			}
		}
	}
	for _, s := range r.starts {
		had, before := s.visible(begin)
		has, after := s.visible(end)
		if before != after || had != has {
			return false
		}
	}
	return true
}

func (w World) prepare() {
	for _, all := range [][]Series{w.Counters, w.Up, w.Starts} {
		Prepare(all)
	}
}

// world returns what the daemon asks for around a tick.
func (r *recording) world(tick time.Time, interval time.Duration) World {
	w := World{Tick: tick, Interval: interval}
	near, end := w.near(), w.end()
	within := func(all []*recorded) (series []Series) {
		for _, c := range all {
			s := c.Series
			s.Samples = c.raw(near, end)
			series = append(series, s)
		}
		return series
	}
	w.Counters, w.Up, w.Starts = within(r.counters), within(r.up), within(r.starts)
	places := map[[2]string]bool{}
	place := func(l map[string]string) [2]string { return [2]string{l[model.JobLabel], l[model.InstanceLabel]} }
	ranges := []struct{ length, step time.Duration }{{time.Hour, 0}, {6 * time.Hour, 75 * time.Second}, {24 * time.Hour, 5 * time.Minute}}
	past := func(c *recorded, n int) []Sample {
		from := end - ranges[n].length.Milliseconds()
		if ranges[n].step == 0 {
			return c.raw(from, near)
		}
		return c.grid(from, near, ranges[n].step.Milliseconds())
	}
	widest := -1
	for _, i := range w.Fresh() {
		for n := range ranges {
			if len(past(r.counters[i], n)) > 0 {
				places[place(r.counters[i].Labels)] = true
				widest = max(widest, n)
				break
			}
		}
	}
	if widest >= 0 {
		prepend := func(all []*recorded, series []Series) {
			for i, c := range all {
				if places[place(c.Labels)] {
					series[i].Samples = slices.Concat(past(c, widest), series[i].Samples)
				}
			}
		}
		prepend(r.counters, w.Counters)
		prepend(r.up, w.Up)
		prepend(r.starts, w.Starts)
	}
	shown := func(s Series) bool { return len(s.Samples) > 0 }
	w.Up = slices.DeleteFunc(w.Up, func(s Series) bool { return !shown(s) })
	w.Starts = slices.DeleteFunc(w.Starts, func(s Series) bool { return !shown(s) })
	w.prepare()
	return w
}

// count counts a recording tick by tick. Each call of seen is one tick's events.
func (r *recording) count(from, to time.Time, interval time.Duration, seen func(World, int, Counted)) (sum totals) {
	sum.caveats = map[string]float64{}
	for tick := from.Add(interval); !tick.After(to); tick = tick.Add(interval) {
		begin, end := tick.Add(-interval).UnixMilli(), tick.UnixMilli()
		sum.ticks++
		if r.isPlain(begin, end) {
			sum.plain++
			for i, c := range r.counters {
				before, _ := c.visible(begin)
				now, _ := c.visible(end)
				sum.add(c, now-before)
				if seen != nil && now != before {
					seen(World{Tick: tick, Interval: interval}, i, Counted{Events: now - before, Seen: true})
				}
			}
			continue
		}
		w := r.world(tick, interval)
		var numbers []int
		var counters []Series
		for i, s := range w.Counters {
			if len(s.Samples) > 0 {
				numbers, counters = append(numbers, i), append(counters, s)
			}
		}
		w.Counters = counters
		for i, c := range w.Count() {
			sum.add(r.counters[numbers[i]], c.Events+c.Late)
			for _, note := range c.Caveats {
				sum.caveats[string(note.Kind)] += note.Events
			}
			if seen != nil {
				seen(w, numbers[i], c)
			}
		}
	}
	return sum
}

func (s *totals) add(c *recorded, events float64) {
	if math.IsNaN(events) {
		panic("not a number")
	}
	s.all += c.all * events
	s.bad += c.bad * events
}
