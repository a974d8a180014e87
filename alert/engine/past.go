package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// pastTogether is how many objectives' pasts a replay reads at a time.
	pastTogether = 3
	// pastPoints bounds how many samples of a past are in memory: at 24 bytes each, 48 MiB. A
	// longer past is folded in parts. The watches to go back to take 24 KiB each.
	pastPoints = 2 << 20
	// coarsely is about how long a step of the past is if nothing can come of it.
	coarsely = 5 * time.Minute
	// dearSteps is how many ticks cost about as much to read as the two queries more that reading in
	// steps takes at least.
	dearSteps = 2 * fewest
	// lookAhead is the fewest steps read tick by tick at once while a window is open.
	lookAhead = 12
	// cloneEvery is how often a watch is kept to go back to, in ticks or steps that were folded.
	cloneEvery = 720
	// fewSteps is how many steps are looked at together at first, and mostSteps if nothing came of
	// those before.
	fewSteps, mostSteps = 4, 72
)

// pastFolder reads the past: it folds what the source has for a time, as if every tick had been
// read. If no window can open, it reads steps of several ticks.
type pastFolder struct {
	source    Source
	interval  time.Duration
	everyTick bool                // read each tick, always
	room      int                 // samples kept in memory; 0: pastPoints
	progress  func(time.Duration) // told how much more of a past is folded; may be nil
}

// pastOf is what to fold of one definition.
type pastOf struct {
	def  alert.Definition
	span slo.Span // on the grid of ticks
	// have are watches at the span's start to go on with; they are changed. Label sets without one
	// begin anew: without group_by at the span's start, else when they first have data.
	have    []*fold.Watch
	prepare func(*fold.Watch) // called with watches that begin anew; may be nil

	corrected bool // some of the time is taken out of the budget: steps don't know that
}

// folded is what was found of one definition.
type folded struct {
	def     alert.Definition
	sets    []foldedSet // ordered by label set
	refused int         // label sets without room
	err     error       // if set, nothing is known
}

// foldedSet is what was found of one label set.
type foldedSet struct {
	labels slo.Labels
	watch  *fold.Watch // at the span's end; nil: no data for so long that it is dropped
	// events opened, closed or moved a window, or amended a closed one, oldest first. Windows open
	// at the end are in the watch.
	events []alert.Event
}

// errFinely says that every tick of a past must be read.
var errFinely = errors.New("every tick is to be read")

// fold folds one definition's past.
func (p *pastFolder) fold(ctx context.Context, of pastOf) folded {
	r := newPastReader(p, of)
	err := r.run(ctx)
	return folded{def: of.def, sets: r.found(), refused: len(r.refused), err: err}
}

// foldAll folds each definition's past, pastTogether at a time. It ends at the first error and
// returns it.
func (p *pastFolder) foldAll(ctx context.Context, all []pastOf) ([]folded, error) {
	found := make([]folded, len(all))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(pastTogether)
	for i, of := range all {
		group.Go(func() error {
			found[i] = p.fold(inner, of)
			return found[i].err
		})
	}
	return found, group.Wait()
}

// pastReader reads and folds one objective's past.
type pastReader struct {
	*pastFolder
	pastOf
	sets     int // the most label sets of an answer
	most     int // ticks to read at a time; 0: as many as fit
	byLabels map[slo.Labels]*setFold
	refused  map[slo.Labels]bool
}

func newPastReader(p *pastFolder, of pastOf) *pastReader {
	r := &pastReader{pastFolder: p, pastOf: of, sets: 1, byLabels: map[slo.Labels]*setFold{}, refused: map[slo.Labels]bool{}}
	for _, w := range of.have {
		w.Brief = true
		r.byLabels[w.Labels] = &setFold{def: of.def, labels: w.Labels, interval: p.interval, now: of.span.Start, prepare: of.prepare, watch: w}
	}
	if len(of.def.Objective.GroupBy) == 0 && r.admit("") && r.byLabels[""].watch == nil {
		r.byLabels[""].begin()
	}
	return r
}

// found returns the label sets, in order.
func (r *pastReader) found() []foldedSet {
	var all []foldedSet
	for _, labels := range slices.Sorted(maps.Keys(r.byLabels)) {
		s := r.byLabels[labels]
		if s.watch != nil {
			s.watch.Brief = false
		}
		all = append(all, foldedSet{labels, s.watch, s.events})
	}
	return all
}

// run folds the whole span in parts that fit in memory, coarsely if possible.
func (r *pastReader) run(ctx context.Context) error {
	r.expect(ctx)
	step := r.step()
	for at := r.span.Start; at.Before(r.span.End); {
		end, err := r.span.End, errFinely
		if step > r.interval {
			end, err = r.foldCoarsely(ctx, slo.Span{Start: at, End: end}, step)
		}
		if errors.Is(err, errFinely) {
			err = r.foldFinely(ctx, slo.Span{Start: at, End: end})
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", r.def.Objective.Name, err)
		}
		at = end
	}
	return nil
}

// expect finds how many label sets there are, so that not too much is read at a time.
func (r *pastReader) expect(ctx context.Context) {
	if len(r.def.Objective.GroupBy) == 0 {
		return
	}
	last := slo.Ticks{First: r.span.End, Last: r.span.End, Interval: r.interval}
	reading := r.source(ctx, []slo.Objective{r.def.Objective}, last)[0]
	if r.sets = max(1, len(reading.Series)); reading.Err != nil { // reading the ticks reports it
		r.sets = fold.MaxLabelSets
	}
}

// step returns the length of a coarse step; the interval if all ticks must be read.
func (r *pastReader) step() time.Duration {
	o, about := r.def.Objective, coarsely
	blind := r.def.Policy.Blind
	if blind.Issue {
		about = min(about, blind.After/2) // else no step might be blind as a whole
	}
	apart := slices.ContainsFunc(r.have, func(w *fold.Watch) bool { return w.History.Apart() })
	if r.everyTick || r.corrected || apart || o.Exclude != "" || mayBeSigned(o) {
		return r.interval
	}
	step := slo.CoarseStep(r.interval, r.def.Warmup(), o.Window.Longest(), about)
	if blind.Issue && step > about {
		return r.interval
	}
	return step
}

// mayBeSigned reports whether a tick of an objective may have less than 0 bad events. It is also
// true if coarse steps are no cheaper, as it is measured at each tick.
func mayBeSigned(o slo.Objective) bool {
	ratio := o.Indicator.Ratio
	switch {
	case o.Indicator.Latency != nil:
		return false
	case ratio == nil:
		return true
	}
	bare := func(promQL string) []string {
		words := strings.Fields(selectors.ReplaceAllString(promQL, " "))
		words = slices.DeleteFunc(words, func(word string) bool { return word == "or" || word == "(" || word == ")" })
		slices.Sort(words)
		return slices.Compact(words)
	}
	good, bad, total := bare(ratio.Good), bare(ratio.Bad), bare(ratio.Total)
	isMinus := func(word string) bool { return strings.Contains(word, "-") }
	return len(good) > 0 && !slices.Equal(good, total) || slices.ContainsFunc(slices.Concat(good, bad, total), isMinus)
}

// selectors matches the label matchers of PromQL.
var selectors = regexp.MustCompile(`\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^}])*\}`)

// admit makes room for a label set, or reports false.
func (r *pastReader) admit(labels slo.Labels) bool {
	if r.byLabels[labels] != nil {
		return true
	}
	if len(r.byLabels) >= fold.MaxLabelSets {
		r.refused[labels] = true
		return false
	}
	r.byLabels[labels] = &setFold{def: r.def, labels: labels, interval: r.interval, now: r.span.Start, prepare: r.prepare}
	return true
}

// foldFinely reads and folds every tick.
func (r *pastReader) foldFinely(ctx context.Context, span slo.Span) error {
	return r.read(ctx, r.ticksOf(span, r.interval), func(reading slo.Reading, ticks slo.Ticks) error {
		found := map[slo.Labels][]slo.Sample{}
		for _, s := range reading.Series {
			if r.admit(s.Labels) {
				found[s.Labels] = s.Samples
			}
		}
		for labels, f := range r.byLabels {
			f.now = ticks.First.Add(-r.interval)
			for i := range ticks.Len() {
				s := slo.Sample{Blind: true}
				if samples := found[labels]; samples != nil {
					s = samples[i]
				}
				f.step(s)
			}
		}
		r.report(ticks.Last.Sub(ticks.First) + r.interval)
		return nil
	})
}

func (r *pastReader) report(more time.Duration) {
	if r.progress != nil {
		r.progress(more)
	}
}

// read reads as many ticks at a time as it can, and passes them to take.
func (r *pastReader) read(ctx context.Context, ticks slo.Ticks, take func(slo.Reading, slo.Ticks) error) error {
	for ticks.Len() > 0 {
		some := r.bounded(ticks)
		reading := r.source(ctx, []slo.Objective{r.def.Objective}, some)[0]
		if reading.Err != nil {
			if some.Len() <= fewest || errors.Is(reading.Err, slo.ErrRefused) || ctx.Err() != nil {
				return reading.Err
			}
			r.most = max(1, some.Len()/2)
			continue
		}
		if r.most > 0 {
			r.most = min(2*r.most, chunk)
		}
		r.sets = max(r.sets, len(reading.Series))
		for _, s := range reading.Series {
			if len(s.Samples) != some.Len() {
				return fmt.Errorf("%w: %d samples for %d ticks", slo.ErrBadAnswer, len(s.Samples), some.Len())
			}
		}
		if err := take(reading, some); err != nil {
			return err
		}
		ticks.First = some.Last.Add(ticks.Interval)
	}
	return nil
}

// bounded cuts ticks to those read at a time.
func (r *pastReader) bounded(ticks slo.Ticks) slo.Ticks {
	most := max(fewest, min(chunk, atOnce/max(1, r.sets)))
	if r.most > 0 {
		most = min(most, r.most)
	}
	if ticks.Len() > most {
		ticks.Last = ticks.At(most - 1)
	}
	return ticks
}

// ticksOf returns a stretch's ticks, in steps.
func (p *pastFolder) ticksOf(span slo.Span, step time.Duration) slo.Ticks {
	t := slo.Ticks{First: span.Start.Add(step), Last: span.End, Interval: step}
	if step > p.interval {
		t.Each = p.interval
	}
	return t
}
