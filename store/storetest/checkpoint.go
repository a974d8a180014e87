package storetest

import "github.com/postburn/postburn/alert"

var checkpointCases = map[string]func(*fixture){
	"the newest roster is loaded": func(f *fixture) {
		f.acquire()
		batches := f.chain("a", 0, 5)
		batches[0].Roster, batches[2].Roster = []byte("first"), []byte("second")
		f.commit(batches[:2]...)
		f.same("roster", "first", string(f.load("a").Roster))
		f.commit(batches[2:]...)
		f.same("roster", "second", string(f.load("a").Roster))
	},
	"each lane has its own": func(f *fixture) {
		f.acquire()
		a, b := f.batch("a", 0, 1), f.batch("b", 0, 1)
		a.Roster, a.Checkpoint = []byte("roster a"), &alert.Checkpoint{State: []byte("state a"), History: []byte("history a")}
		b.Checkpoint = &alert.Checkpoint{State: []byte("state b")}
		f.commit(a, b)
		f.same("a", alert.Recovery{
			Cursor: tick(1), Roster: []byte("roster a"),
			State: []byte("state a"), StateTick: tick(1), History: []byte("history a"), HistoryTick: tick(1),
		}, f.load("a"))
		f.same("b", alert.Recovery{
			Cursor: tick(1), State: []byte("state b"), StateTick: tick(1),
			Rows: []alert.Row{{Tick: tick(1), Samples: b.Samples}},
		}, f.load("b"))
	},
	"without a history all rows are loaded": func(f *fixture) {
		f.acquire()
		f.commit(withState(f.chain("a", 0, 5), "s", "", 1, 3)...)
		f.recovered("s", 3, "", 0, 1, 5)
	},
	"with a history only the rows since are loaded": func(f *fixture) {
		f.acquire()
		f.commit(withState(f.chain("a", 0, 5), "s", "h", 3)...)
		f.recovered("s", 3, "h", 3, 4, 5)
	},
	"a later state leaves history and rows": func(f *fixture) {
		f.acquire()
		f.commit(withState(f.chain("a", 0, 3), "s", "h", 2)...)
		f.commit(withState(f.chain("a", 3, 8), "later", "", 5, 7)...)
		f.recovered("later", 7, "h", 2, 3, 8)
	},
	"a later history replaces the one before": func(f *fixture) {
		f.acquire()
		f.commit(withState(f.chain("a", 0, 3), "s", "h", 1, 2)...)
		f.commit(withState(f.chain("a", 3, 8), "later s", "later h", 4, 7)...)
		f.recovered("later s", 7, "later h", 7, 8, 8)
	},
	"a checkpoint at the cursor leaves no rows": func(f *fixture) {
		f.acquire()
		f.commit(withState(f.chain("a", 0, 300), "s", "h", 300)...)
		f.recovered("s", 300, "h", 300, 301, 300)
	},
	"rows that are needed survive however many go": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("a", 0, 500)...)
		f.commit(withState(f.chain("a", 500, 501), "s", "h", 501)...)
		f.recovered("s", 501, "h", 501, 502, 501)
		for n := 501; n < 540; n++ {
			f.commit(f.batch("a", n, n+1))
			f.recovered("s", 501, "h", 501, 502, n+1)
		}
	},
	"one lane's history leaves another lane's rows": func(f *fixture) {
		f.acquire()
		f.commit(f.chain("b", 0, 4)...)
		f.commit(withState(f.chain("a", 0, 4), "s", "h", 4)...)
		f.commit(f.batch("b", 4, 5))
		f.ticks("b", 1, 5)
	},
	"a history of no objectives is a history": func(f *fixture) {
		f.acquire()
		b := f.batch("a", 0, 1)
		b.Checkpoint = &alert.Checkpoint{State: []byte{}, History: []byte{}}
		f.commit(b)
		f.same("recovery", alert.Recovery{Cursor: tick(1), StateTick: tick(1), HistoryTick: tick(1)}, f.load("a"))
	},
}

// withState adds a checkpoint to the batches at these ticks, with a history unless that is empty.
func withState(batches []alert.Batch, state, history string, at ...int) []alert.Batch {
	for i := range batches {
		for _, n := range at {
			if !batches[i].Tick.Equal(tick(n)) {
				continue
			}
			batches[i].Checkpoint = &alert.Checkpoint{State: []byte(state)}
			if history != "" {
				batches[i].Checkpoint.History = []byte(history)
			}
		}
	}
	return batches
}

// recovered checks lane a's state, history and rows from..to; the last is its cursor.
func (w *writer) recovered(state string, stateTick int, history string, historyTick, from, to int) {
	w.Helper()
	want := alert.Recovery{
		Cursor: tick(to), State: []byte(state), StateTick: tick(stateTick), History: []byte(history), HistoryTick: tick(historyTick),
	}
	for n := from; n <= to; n++ {
		want.Rows = append(want.Rows, alert.Row{Tick: tick(n), Samples: samplesOf("a", tick(n))})
	}
	w.same("recovery", want, w.load("a"))
}
