package slo

// swing is how far the cumulative count of bad events went up and down. A history's levels have to
// have room for that: bad events are signed.
type swing struct {
	peak units // the highest count so far
	fall units // how far one has been below an earlier one, at most
}

// note notes the newest cumulative count.
func (s *swing) note(bad units) {
	if s.peak.less(bad) {
		s.peak = bad
	} else if fall := s.peak.sub(bad); s.fall.less(fall) {
		s.fall = fall
	}
}

// expect notes that late events, which may be below 0, are about to change earlier counts.
func (s *swing) expect(late Counts) {
	if late.Bad < 0 {
		s.fall = s.fall.add(unitsOf(-late.Bad))
	}
}

// findSwing finds the highest cumulative count and the deepest fall that the levels hold.
func (p *points) findSwing() {
	p.swing = swing{peak: p.sum.bad}
	for i := range p.levels {
		l := &p.levels[i]
		s := swing{peak: p.base.bad, fall: p.swing.fall}
		for n := l.first(p.origin, p.now); n <= p.now/l.step; n++ {
			s.note(l.at(n, p.sum).bad)
		}
		if p.swing.fall = s.fall; p.swing.peak.less(s.peak) {
			p.swing.peak = s.peak
		}
	}
	p.swing.note(p.sum.bad)
}
