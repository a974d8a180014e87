package slo

// points are the cumulative counts of events that a history keeps, at up to three resolutions. All
// of its times are in ticks, as a number of them since 1970.
type points struct {
	levels levels // rings of cumulative counts
	now    int64  // the last tick added
	origin int64  // when data begins: the start of the first tick that was not blind
	sum    sums   // all events since the first origin
	base   sums   // what the cumulative counts begin at: 0, or less by all that was backfilled
	swing  swing  // of the cumulative count of bad events
}

// newPoints makes points without events, for rules that look back so many ticks, and a window.
func newPoints(now, rules, window int64) points {
	return points{levels: newLevels(rules, window), now: now, origin: now}
}

// clone returns a copy that shares nothing.
func (p *points) clone() points {
	c := *p
	c.levels = p.levels.clone()
	return c
}

// known returns from when on the events are known.
func (p *points) known() int64 { return max(p.origin, p.levels.oldest(p.now)) }

// advance moves on by some ticks, and returns the stretch. If data has not begun, it begins after
// them.
func (p *points) advance(ticks int64, begun bool) (start, end int64) {
	start, p.now = p.now, p.now+ticks
	if !begun {
		p.origin = p.now
	}
	return start, p.now
}

// count adds events to the sum.
func (p *points) count(c Counts) {
	sum := p.sum.add(sumsOf(c))
	p.swing.note(sum.bad)
	p.reserve(sum)
	p.sum = sum
}

// mark sets the points at the last tick.
func (p *points) mark() {
	for i := range p.levels {
		l := &p.levels[i]
		if p.now%l.step == 0 {
			l.set(p.now/l.step, p.sum, p.sum)
		}
	}
}

// fillIn sets the points inside the ticks since `start`, which were added together: c, spread
// evenly as by Late.Until.
func (p *points) fillIn(start int64, c Counts) {
	before, length := p.sum.sub(sumsOf(c)), float64(p.now-start)
	for i := range p.levels {
		l := &p.levels[i]
		for n := max(start/l.step+1, l.oldest(p.now-1)); n*l.step < p.now; n++ {
			l.set(n, before.add(sumsOf(c.share(float64(n*l.step-start)/length))), p.sum)
		}
	}
}

// addSteps adds events of consecutive steps that are several ticks long. It is advance, count,
// fillIn and mark for each of them, but sets only points that are kept in the end. Bad events are 0
// or more.
func (p *points) addSteps(steps []Sample, ticks int64) {
	var all Counts
	for i := range steps {
		all = all.Add(steps[i].Counts)
	}
	p.reserve(p.sum.add(sumsOf(all)))
	end := p.now + int64(len(steps))*ticks
	for i := range steps {
		c, start, before := steps[i].Counts, p.now, p.sum
		p.now, p.sum = start+ticks, before.add(sumsOf(c))
		p.swing.note(p.sum.bad)
		for i := range p.levels {
			l := &p.levels[i]
			for n := max(start/l.step+1, l.oldest(end)); n*l.step < p.now; n++ {
				l.set(n, before.add(sumsOf(c.share(float64(n*l.step-start)/float64(ticks)))), p.sum)
			}
		}
		p.mark()
	}
}

// reserve makes room for points up to a sum. No point of a level is further below it than the
// oldest one and the deepest fall together.
func (p *points) reserve(sum sums) {
	for i := range p.levels {
		l := &p.levels[i]
		since := p.base
		if n := l.oldest(p.now); n*l.step > p.origin {
			since = l.at(n, p.sum)
		}
		below := sum.sub(since)
		l.reserve(sums{below.total, below.bad.add(p.swing.fall)}, p.sum)
		l.reserve(sums{below.total, units{}.sub(p.swing.fall)}, p.sum)
	}
}

// spread adds late events to the sum, and to the points inside and after their stretch. until
// returns those up to a tick.
func (p *points) spread(late Counts, until func(tick int64) Counts) {
	p.swing.expect(late)
	p.count(late)
	for i := range p.levels {
		l := &p.levels[i]
		for n := max(ceilDiv(p.origin, l.step), l.oldest(p.now-1)); n*l.step < p.now; n++ {
			l.set(n, l.at(n, p.sum).add(sumsOf(until(n*l.step))), p.sum)
		}
	}
}

// between sums the events in (from, to], each end prorated inside the bucket that it falls in.
func (p *points) between(from, to int64) Counts {
	begin, end := p.position(from), p.position(to)
	var zero sums // what both are taken from
	if !begin.point.isSmall() || !end.point.isSmall() {
		zero = begin.point
	}
	return end.since(zero).Sub(begin.since(zero))
}

// position is the cumulative count at a tick: a point's count, and a share of the bucket after it.
type position struct {
	point sums
	part  Counts
}

// since returns the number of events since the cumulative count was `zero`.
func (p position) since(zero sums) Counts { return p.point.sub(zero).counts().Add(p.part) }

// sums returns the count in whole 1/1024 events.
func (p position) sums() sums {
	return p.point.add(quantized(p.part))
}

func (p *points) position(tick int64) position {
	switch {
	case tick >= p.now:
		return position{point: p.sum}
	case tick <= p.origin:
		return position{point: p.base}
	}
	for i := range p.levels {
		l := &p.levels[i]
		n := tick / l.step
		if n < l.oldest(p.now) {
			continue
		}
		return p.prorate(l, n, tick)
	}
	// Older than all buckets: the oldest point is the best there is.
	l := p.levels.coarsest()
	return position{point: l.at(l.oldest(p.now), p.sum)}
}

// prorate returns the cumulative count at a tick in the bucket of l that begins at its n-th step.
func (p *points) prorate(l *level, n, tick int64) position {
	start, end := n*l.step, min((n+1)*l.step, p.now)
	before := p.base
	if start > p.origin {
		before = l.at(n, p.sum)
	} else {
		start = p.origin
	}
	if tick == start {
		return position{point: before}
	}
	after := p.sum
	if end < p.now {
		after = l.at(n+1, p.sum)
	}
	bucket, part, whole := after.sub(before).counts(), float64(tick-start), float64(end-start)
	return position{before, Counts{bucket.Total * part / whole, bucket.Bad * part / whole}}
}
