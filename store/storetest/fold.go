package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
)

var acquireCases = map[string]func(*fixture){
	"each fence is higher than the one before": func(f *fixture) {
		var last int64
		for range 3 {
			if f.acquire(); f.fence <= last {
				f.Errorf("fence %d after %d", f.fence, last)
			}
			last = f.fence
		}
	},
	"a store that was not acquired takes no batch": func(f *fixture) {
		f.refused(alert.ErrFenced, f.batch("a", 0, 1))
		f.ticks("a", 0, 0)
	},
}

var loadCases = map[string]func(*fixture){
	"a lane that was never committed is the zero Recovery": func(f *fixture) {
		f.acquire()
		f.commit(f.batch("other", 0, 1))
		f.same("recovery", alert.Recovery{}, f.load("a"))
	},
	"rows come oldest first": func(f *fixture) {
		f.acquire()
		for n := range 20 {
			f.commit(f.batch("b", n, n+1), f.batch("a", n, n+1))
		}
		f.ticks("a", 1, 20)
	},
	"times come back to the nanosecond, in UTC": func(f *fixture) {
		f.acquire()
		at := time.Date(2026, 10, 25, 2, 30, 0, 123456789, time.FixedZone("CEST", 7200))
		f.commit(alert.Batch{Lane: "a", Fence: f.fence, Tick: at, Checkpoint: &alert.Checkpoint{State: []byte("s"), History: []byte("h")}})
		next := at.Add(time.Nanosecond)
		f.commit(alert.Batch{Lane: "a", Fence: f.fence, Prev: at, Tick: next})
		r := f.load("a")
		for _, got := range []struct {
			name      string
			want, got time.Time
		}{{"cursor", next, r.Cursor}, {"state", at, r.StateTick}, {"history", at, r.HistoryTick}, {"row", next, r.Rows[0].Tick}} {
			if !got.got.Equal(got.want) || got.got.Location() != time.UTC {
				f.Errorf("%s: got %v, want %v", got.name, got.got, got.want.UTC())
			}
		}
	},
	"the Unix epoch is a time like any other": func(f *fixture) {
		f.acquire()
		before, epoch := time.Unix(-1, 0), time.Unix(0, 0)
		f.commit(alert.Batch{Lane: "a", Fence: f.fence, Tick: epoch, Samples: []byte("x")})
		f.same("recovery", alert.Recovery{Cursor: epoch.UTC(), Rows: []alert.Row{{Tick: epoch.UTC(), Samples: []byte("x")}}}, f.load("a"))
		f.refused(alert.ErrConflict, alert.Batch{Lane: "a", Fence: f.fence, Tick: time.Unix(30, 0)})
		f.commit(alert.Batch{Lane: "a", Fence: f.fence, Prev: epoch, Tick: time.Unix(30, 0)})
		f.commit(alert.Batch{Lane: "b", Fence: f.fence, Tick: before})
		f.commit(alert.Batch{Lane: "b", Fence: f.fence, Prev: before, Tick: epoch})
		f.same("ticks", []time.Time{before, epoch}, []time.Time{f.load("b").Rows[0].Tick, f.load("b").Rows[1].Tick})
	},
	"a tick without samples is a row": func(f *fixture) {
		f.acquire()
		none, empty := f.batch("a", 0, 1), f.batch("a", 1, 2)
		none.Samples, empty.Samples = nil, []byte{}
		f.commit(none, empty, f.batch("a", 2, 3))
		want := []alert.Row{{Tick: tick(1)}, {Tick: tick(2)}, {Tick: tick(3), Samples: samplesOf("a", tick(3))}}
		f.same("rows", want, f.load("a").Rows)
	},
	"any byte comes back": func(f *fixture) {
		f.acquire()
		b := f.batch("a", 0, 1)
		for n := range 1 << 20 {
			b.Samples = append(b.Samples, byte(n*7>>3))
		}
		b.Roster = []byte("\x00\xff'\"; -- ☃")
		f.commit(b)
		r := f.load("a")
		if !bytes.Equal(r.Rows[0].Samples, b.Samples) || !bytes.Equal(r.Roster, b.Roster) {
			f.Error("the samples or the roster came back other than they were")
		}
	},
}

var commitCases = map[string]func(*fixture){
	"no batches are no error": func(f *fixture) { f.commit() },
	"lanes advance on their own": func(f *fixture) {
		f.acquire()
		f.commit(f.batch("a", 0, 1), f.batch("b", 0, 5))
		f.commit(f.batch("b", 5, 6))
		f.ticks("a", 1, 1)
		f.same("cursor of b", tick(6), f.load("b").Cursor)
	},
	"a cursor elsewhere is a conflict": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 3)...)
		for name, b := range map[string]alert.Batch{
			"before":            f.batch("a", 2, 4),
			"after":             f.batch("a", 4, 5),
			"none":              f.batch("a", 0, 4),
			"of an unknown one": f.batch("unknown", 1, 2),
		} {
			if err := f.Commit(f.Context(), []alert.Batch{b}); !errors.Is(err, alert.ErrConflict) {
				f.Errorf("%s: got %v", name, err)
			}
		}
		f.ticks("a", 1, 3)
	},
	"one lane's conflict keeps all from being written": func(f *fixture) {
		f.acquire()
		f.commit(f.batch("b", 0, 1))
		first := f.batch("a", 0, 1)
		first.Incidents = []alert.Incident{incident("i", 1, 1, 0)}
		f.refused(alert.ErrConflict, first, f.batch("b", 0, 2), f.batch("c", 0, 1))
		f.ticks("a", 0, 0)
		f.ticks("b", 1, 1)
		f.same("incidents", []string(nil), ids(f.since(time.Time{})))
		f.ticks("c", 0, 0)
	},
	"a gap in a chain is a conflict": func(f *fixture) {
		f.acquire()
		f.refused(alert.ErrConflict, f.batch("a", 0, 1), f.batch("a", 2, 3))
		f.refused(alert.ErrConflict, f.batch("a", 0, 1), f.batch("a", 0, 1))
		f.ticks("a", 0, 0)
	},
	"a batch that does not go forward is an error": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 3)...)
		for _, b := range []alert.Batch{f.batch("a", 3, 3), f.batch("a", 3, 2), f.batch("b", 0, 0)} {
			if err := f.Commit(f.Context(), []alert.Batch{b}); err == nil {
				f.Errorf("from %s to %s: no error", b.Prev, b.Tick)
			}
		}
		f.ticks("a", 1, 3)
	},
	"another writer fences": func(f *fixture) {
		f.acquire()
		f.commit(f.batch("a", 0, 1))
		stale := f.batch("a", 1, 2)
		f.acquire()
		f.refused(alert.ErrFenced, stale)
		f.refused(alert.ErrFenced, f.batch("b", 0, 1), stale)
		var fenced *alert.FencedError
		if err := f.Commit(f.Context(), []alert.Batch{f.batch("b", 0, 1), stale}); !errors.As(err, &fenced) || !slices.Equal(fenced.Lanes, []string{"a"}) {
			f.Errorf("got %v, want one that names lane a", err)
		}
		f.ticks("a", 1, 1)
		f.ticks("b", 0, 0)
		f.commit(f.batch("a", 1, 2))
		f.ticks("a", 1, 2)
	},
	"fenced comes before conflict": func(f *fixture) {
		f.acquire()
		stale := f.batch("a", 7, 8)
		f.acquire()
		f.refused(alert.ErrFenced, stale)
	},
	"a thousand batches at once": func(f *fixture) {
		f.acquire()
		batches := f.chain("a", 0, 1000)
		f.commit(batches...)
		f.ticks("a", 1, 1000)
	},
	"two hundred lanes at once, in any order": func(f *fixture) {
		f.acquire()
		var batches []alert.Batch
		for n := range 3 {
			for lane := range 200 {
				batches = append(batches, f.batch(fmt.Sprint("lane ", (lane*77+n)%200), n, n+1))
			}
		}
		f.commit(batches...)
		for lane := range 200 {
			f.ticks(fmt.Sprint("lane ", lane), 1, 3)
		}
	},
	"a context that is over writes nothing": func(f *fixture) {
		f.acquire()
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		if err := f.Commit(ctx, f.chain("a", 0, 2)); !errors.Is(err, context.Canceled) {
			f.Errorf("got %v", err)
		}
		f.ticks("a", 0, 0)
		f.commit(f.chain("a", 0, 2)...)
		f.ticks("a", 1, 2)
	},
	"lanes may be committed and read by many goroutines": func(f *fixture) {
		f.acquire()
		var wg sync.WaitGroup
		for lane := range 8 {
			wg.Go(func() {
				name := fmt.Sprint(lane)
				for n := range 10 {
					if err := f.Commit(f.Context(), []alert.Batch{f.batch(name, n, n+1)}); err != nil {
						f.Errorf("committing: %v", err)
					}
					if r, err := f.Load(f.Context(), name); err != nil || !r.Cursor.Equal(tick(n+1)) {
						f.Errorf("loading after tick %d: %v, %v", n+1, r.Cursor, err)
					}
				}
			})
		}
		wg.Wait()
		for lane := range 8 {
			f.ticks(fmt.Sprint(lane), 1, 10)
		}
	},
}

var retryCases = map[string]func(*fixture){
	"a batch that is there is taken as written": func(f *fixture) {
		f.acquire()
		b := f.batch("a", 0, 1)
		b.Roster, b.Incidents = []byte("r"), []alert.Incident{incident("i", 1, 1, 0)}
		f.commit(b)
		f.commit(b)
		f.ticks("a", 1, 1)
		f.same("incidents", b.Incidents, f.since(time.Time{}))
	},
	"a chain that is there is taken as written": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 2)...)
		f.commit(f.chain("a", 2, 6)...)
		f.commit(f.chain("a", 2, 6)...)
		f.ticks("a", 1, 6)
	},
	"what is not there of a chain is written": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 3)...)
		f.commit(f.chain("a", 1, 5)...)
		f.ticks("a", 1, 5)
	},
	"lanes that are there and lanes that are not": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 2)...)
		f.commit(append(f.chain("a", 0, 2), f.chain("b", 0, 3)...)...)
		f.ticks("a", 1, 2)
		f.ticks("b", 1, 3)
	},
	"a chain that the cursor is past is a conflict": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 4)...)
		f.refused(alert.ErrConflict, f.chain("a", 0, 3)...)
		f.ticks("a", 1, 4)
	},
	"the same tick of an earlier writer is a conflict": func(f *fixture) {
		f.acquire()
		f.commit(f.batch("a", 0, 1))
		f.acquire()
		f.refused(alert.ErrConflict, f.batch("a", 0, 1))
		f.ticks("a", 1, 1)
	},
	"a retry does not undo what came later": func(f *fixture) {
		f.acquire()
		first, second := f.batch("a", 0, 1), f.batch("a", 1, 2)
		first.Checkpoint = &alert.Checkpoint{State: []byte("old")}
		second.Checkpoint = &alert.Checkpoint{State: []byte("new")}
		f.commit(first, second)
		f.commit(first, second)
		f.same("state", "new", string(f.load("a").State))
	},
}

// refused checks that the batches are not committed, with this error.
func (w *writer) refused(want error, batches ...alert.Batch) {
	w.Helper()
	if err := w.Commit(w.Context(), batches); !errors.Is(err, want) {
		w.Errorf("got error %v, want %v", err, want)
	}
}
