package web

import (
	"context"
	"errors"
	"sync"
	"time"
)

// makingTimeout is how long making a value of a memo may take.
const makingTimeout = 30 * time.Second

// errCutShort means that making a value panicked.
var errCutShort = errors.New("making it was cut short")

// memo remembers what is costly to make, so that a hundred readers cost as much as one: what
// several ask for at once is made once. Errors are not remembered.
type memo[K comparable, V any] struct {
	fresh time.Duration // how long a value serves
	stale time.Duration // how long an older one serves while a new one is made; 0: not at all
	most  int           // values at a time; more are made, and not kept
	size  func(V) int   // of a value; nil: none counts
	room  int           // how large all values may be together

	mu   sync.Mutex
	kept map[K]*made[V]
}

// made is a value that is there, or is being made.
type made[V any] struct {
	value V
	err   error
	at    time.Time     // when it was begun
	done  chan struct{} // is closed when value and err are there
	older *made[V]      // the value before, while this one is being made
}

// get returns the value of a key, and makes it if the one that is kept is too old. It returns ctx's
// error if ctx ends while another caller makes it. The caller that makes a value goes on to the
// end, for those who wait.
func (m *memo[K, V]) get(ctx context.Context, key K, produce func(ctx context.Context) (V, error)) (V, error) {
	found, mine := m.find(key, time.Now())
	if mine {
		m.fill(ctx, key, found, produce)
	}
	select {
	case <-found.done:
		return found.value, found.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// find returns the value of a key, or the one before that may serve while it is being made. If mine
// is true, the caller makes it.
func (m *memo[K, V]) find(key K, now time.Time) (found *made[V], mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.kept[key]
	switch {
	case last == nil:
	case last.older != nil && now.Sub(last.older.at) < m.stale:
		return last.older, false
	case now.Sub(last.at) < m.fresh || !last.isDone():
		return last, false
	}
	found = &made[V]{at: now, done: make(chan struct{}), err: errCutShort, older: last}
	if m.makeRoom(key, now) {
		m.kept[key] = found
	}
	return found, true
}

func (m *made[V]) isDone() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// makeRoom reports whether there is room for a key's value, without those that no longer serve.
func (m *memo[K, V]) makeRoom(key K, now time.Time) bool {
	if m.kept == nil {
		m.kept = map[K]*made[V]{}
	}
	if _, is := m.kept[key]; is || len(m.kept) < m.most {
		return true
	}
	m.dropOld(now)
	return len(m.kept) < m.most
}

// dropOld forgets what no longer serves.
func (m *memo[K, V]) dropOld(now time.Time) {
	for k, old := range m.kept {
		if now.Sub(old.at) >= max(m.fresh, m.stale) && old.isDone() {
			delete(m.kept, k)
		}
	}
}

// fits reports whether all values that still serve have room beside a new one.
func (m *memo[K, V]) fits(value V) bool {
	if m.size == nil {
		return true
	}
	m.dropOld(time.Now())
	left := m.room - m.size(value)
	for _, other := range m.kept {
		if other.isDone() {
			left -= m.size(other.value)
		}
	}
	return left >= 0
}

// fill makes a value. It is forgotten if that fails, and the one before is back.
func (m *memo[K, V]) fill(ctx context.Context, key K, found *made[V], produce func(ctx context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makingTimeout)
	defer cancel()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		older := found.older
		found.older = nil
		switch {
		case m.kept[key] != found || found.err == nil && m.fits(found.value):
		case older == nil:
			delete(m.kept, key)
		default:
			m.kept[key] = older
		}
		close(found.done)
	}()
	found.value, found.err = produce(ctx)
}
