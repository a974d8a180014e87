package engine

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// segment is a part of a past that is in memory: all of it in coarse steps, some of it tick by
// tick.
type segment struct {
	*pastReader
	span         slo.Span
	step         time.Duration
	coarse, fine []stretch // oldest first
	points       int
	reported     time.Duration // of the span, as progress
}

// stretch is a time as it was read, in steps. Missing label sets had no data.
type stretch struct {
	slo.Span
	tick   time.Duration
	points map[slo.Labels][]point
}

// point is a sample, in 24 bytes if it has only counts.
type point struct {
	slo.Counts
	more *slo.Sample
}

var blindPoint = point{more: &slo.Sample{Blind: true}}

func pointOf(s slo.Sample) point {
	switch {
	case len(s.Late) > 0 || len(s.Caveats) > 0 || s.Excluded:
		more := s // so that only these are allocated
		return point{s.Counts, &more}
	case s.Blind:
		return blindPoint
	}
	return point{Counts: s.Counts}
}

func (p point) sample() slo.Sample {
	if p.more != nil {
		return *p.more
	}
	return slo.Sample{Counts: p.Counts}
}

func (p point) isBlind() bool { return p.more != nil && p.more.Blind }

// isOdd reports whether something in a step may count differently tick by tick.
func (p point) isOdd() bool {
	isNews := func(c slo.Caveat) bool {
		return c.Kind != slo.NoBucket && c.Kind != slo.NoGood && c.Kind != slo.Interpolated && c.Kind != slo.OnceATick
	}
	return p.more != nil && (p.more.Excluded || len(p.more.Late) > 0 || slices.ContainsFunc(p.more.Caveats, isNews))
}

// of returns a label set's point of the step from start, which is in the stretch.
func (s *stretch) of(labels slo.Labels, start time.Time) point {
	points := s.points[labels]
	if points == nil {
		return blindPoint
	}
	return points[int(start.Sub(s.Start)/s.tick)]
}

// plain appends the samples of at most n coarse steps after t, which is the end of one, up to the
// first that is to be read tick by tick, or has no data.
func (g *segment) plain(all []slo.Sample, labels slo.Labels, t time.Time, n int) []slo.Sample {
	for _, p := range g.stepsAfter(labels, t, n) {
		if p.isBlind() || p.isOdd() {
			break
		}
		all = append(all, p.sample())
	}
	return all
}

// silent returns how many of the next coarse steps after t have no data, and nothing else to say.
func (g *segment) silent(labels slo.Labels, t time.Time) (n int) {
	for _, p := range g.stepsAfter(labels, t, math.MaxInt) {
		if p != blindPoint {
			break
		}
		n++
	}
	return n
}

// stepsAfter returns at most n coarse steps after t, which is the end of one, up to the first that
// is to be read tick by tick.
func (g *segment) stepsAfter(labels slo.Labels, t time.Time, n int) []point {
	s := stretchAt(g.coarse, t)
	if s == nil || s.points[labels] == nil {
		return nil
	}
	end := s.End
	i, _ := slices.BinarySearchFunc(g.fine, t, func(f stretch, t time.Time) int { return f.Start.Compare(t) })
	if i < len(g.fine) && g.fine[i].Start.Before(end) {
		end = g.fine[i].Start
	}
	first, last := int(t.Sub(s.Start)/s.tick), int(end.Sub(s.Start)/s.tick)
	return s.points[labels][first:min(last, first+min(n, last))]
}

// stretchAt returns the stretch that holds the time after t; nil if there is none.
func stretchAt(all []stretch, t time.Time) *stretch {
	i, _ := slices.BinarySearchFunc(all, t, func(s stretch, t time.Time) int {
		if s.End.After(t) {
			return 1
		}
		return -1
	})
	if i == len(all) || all[i].Start.After(t) {
		return nil
	}
	return &all[i]
}

// foldCoarsely folds as much of a span as fits in memory, and returns its end. It returns errFinely
// if coarse steps make no sense.
func (r *pastReader) foldCoarsely(ctx context.Context, span slo.Span, step time.Duration) (end time.Time, err error) {
	g := &segment{pastReader: r, span: span, step: step}
	if saved := g.tail().Sub(ceil(span.Start, step)); saved <= max(2*step, dearSteps*g.interval) {
		return span.End, errFinely
	}
	if err := g.readCoarse(ctx); err != nil {
		return g.span.End, err
	}
	odd, err := g.odd()
	if err == nil {
		_, err = g.refine(ctx, append(odd, slo.Span{Start: g.tail(), End: g.span.End}))
	}
	if err != nil {
		return g.span.End, err
	}
	folded := map[slo.Labels]*setFold{}
	for {
		left := slices.DeleteFunc(slices.Sorted(maps.Keys(r.byLabels)), func(l slo.Labels) bool { return folded[l] != nil })
		if len(left) == 0 {
			break
		}
		f := newCoarseFold(g, r.byLabels[left[0]])
		if err := f.run(ctx); err != nil {
			return g.span.End, err
		}
		folded[left[0]] = f.setFold
	}
	r.byLabels = folded
	r.report(g.span.End.Sub(g.span.Start) - g.reported)
	return g.span.End, nil
}

// limit returns how many samples are kept.
func (g *segment) limit() int {
	if g.room > 0 {
		return g.room
	}
	return pastPoints
}

// tail returns from when on the histories need every tick: the start of a step.
func (g *segment) tail() time.Time {
	fine, bucket := slo.Granularity(g.interval, g.def.Warmup())
	if g.step > bucket {
		fine = max(fine, g.def.Warmup()+2*bucket)
	}
	return floor(g.span.End.Add(-fine), g.step)
}

// readCoarse reads the segment in coarse steps, up to the first of its tail: that one says whether
// data begin or end there. It ends the segment early if memory is full.
func (g *segment) readCoarse(ctx context.Context) error {
	all := g.clip(slo.Span{Start: ceil(g.span.Start, g.step), End: g.tail().Add(g.step)})
	all.End = floor(all.End, g.step)
	errFull := errors.New("there is no more room")
	err := g.read(ctx, g.ticksOf(all, g.step), func(reading slo.Reading, ticks slo.Ticks) error {
		g.coarse = append(g.coarse, g.keep(reading, ticks))
		read := ticks.Last.Sub(ticks.First) + g.step
		g.reported += read / 2
		g.report(read / 2)
		if part := g.coarse[0].Start; g.points > g.limit()/4 && ticks.Last.Sub(part) > 2*g.span.End.Sub(g.tail()) && ticks.Last.Before(all.End) {
			g.span.End = ticks.Last
			return errFull
		}
		return nil
	})
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// keep makes a stretch of a reading.
func (g *segment) keep(reading slo.Reading, ticks slo.Ticks) stretch {
	s := stretch{
		Span: slo.Span{Start: ticks.First.Add(-ticks.Interval), End: ticks.Last}, tick: ticks.Interval,
		points: make(map[slo.Labels][]point, len(reading.Series)),
	}
	for _, series := range reading.Series {
		if !g.admit(series.Labels) {
			continue
		}
		points := make([]point, len(series.Samples))
		for i, sample := range series.Samples {
			points[i] = pointOf(sample)
		}
		s.points[series.Labels] = points
		g.points += len(points)
	}
	return s
}

// odd returns the steps to read tick by tick in any case: something in them may count differently,
// or data began or ended. It returns errFinely if bad events are below 0.
func (g *segment) odd() (odd []slo.Span, err error) {
	start := ceil(g.span.Start, g.step)
	odd = append(odd, slo.Span{Start: g.span.Start, End: start.Add(g.step)})
	for labels := range g.byLabels {
		wasBlind := true
		for i := range g.coarse {
			s := &g.coarse[i]
			for at := s.Start; at.Before(s.End); at = at.Add(g.step) {
				p := s.of(labels, at)
				if p.Bad < 0 {
					return nil, errFinely
				}
				step := slo.Span{Start: at, End: at.Add(g.step)}
				if p.isBlind() != wasBlind {
					step.Start = at.Add(-g.step) // both the last step and this one
				} else if !p.isOdd() {
					continue
				}
				odd, wasBlind = append(odd, step), p.isBlind()
			}
		}
	}
	return odd, nil
}

// refine reads stretches tick by tick if not done yet. It returns the start of the first, and
// errFinely if there is none, memory is full, or bad events are below 0.
func (g *segment) refine(ctx context.Context, need []slo.Span) (from time.Time, err error) {
	for i := range need {
		need[i] = g.clip(slo.Span{Start: floor(need[i].Start, g.step), End: ceil(need[i].End, g.step)})
	}
	slices.SortFunc(need, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
	missing := g.missing(need)
	if len(missing) == 0 {
		return from, errFinely
	}
	for _, span := range missing {
		var read []stretch
		err := g.read(ctx, g.ticksOf(span, g.interval), func(reading slo.Reading, ticks slo.Ticks) error {
			read = append(read, g.keep(reading, ticks))
			return nil
		})
		if err != nil {
			return from, err
		}
		for _, s := range read {
			for _, points := range s.points {
				if slices.ContainsFunc(points, func(p point) bool { return p.Bad < 0 }) {
					return from, errFinely
				}
			}
		}
		g.fine = append(g.fine, read...)
	}
	slices.SortFunc(g.fine, func(a, b stretch) int { return a.Start.Compare(b.Start) })
	if g.points > g.limit() {
		return from, errFinely
	}
	return need[0].Start, nil
}

// missing returns the parts of sorted stretches not read tick by tick. Parts near one another are
// joined.
func (g *segment) missing(need []slo.Span) (missing []slo.Span) {
	for _, span := range need {
		for at := span.Start; at.Before(span.End); {
			if s := stretchAt(g.fine, at); s != nil {
				at = s.End
				continue
			}
			end := span.End
			if i := slices.IndexFunc(g.fine, func(s stretch) bool { return s.Start.After(at) }); i >= 0 && g.fine[i].Start.Before(end) {
				end = g.fine[i].Start
			}
			n := len(missing)
			switch {
			case n > 0 && !missing[n-1].End.Before(at):
				if end.After(missing[n-1].End) {
					missing[n-1].End = end
				}
			default:
				missing = append(missing, slo.Span{Start: at, End: end})
			}
			at = end
		}
	}
	return missing
}

// clip cuts s to the segment.
func (g *segment) clip(s slo.Span) slo.Span {
	if s.Start.Before(g.span.Start) {
		s.Start = g.span.Start
	}
	if s.End.After(g.span.End) {
		s.End = g.span.End
	}
	return s
}

// floor returns the last multiple of a step since 1970 that is not after t.
func floor(t time.Time, step time.Duration) time.Time {
	n := t.UnixNano()
	return t.Add(-time.Duration((n%int64(step) + int64(step)) % int64(step)))
}

// ceil returns the first multiple of a step since 1970 that is not before t.
func ceil(t time.Time, step time.Duration) time.Time { return floor(t.Add(step-1), step) }
