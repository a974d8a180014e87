package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// filledTogether is how many new objectives are filled at a time, so that a source can ask for several at once.
	filledTogether = 20
	// filling is how many lanes read a past at the same time. The ticks of the others go first.
	filling = 2
)

// fresh is a definition that is new to a lane, and has to be filled with the past up to the lane's cursor.
type fresh struct {
	alert.Definition
	filled    time.Time // the last tick that was; while it is before `each`, one of those at which a step ends
	labelSets int       // how many are to be expected; 0: not known yet
}

// fill gives definitions that are new the samples up to the lane's cursor. One whose query is refused starts without a past, if others
// wait for it. It reports false where ctx was done first.
func (e *Engine) fill(ctx context.Context, l *Lane) bool {
	for l.fresh = l.unfilled(); len(l.fresh) > 0; l.fresh = l.unfilled() {
		e.expect(ctx, l, l.fresh[0])
		some, defs, ticks := l.nextFill()
		readings, failing := e.readPast(ctx, l, defs, ticks)
		if ctx.Err() != nil {
			return false
		}
		filled := 0
		for i, f := range some {
			name := f.Objective.Name
			if err := failing[name]; errors.Is(err, slo.ErrRefused) && len(l.defs) > 1 {
				l.givenUp[name] = true
				readings[i] = slo.Reading{}
				delete(l.past.filled, name)
			} else if err != nil {
				continue
			}
			e.refuse(name, l.fill(f, ticks, readings[i]))
			filled++
		}
		l.stretch(ticks.Len(), filled > 0)
		if filled == 0 && !sleep(ctx, min(l.interval, 30*time.Second)) {
			return false
		}
	}
	return true
}

// expect finds out how many label sets a definition of group_by has, so that not too much is read at a time.
func (e *Engine) expect(ctx context.Context, l *Lane, f *fresh) {
	if f.labelSets > 0 {
		return
	}
	readings, failing := e.readPast(ctx, l, []alert.Definition{f.Definition}, slo.Ticks{First: l.cursor, Last: l.cursor, Interval: l.interval})
	f.labelSets = maxLabelSets
	if ctx.Err() == nil && len(failing) == 0 {
		f.labelSets = max(1, min(len(readings[0].Series), maxLabelSets))
	}
}

// readPast is read, when it is its turn.
func (e *Engine) readPast(ctx context.Context, l *Lane, defs []alert.Definition, ticks slo.Ticks) ([]slo.Reading, map[string]error) {
	select {
	case e.fills <- struct{}{}:
		defer func() { <-e.fills }()
	case <-ctx.Done():
		return nil, nil
	}
	return e.read(ctx, l, defs, ticks)
}

// unfilled are the definitions that still miss some of their past.
func (l *Lane) unfilled() []*fresh {
	return slices.DeleteFunc(l.fresh, func(f *fresh) bool { return !f.filled.Before(l.cursor) })
}

// nextFill is what is to be filled next: definitions that miss the same ticks.
func (l *Lane) nextFill() (some []*fresh, defs []alert.Definition, ticks slo.Ticks) {
	first, watches := l.fresh[0], 0
	ticks = l.missing(first)
	for _, f := range l.fresh {
		if n := max(1, f.labelSets); f == first || l.missing(f) == ticks && f.labelSets > 0 && watches+n <= filledTogether {
			some, defs, watches = append(some, f), append(defs, f.Definition), watches+n
		}
	}
	return some, defs, l.bounded(ticks, watches)
}

// missing are the ticks that a definition that is new still has to be filled with. Those that its histories will not keep one by one are
// read in steps as long as the buckets that these do keep, and no window of its rules holds another number for it.
func (l *Lane) missing(f *fresh) slo.Ticks {
	fine, step := l.granularity(f.Definition)
	if each := l.cursor.Add(-fine).Truncate(step).UTC(); f.filled.Before(each) {
		return slo.Ticks{First: f.filled.Add(step), Last: each, Interval: step, Each: l.interval}
	}
	return slo.Ticks{First: f.filled.Add(l.interval), Last: l.cursor, Interval: l.interval}
}

// granularity returns how much history to read tick by tick, and the step for what is older. With
// planned work all of it is read tick by tick: a step that is planned in part can't be told apart.
func (l *Lane) granularity(d alert.Definition) (fine, step time.Duration) {
	if d.Objective.Exclude != "" {
		return d.Warmup(), l.interval
	}
	return slo.Granularity(l.interval, d.Warmup())
}

// fill folds in the past of a definition that is new. It returns for how many label sets there is no room.
func (l *Lane) fill(f *fresh, ticks slo.Ticks, r slo.Reading) (refused int) {
	_, refused = l.admit(f.Definition, r, f.filled, l.armed)
	watches := l.watchesOf(f.Definition)
	f.labelSets = max(1, len(watches), f.labelSets)
	found := make(map[slo.Labels][]slo.Sample, len(r.Series))
	for _, s := range r.Series {
		found[s.Labels] = s.Samples
	}
	for _, w := range watches {
		samples := found[w.Labels]
		if samples == nil {
			samples = blindSamples(ticks)
		}
		for _, s := range samples {
			w.StepLong(w.Plan(s), int(ticks.Interval/l.interval))
		}
	}
	f.filled = ticks.Last
	l.regrouped = true
	return refused
}
