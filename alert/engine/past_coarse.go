package engine

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// coarseFold folds a label set over a segment.
type coarseFold struct {
	*setFold
	segment *segment
	coarse  *fold.Coarse // of the watch; nil if none
	clones  []coarseClone
	asked   time.Time // the end of the last look ahead, ...
	steps   int       // ... and its steps
	work    int       // ticks, and steps of several, since the last clone
	plain   []slo.Sample
	sure    int // how many steps to try and skip at once
}

// coarseClone is a state to go back to.
type coarseClone struct {
	set    setFold
	coarse *fold.Coarse
}

func newCoarseFold(g *segment, from *setFold) *coarseFold {
	f := &coarseFold{setFold: &setFold{}, segment: g, sure: fewSteps}
	*f.setFold = *from
	f.now = g.span.Start
	if f.watch != nil {
		f.coarse = fold.NewCoarse(f.watch, g.step)
	}
	f.clone() // the original stays as it is
	f.restore(f.clones[0])
	return f
}

func (f *coarseFold) clone() {
	c := coarseClone{set: *f.setFold}
	c.set.events = slices.Clip(f.events)
	if f.coarse != nil {
		c.coarse = f.coarse.Clone()
	}
	f.clones, f.work = append(f.clones, c), 0
}

func (f *coarseFold) restore(c coarseClone) {
	f.work = 0
	*f.setFold = c.set
	f.coarse = nil
	if c.coarse != nil {
		f.coarse = c.coarse.Clone()
		f.watch = f.coarse.Watch
	}
}

// run folds the segment, and goes back to read more if the outcome depends on it.
func (f *coarseFold) run(ctx context.Context) error {
	g := f.segment
	for {
		var need []slo.Span
		switch {
		case f.now.Before(g.span.End):
			need = f.advance()
		case f.coarse != nil:
			if need = f.coarse.Doubts(); len(need) == 0 {
				return nil
			}
		default:
			return nil
		}
		if len(need) == 0 {
			continue
		}
		from, err := g.refine(ctx, need)
		if err != nil {
			return err
		}
		f.rewind(from)
	}
}

// rewind goes back to a state before a time.
func (f *coarseFold) rewind(t time.Time) {
	if !t.Before(f.now) {
		return
	}
	n := len(f.clones)
	for n > 1 && f.clones[n-1].set.now.After(t) {
		n--
	}
	f.clones = f.clones[:n]
	f.restore(f.clones[n-1])
}

// advance folds in the next sample, and returns the stretches to read tick by tick first, or
// instead.
func (f *coarseFold) advance() (need []slo.Span) {
	g := f.segment
	if f.work >= cloneEvery {
		f.clone()
	}
	if s := stretchAt(g.fine, f.now); s != nil {
		return f.ahead(f.tick(s.of(f.labels, f.now).sample()))
	}
	if n := f.skip(); n > 0 {
		f.now, f.work = f.now.Add(time.Duration(n)*g.step), f.work+n
		return nil
	}
	s := stretchAt(g.coarse, f.now)
	sample := s.of(f.labels, f.now).sample()
	ticks := int(g.step / f.interval)
	switch {
	case sample.Blind: // so are all ticks of it
		if n := g.silent(f.labels, f.now)*ticks - 1; n > 0 && f.coarse != nil && f.coarse.Doze(n) {
			f.now = f.now.Add(time.Duration(n) * f.interval)
			ticks = 1
		}
		for range ticks {
			if need := f.tick(sample); len(need) > 0 {
				return f.ahead(need)
			}
		}
	case f.coarse == nil || !f.coarse.MaySkip(sample, g.step):
		f.asked = f.now.Add(f.lookAhead())
		return []slo.Span{{Start: f.now, End: f.asked}}
	default:
		sample.Tick = f.now.Add(g.step)
		f.note(f.coarse.StepLong(sample, ticks))
		f.now, f.work = sample.Tick, f.work+1
	}
	return nil
}

// skip folds in as many of the next steps as nothing can come of, and returns how many. After steps
// that something might come of, it looks at few at first.
func (f *coarseFold) skip() (n int) {
	if f.coarse == nil {
		return 0
	}
	if w, open := f.coarse.Overspent(); open && f.isMoved(w) {
		return 0 // the next step notes it
	}
	f.plain = f.segment.plain(f.plain[:0], f.labels, f.now, f.sure)
	if len(f.plain) > 0 {
		n = f.coarse.Skip(f.plain)
	}
	if f.sure = fewSteps; n > 0 && n == len(f.plain) {
		f.sure = min(4*n, mostSteps)
	}
	return n
}

// lookAhead returns how much to read tick by tick at once. It grows the longer this goes on.
func (f *coarseFold) lookAhead() time.Duration {
	switch {
	case !f.asked.Equal(f.now):
		f.steps = 1
	case f.coarse != nil && f.coarse.IsBurning():
		f.steps = max(lookAhead, min(2*f.steps, 6*lookAhead))
	default:
		f.steps = min(2*f.steps, 6*lookAhead)
	}
	return time.Duration(f.steps) * f.segment.step
}

// ahead adds to the needed stretches what will be needed next: at the next tick, the rules' windows
// begin a tick later.
func (f *coarseFold) ahead(need []slo.Span) []slo.Span {
	for i := range need {
		if need[i].End.Before(f.now) {
			need[i].End = need[i].End.Add(lookAhead / 2 * f.segment.step)
		}
	}
	return need
}

// tick folds in the sample of one tick.
func (f *coarseFold) tick(s slo.Sample) (need []slo.Span) {
	f.work++
	s.Tick = f.now.Add(f.interval)
	if f.coarse == nil {
		if s.Blind {
			f.now = s.Tick
			return nil
		}
		f.begin()
		f.coarse = fold.NewCoarse(f.watch, f.segment.step)
	}
	events, need := f.coarse.Step(s)
	f.now = s.Tick
	f.note(events)
	if len(need) == 0 && f.watch.IsGone() {
		if need = f.coarse.Doubts(); len(need) == 0 {
			f.retire()
			f.coarse = nil
		}
	}
	return need
}
