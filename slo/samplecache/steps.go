package samplecache

import "github.com/postburn/postburn/slo"

// derive makes the steps that are missing and whose ticks are all there. They are kept, too: who
// reads steps needs few of the ticks, so most of a file stays packed.
func (e *entry) derive(steps slo.Ticks, perStep int, grouped bool) {
	for _, stretch := range e.missing(steps) {
		if fine, _ := stretch.Fine(); len(e.missing(fine)) == 0 {
			e.dirty = true
			e.put(e.steps(stretch, fine, perStep, grouped), stretch)
			continue
		}
		first := -1
		for i := range stretch.Len() + 1 {
			known := i < stretch.Len()
			if known {
				one := slo.Ticks{First: stretch.At(i), Last: stretch.At(i), Interval: stretch.Interval, Each: stretch.Each}
				fine, _ := one.Fine()
				known = len(e.missing(fine)) == 0
			}
			switch {
			case known && first < 0:
				first = i
			case !known && first >= 0:
				run := slo.Ticks{First: stretch.At(first), Last: stretch.At(i - 1), Interval: stretch.Interval, Each: stretch.Each}
				fine, _ := run.Fine()
				e.dirty = true
				e.put(e.steps(run, fine, perStep, grouped), run)
				first = -1
			}
		}
	}
}

// steps returns the reading of steps from that of all ticks in them, which are all there. A step in
// which something happened other than events has caveats or late events, so that whoever reads it
// can ask for its ticks. So has one in which some ticks have data and others don't: a source that
// sums up steps by itself may see no gap there.
func (e *entry) steps(steps, ticks slo.Ticks, perStep int, grouped bool) (r slo.Reading) {
	for _, labels := range e.labelsIn(ticks, grouped) {
		samples := make([]slo.Sample, 0, steps.Len())
		var s step
		for i, p := range e.points(ticks, labels) {
			if s.add(p); (i+1)%perStep == 0 {
				samples = append(samples, s.sample(perStep))
				samples[len(samples)-1].Tick = steps.At(len(samples) - 1)
				s = step{}
			}
		}
		r.Series = append(r.Series, slo.Series{Labels: labels, Samples: samples})
	}
	return r
}

// step adds up the ticks of a step.
type step struct {
	slo.Sample
	blind, planned int
}

func (s *step) add(p point) {
	if p.more == nil {
		s.Total, s.Bad = s.Total+p.Total, s.Bad+p.Bad
		return
	}
	if p.more.Excluded {
		s.planned++
	}
	s.Late = append(s.Late, p.more.Late...)
	s.Caveats = slo.MergeCaveats(s.Caveats, p.more.Caveats)
	if p.more.Blind {
		s.blind++
		return
	}
	s.Counts = s.Counts.Add(p.Counts)
}

// sample returns the step's sample. Work is planned in it if it is planned at all of its ticks.
func (s *step) sample(ticks int) slo.Sample {
	s.Excluded, s.Blind = s.planned == ticks, s.blind == ticks
	if s.blind > 0 && !s.Blind {
		s.Caveats = slo.MergeCaveats(s.Caveats, []slo.Caveat{{Kind: slo.NoData, Count: s.blind}})
	}
	return s.Sample
}
