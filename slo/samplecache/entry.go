package samplecache

import (
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/slo"
)

// near is how many ticks between two missing stretches are read again, to save a query.
const near = 20

// longest is how many ticks are read in one query.
const longest = 1000

// entry is what is known of one indicator.
type entry struct {
	key string
	// The cache's lock holds these.
	used  uint64 // when it was used last, see Cache.uses
	users int    // how many readings are under way
	held  int    // how many points are in memory

	mu       sync.Mutex
	isStable bool // it is kept on disk
	loaded   bool
	dirty    bool // it knows more than its file
	grids    map[grid]map[int64]*chunk
}

func newEntry(key string) *entry { return &entry{key: key, grids: map[grid]map[int64]*chunk{}} }

// missing returns the stretches of ticks that are not there. Near ones are joined. All others are
// unpacked then.
func (e *entry) missing(ticks slo.Ticks) (all []slo.Ticks) {
	g := gridOf(ticks)
	first, last := -1, -1
	end := func() {
		if first >= 0 {
			all = append(all, slo.Ticks{First: ticks.At(first), Last: ticks.At(last), Interval: ticks.Interval, Each: ticks.Each})
		}
	}
	for i := 0; i < ticks.Len(); {
		number, at := g.place(ticks.At(i))
		n := min(ticks.Len()-i, chunkTicks-at)
		c := e.grids[g][number]
		if c != nil {
			c.unpack()
		}
		if c == nil || !c.hasAll(at, n) {
			for j := range n {
				if c != nil && c.has(at+j) {
					continue
				}
				if first < 0 || i+j-last > near || i+j-first >= longest {
					end()
					first = i + j
				}
				last = i + j
			}
		}
		i += n
	}
	end()
	return all
}

// put keeps a reading that has a sample of each tick in each series.
func (e *entry) put(r slo.Reading, ticks slo.Ticks) {
	g := gridOf(ticks)
	if e.grids[g] == nil {
		e.grids[g] = map[int64]*chunk{}
	}
	for i := range ticks.Len() {
		number, at := g.place(ticks.At(i))
		c := e.grids[g][number]
		if c == nil {
			c = newChunk()
			e.grids[g][number] = c
		}
		if c.has(at) {
			continue
		}
		c.mark(at)
		for _, s := range r.Series {
			if p := pointOf(s.Samples[i]); !p.isSilent() || len(s.Labels) == 0 {
				c.of(s.Labels)[at] = p
			}
		}
	}
}

// get returns the reading of ticks that are all there, as the source would: a label set that had
// nothing in them is not in it.
func (e *entry) get(ticks slo.Ticks, grouped bool) (r slo.Reading) {
	for _, labels := range e.labelsIn(ticks, grouped) {
		samples := make([]slo.Sample, 0, ticks.Len())
		for i, p := range e.points(ticks, labels) {
			samples = append(samples, p.sample(ticks.At(i)))
		}
		r.Series = append(r.Series, slo.Series{Labels: labels, Samples: samples})
	}
	return r
}

// labelsIn returns the label sets that have something in some ticks.
func (e *entry) labelsIn(ticks slo.Ticks, grouped bool) []slo.Labels {
	if !grouped {
		return []slo.Labels{""}
	}
	candidates, found := map[slo.Labels]bool{}, []slo.Labels(nil)
	for c := range e.chunks(ticks) {
		for labels := range c.sets {
			candidates[labels] = true
		}
	}
	for labels := range candidates {
		for _, p := range e.points(ticks, labels) {
			if !p.isSilent() {
				found = append(found, labels)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// chunks yields the chunks of ticks that are all there, and how many of the ticks each of them
// holds.
func (e *entry) chunks(ticks slo.Ticks) iter.Seq2[*chunk, int] {
	g := gridOf(ticks)
	return func(yield func(*chunk, int) bool) {
		for i := 0; i < ticks.Len(); {
			number, at := g.place(ticks.At(i))
			n := min(ticks.Len()-i, chunkTicks-at)
			if !yield(e.grids[g][number], n) {
				return
			}
			i += n
		}
	}
}

// points yields a label set's points at ticks that are all there, by their number.
func (e *entry) points(ticks slo.Ticks, labels slo.Labels) iter.Seq2[int, point] {
	return func(yield func(int, point) bool) {
		_, at := gridOf(ticks).place(ticks.First)
		i := 0
		for c, n := range e.chunks(ticks) {
			points := c.sets[labels]
			for range n {
				p := blindPoint
				if points != nil {
					p = points[at]
				}
				if !yield(i, p) {
					return
				}
				i, at = i+1, (at+1)%chunkTicks
			}
		}
	}
}

// merge adds what another entry of the same key knows.
func (e *entry) merge(other *entry) {
	for g, chunks := range other.grids {
		if e.grids[g] == nil {
			e.grids[g] = map[int64]*chunk{}
		}
		for number, c := range chunks {
			if have := e.grids[g][number]; have != nil {
				have.merge(c)
			} else {
				e.grids[g][number] = c
			}
		}
	}
}

// final returns the part of an entry that will not change any more: ticks that ended by `settled`,
// or by `usual` if nothing was missing in them.
func (e *entry) final(usual, settled time.Time) *entry {
	f := newEntry(e.key)
	for g, chunks := range e.grids {
		f.grids[g] = map[int64]*chunk{}
		for number, c := range chunks {
			if last := g.time(number, chunkTicks-1); !last.After(settled) {
				f.grids[g][number] = c
				continue
			}
			c.unpack()
			part := &chunk{have: c.have, sets: c.sets}
			for at := range chunkTicks {
				whole := true
				for _, points := range c.sets {
					whole = whole && points[at].isWhole()
				}
				if tick := g.time(number, at); tick.After(usual) || tick.After(settled) && !whole {
					part.have[at/64] &^= 1 << (at % 64)
				}
			}
			if part.len() > 0 {
				f.grids[g][number] = part
			}
		}
	}
	return f
}

// size returns how many points an entry holds in memory.
func (e *entry) size() (n int) {
	for _, chunks := range e.grids {
		for _, c := range chunks {
			n += c.size()
		}
	}
	return n
}
