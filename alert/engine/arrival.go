package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// arrival is a reading of an objective: a sample for each tick, in each series.
type arrival struct {
	reading slo.Reading
	ticks   slo.Ticks
}

// joined returns an arrival joined with the one after it.
func (a arrival) joined(b arrival) arrival {
	samples := map[slo.Labels][]slo.Sample{}
	for _, s := range a.reading.Series {
		samples[s.Labels] = slices.Clone(s.Samples)
	}
	for _, s := range b.reading.Series {
		if samples[s.Labels] == nil {
			samples[s.Labels] = blindSamples(a.ticks)
		}
		samples[s.Labels] = append(samples[s.Labels], s.Samples...)
	}
	both := arrival{ticks: slo.Ticks{First: a.ticks.First, Last: b.ticks.Last, Interval: a.ticks.Interval}}
	for _, labels := range slices.Sorted(maps.Keys(samples)) {
		all := samples[labels]
		if len(all) < both.ticks.Len() {
			all = append(all, blindSamples(b.ticks)...)
		}
		both.reading.Series = append(both.reading.Series, slo.Series{Labels: labels, Samples: all})
	}
	return both
}

// isPlanned reports whether work is planned at the newest tick.
func (a arrival) isPlanned() bool {
	return slices.ContainsFunc(a.reading.Series, func(s slo.Series) bool { return s.Samples[a.ticks.Len()-1].Excluded })
}

// lastWithEvents returns the newest tick with events in any series; zero if there is none. Earlier
// ticks are final.
func (a arrival) lastWithEvents() (last time.Time) {
	for _, s := range a.reading.Series {
		for i := len(s.Samples) - 1; i >= 0; i-- {
			if hasEvents(s.Samples[i]) {
				if a.ticks.At(i).After(last) {
					last = a.ticks.At(i)
				}
				break
			}
		}
	}
	return last
}

// hasEvents reports whether a sample has any events.
func hasEvents(s slo.Sample) bool {
	return !s.Blind && (s.Total != 0 || s.Bad != 0 || len(s.Late) > 0)
}

// until cuts an arrival to the ticks before a time, or up to `upTo` if that is later.
func (a arrival) until(before, upTo time.Time) arrival {
	last := before.Add(-a.ticks.Interval)
	if upTo.After(last) {
		last = slo.Floor(upTo, a.ticks.Interval)
	}
	if !last.Before(a.ticks.Last) {
		return a
	}
	a.ticks.Last = last
	series := make([]slo.Series, len(a.reading.Series))
	for i, s := range a.reading.Series {
		series[i] = slo.Series{Labels: s.Labels, Samples: s.Samples[:a.ticks.Len()]}
	}
	a.reading.Series = series
	return a
}

// seriesByID returns arrived samples by label set.
func seriesByID(arrived map[string]arrival) map[slo.ID][]slo.Sample {
	found := map[slo.ID][]slo.Sample{}
	for name, a := range arrived {
		for _, s := range a.reading.Series {
			found[slo.ID{SLO: name, Labels: s.Labels}] = s.Samples
		}
	}
	return found
}

// blindSamples returns samples without data.
func blindSamples(ticks slo.Ticks, caveats ...slo.Caveat) []slo.Sample {
	samples := make([]slo.Sample, ticks.Len())
	for i := range samples {
		samples[i] = slo.Sample{Tick: ticks.At(i), Blind: true, Caveats: caveats}
	}
	return samples
}
