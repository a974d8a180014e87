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
	coarse  *fold.Coarse // of the watch; nil while there is none
	clones  []coarseClone
	asked   time.Time // up to where the last look ahead read, ...
	steps   int       // ... and how many steps
}

// coarseClone is a state to go back to.
type coarseClone struct {
	set    setFold
	coarse *fold.Coarse
}

func newCoarseFold(g *segment, from *setFold) *coarseFold {
	f := &coarseFold{setFold: &setFold{}, segment: g}
	*f.setFold = *from
	f.now = g.span.Start
	if f.watch != nil {
		f.coarse = fold.NewCoarse(f.watch, g.step)
	}
	f.clone() // what it came from stays as it is
	f.restore(f.clones[0])
	return f
}

func (f *coarseFold) clone() {
	c := coarseClone{set: *f.setFold}
	c.set.events = slices.Clip(f.events)
	if f.coarse != nil {
		c.coarse = f.coarse.Clone()
	}
	f.clones = append(f.clones, c)
}

func (f *coarseFold) restore(c coarseClone) {
	*f.setFold = c.set
	f.coarse = nil
	if c.coarse != nil {
		f.coarse = c.coarse.Clone()
		f.watch = f.coarse.Watch
	}
}

// run folds the segment, and goes back to read more where something depends on it.
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

// advance folds in what is next, and returns what has to be read tick by tick before, or instead.
func (f *coarseFold) advance() (need []slo.Span) {
	g := f.segment
	if f.now.Sub(f.clones[len(f.clones)-1].set.now) >= cloneEvery {
		f.clone()
	}
	if s := stretchAt(g.fine, f.now); s != nil {
		return f.ahead(f.tick(s.of(f.labels, f.now).sample()))
	}
	s := stretchAt(g.coarse, f.now)
	sample := s.of(f.labels, f.now).sample()
	ticks := int(g.step / f.interval)
	switch {
	case sample.Blind: // so are all ticks of it
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
		f.now = sample.Tick
	}
	return nil
}

// lookAhead is how much is read tick by tick at once where it has to be: the more, the longer that
// has been so.
func (f *coarseFold) lookAhead() time.Duration {
	switch {
	case !f.asked.Equal(f.now):
		f.steps = 1
	case f.coarse != nil && f.coarse.Burn != nil:
		f.steps = max(lookAhead, min(2*f.steps, 6*lookAhead))
	default:
		f.steps = min(2*f.steps, 6*lookAhead)
	}
	return time.Duration(f.steps) * f.segment.step
}

// ahead adds to what has to be read what will be asked for next: where a window of the rules
// begins, it begins a tick later at the next tick.
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
	if len(need) == 0 && f.isSilent() {
		if need = f.coarse.Doubts(); len(need) == 0 {
			f.retire()
			f.coarse = nil
		}
	}
	return need
}
