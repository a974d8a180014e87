package samplecache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
)

const (
	// usual is how long after its end a tick with data is final, and settled how long one is that
	// lacks data: what comes late within six hours is judged as if it had come in time.
	usual   = time.Hour
	settled = 6 * time.Hour
	// mostPoints bounds the points in memory: at 24 bytes each, 192 MiB.
	mostPoints = 8 << 20
	// defaultLimit bounds the files.
	defaultLimit = 256 << 20
)

// Source reads samples, as slo/prom does.
type Source func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading

// Options of a Cache. Source and Now are required.
type Options struct {
	Dir    string // made if it is not there; empty: samples are kept in memory alone
	Source Source
	// Origin names what else decides the samples of objectives with a source: the server, and the
	// program that counts. With isStable false, the samples are kept in memory alone. Nil: one
	// origin for all.
	Origin func(source string) (origin string, isStable bool)
	Now    time.Time // ticks that ended shortly before are not kept on disk
	Limit  int64     // bytes on disk; 0: 256 MiB
	// EveryTick reads each tick where steps of several are asked for, so that no later question
	// about that time, whatever its steps, needs the source.
	EveryTick bool
}

// Cache is a source that remembers. Its methods may be called by several goroutines, and several
// processes may share a folder.
type Cache struct {
	Options
	files files
	most  int // points in memory

	mu      sync.Mutex
	uses    uint64
	points  int
	entries map[string]*entry
	errs    []error

	asked atomic.Int64
}

// New makes a cache. It touches no file yet.
func New(o Options) *Cache {
	return &Cache{Options: o, files: files{o.Dir, cmp.Or(o.Limit, defaultLimit)}, most: mostPoints, entries: map[string]*entry{}}
}

// Asked returns how many ticks of objectives the source was asked for.
func (c *Cache) Asked() int { return int(c.asked.Load()) }

// Read returns the samples of objectives, each read from the source only if it is not known yet.
func (c *Cache) Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i, o := range objectives {
		readings[i] = c.read(ctx, o, ticks)
	}
	return readings
}

func (c *Cache) read(ctx context.Context, o slo.Objective, ticks slo.Ticks) slo.Reading {
	// If a condition plans work by label set, nobody can say later of a label set without data
	// whether it was planned.
	if !isAligned(ticks) || o.Exclude != "" && len(o.GroupBy) > 0 {
		return c.ask(ctx, o, ticks)
	}
	_, isStable := c.originOf(o)
	e := c.acquire(c.keyOf(o), isStable)
	e.mu.Lock()
	defer func() {
		size := e.size()
		e.mu.Unlock()
		c.release(e, size)
	}()
	if !e.loaded {
		e.loaded = true
		if e.isStable {
			e.merge(c.files.load(e.key))
		}
	}
	isGrouped := len(o.GroupBy) > 0
	if fine, perStep := ticks.Fine(); perStep > 1 {
		if c.EveryTick {
			if r, ok := c.fill(ctx, e, o, fine); ok && r.Err != nil {
				return r
			}
		}
		e.derive(ticks, perStep, isGrouped)
	}
	if r, ok := c.fill(ctx, e, o, ticks); !ok {
		return c.ask(ctx, o, ticks)
	} else if r.Err != nil {
		return r
	}
	return e.get(ticks, isGrouped)
}

// fill reads what is missing of some ticks. It returns a reading with the error if there is one; ok
// is false if not all can be kept: then ask for all of them again.
func (c *Cache) fill(ctx context.Context, e *entry, o slo.Objective, ticks slo.Ticks) (r slo.Reading, ok bool) {
	for _, stretch := range e.missing(ticks) {
		if e.size() > c.most/2 {
			return r, false // very many label sets
		}
		r := c.ask(ctx, o, stretch)
		if r.Err != nil {
			return r, true
		}
		if slices.ContainsFunc(r.Series, func(s slo.Series) bool { return len(s.Samples) != stretch.Len() }) {
			return r, false // which is for the caller to judge
		}
		e.dirty = true
		e.put(r, stretch)
	}
	return slo.Reading{}, true
}

func (c *Cache) ask(ctx context.Context, o slo.Objective, ticks slo.Ticks) slo.Reading {
	c.asked.Add(int64(ticks.Len()))
	return c.Source(ctx, []slo.Objective{o}, ticks)[0]
}

// keyOf names all that decides an objective's samples but the grid.
func (c *Cache) keyOf(o slo.Objective) string {
	origin, _ := c.originOf(o)
	text, err := json.Marshal([]any{format, origin, o.Indicator, o.GroupBy, o.Exclude})
	if err != nil {
		panic(err) // plain data always marshals
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (c *Cache) originOf(o slo.Objective) (origin string, isStable bool) {
	if c.Origin == nil {
		return "", true
	}
	return c.Origin(o.Source)
}

// acquire returns an entry that stays in memory until it is released.
func (c *Cache) acquire(key string, isStable bool) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		e = newEntry(key)
		e.isStable = isStable
		c.entries[key] = e
	}
	c.uses++
	e.used = c.uses
	e.users++
	return e
}

// release lets an entry go, which has so many points now. If memory is full, the entries that were
// not used for the longest time are written and forgotten.
func (c *Cache) release(e *entry, points int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
	c.points += points - e.held
	if e.held = points; c.points <= c.most {
		return
	}
	var idle []*entry
	for _, e := range c.entries {
		if e.users == 0 { // so nobody holds or waits for its lock
			idle = append(idle, e)
		}
	}
	slices.SortFunc(idle, func(a, b *entry) int { return cmp.Compare(a.used, b.used) })
	for _, e := range idle {
		if c.points <= c.most {
			return
		}
		c.points -= e.held
		delete(c.entries, e.key)
		c.save(e)
	}
}

// save writes what an entry knows and its file does not.
func (c *Cache) save(e *entry) {
	if !e.dirty || !e.isStable {
		return
	}
	if err := c.files.save(e.final(c.Now.Add(-usual), c.Now.Add(-settled))); err != nil {
		c.errs = append(c.errs, err)
	}
	e.dirty = false
}

// Close writes what was read, and removes the files that were not used for the longest time if
// there is too much. Nobody may read any more. An error says that something was not kept; it will
// be read again.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.save(e)
	}
	if len(c.errs) > 1 {
		c.errs = c.errs[:1] // they are all of one folder
	}
	return errors.Join(append(c.errs, c.files.evict(c.Now))...)
}
