package slo

// fill sets the points from one tick to another.
func (p *points) fill(from, to int64, at func(tick int64) sums) {
	for i := range p.levels {
		l := &p.levels[i]
		for n := l.first(from, p.now); n*l.step <= to; n++ {
			l.set(n, at(n*l.step), p.sum)
		}
	}
}

// resized returns a copy with the levels that newPoints would give it.
func (p *points) resized(rules, window int64) points {
	c := newPoints(p.now, rules, window)
	c.origin, c.sum, c.base, c.swing = p.origin, p.sum, p.base, p.swing
	c.fill(c.origin, c.now, func(tick int64) sums {
		return p.position(tick).sums()
	})
	return c
}

// prepended returns a copy that has older points before a tick.
func (p *points) prepended(older *points, joint int64) points {
	c, end := p.clone(), older.position(joint)
	c.fill(older.origin, p.origin, func(tick int64) sums {
		if tick >= joint {
			return p.base
		}
		at := older.position(tick)
		return p.base.sub(quantized(end.since(at.point).Sub(at.part)))
	})
	c.origin = older.known()
	c.base = p.base.sub(quantized(older.between(c.origin, joint)))
	c.findSwing()
	return c
}

// resume makes new points go on from counts that were kept otherwise.
func (p *points) resume(origin int64, base sums, at func(tick int64) sums) {
	p.origin, p.base, p.sum = origin, base, at(p.now)
	p.fill(origin, p.now, at)
	p.findSwing()
}
