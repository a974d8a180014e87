package storetest

import (
	"errors"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

var sharedCases = map[string]func(a, b *fixture){
	"what one commits the other sees": func(a, b *fixture) {
		a.acquire()
		batches := withState(a.chain("a", 0, 4), "s", "h", 2)
		batches[0].Roster = []byte("r")
		batches[3].Incidents = []alert.Incident{incident("i", 1, 1, 0)}
		a.commit(batches...)
		p := publication("i", 1, issue.Posted, issue.Sending)
		a.save(p)
		b.same("recovery", a.load("a"), b.load("a"))
		b.same("incidents", a.since(time.Time{}), b.since(time.Time{}))
		b.published("i", &p)
		b.behind(nil, []string{"i"})
	},
	"the one that acquired last is the writer": func(a, b *fixture) {
		a.acquire()
		a.commit(a.batch("a", 0, 1))
		b.acquire()
		a.refused(alert.ErrFenced, a.batch("a", 1, 2))
		a.refused(alert.ErrFenced, a.batch("a", 0, 1))
		b.commit(b.batch("a", 1, 2))
		a.refused(alert.ErrFenced, a.batch("a", 2, 3))
		a.acquire()
		a.commit(a.batch("a", 2, 3))
		b.refused(alert.ErrFenced, b.batch("a", 3, 4))
		b.ticks("a", 1, 3)
	},
	"the one that was taken over saves no publication": func(a, b *fixture) {
		a.acquire()
		a.save(publication("i", 1))
		b.acquire()
		want := publication("i", 2, issue.Sending)
		b.save(want)
		if err := a.Save(a.Context(), publication("i", 1)); !errors.Is(err, alert.ErrFenced) {
			a.Errorf("got %v", err)
		}
		b.published("i", &want)
	},
	"the one that was taken over drops no incident": func(a, b *fixture) {
		a.commitIncidents(incident("i", 1, 1, 2))
		a.save(publication("i", 1, issue.Posted))
		b.acquire()
		if _, err := a.DropIncidents(a.Context(), tick(9), 1); !errors.Is(err, alert.ErrFenced) {
			a.Errorf("got %v", err)
		}
		b.drop(9, 10, 1)
	},
}
