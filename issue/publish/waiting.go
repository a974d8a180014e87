package publish

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// waits holds the publications with writes that the tracker has not taken yet. A pass counts them
// when it ends. While a pass is stuck, for example on a tracker that hangs, they are counted from
// the store, so that the metrics stay true.
type waits struct {
	mu      sync.Mutex
	since   map[string]time.Time // by key
	counted time.Time
	metrics *metrics
}

// count replaces what waits by the publications with these keys. New ones wait from that time on.
func (w *waits) count(keys map[string]bool, since, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.since, func(key string, _ time.Time) bool { return !keys[key] })
	for key := range keys {
		if _, known := w.since[key]; !known {
			w.since[key] = since
		}
	}
	w.counted = now
	w.metrics.show(w.since)
}

func (w *waits) lastCounted() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counted
}

// Waiting returns the publications that the tracker has not taken in full yet: since when, by key.
func (p *Publisher) Waiting() map[string]time.Time {
	p.waits.mu.Lock()
	defer p.waits.mu.Unlock()
	return maps.Clone(p.waits.since)
}

// countWaiting counts what waits from the store whenever no pass has ended for an interval, until
// ctx is done.
func (p *Publisher) countWaiting(ctx context.Context) {
	ticker := time.NewTicker(p.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		began := p.waits.lastCounted()
		if time.Since(began) < p.Interval {
			continue
		}
		keys, err := p.stored(ctx)
		if err == nil && p.waits.lastCounted().Equal(began) { // a pass that ended knows better
			now := time.Now()
			p.waits.count(keys, now, now)
		}
	}
}

// stored reads from the store the keys of publications that wait.
func (p *Publisher) stored(ctx context.Context) (map[string]bool, error) {
	now := time.Now()
	s, err := read(ctx, p.Store, now)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for _, i := range slices.Concat(s.over, s.fresh) {
		keys[i.ID] = true
	}
	for _, pub := range s.behind {
		j := s.resume(pub)
		if len(j.incidents) == 0 {
			continue
		}
		if j.plan(now); !j.pub.IsSettled() {
			keys[j.pub.Key] = true
		}
	}
	return keys, nil
}
