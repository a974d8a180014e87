package model

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/lease"
)

const (
	step   = time.Second
	length = 2 * step
)

// world is one state of the model.
type world struct {
	rules    rules
	now      time.Time
	table    *table
	lanes    map[string]lane
	replicas map[string]*replica
	commits  []commit // on their way to the store
	told     Told
}

// Told are functions that are told what table and store do. Each may be nil.
type Told struct {
	Renewed   func(now time.Time, r lease.Request, s lease.Standing)
	Committed func(c Commit, err error) // alert.ErrFenced, alert.ErrConflict, or nil: it is there
}

// Commit is a lane's tick that came to the store: the one after Prev.
type Commit struct {
	Lane  string
	Fence int64
	Prev  int
}

// rules are what can be broken on purpose, to see that the search notices.
type rules struct {
	sameFence     bool // taking a lease does not raise its fence
	fromReceiving bool // leases are thought to last from when the answer came
	unfenced      bool // the store looks at the cursor alone
}

// lane is what the store has of a lane: how far it is, and under which fence that was written.
type lane struct {
	cursor int
	fence  int64
}

// replica is a process. Its workers are the lanes that it works on.
type replica struct {
	name    string
	state   string // "new", "up" or "dead"
	ledger  lease.Ledger
	workers map[string]worker
	asked   *asked // a request under way
}

type asked struct {
	lease.Request
	sent     time.Time
	standing *lease.Standing // once the table has carried it out
}

// worker writes a lane from where it loaded it.
type worker struct {
	fence   int64
	cursor  int
	sending bool // the tick after cursor was sent, and not answered yet
}

// commit asks the store to take a lane from a tick to the next one.
type commit struct {
	replica, lane string
	fence         int64
	prev          int
}

func newWorld(rules rules, leases ...string) *world {
	w := &world{rules: rules, now: time.Unix(1000, 0), table: newTable(rules, leases...), lanes: map[string]lane{}, replicas: map[string]*replica{}}
	for _, name := range leases {
		w.lanes[name] = lane{}
	}
	for _, name := range []string{"a", "b"} {
		w.replicas[name] = &replica{name: name, state: "new", ledger: lease.Ledger{Replica: name, TTL: length}, workers: map[string]worker{}}
	}
	return w
}

func (w *world) clone() *world {
	c := *w
	c.table, c.lanes, c.commits = w.table.clone(), maps.Clone(w.lanes), slices.Clone(w.commits)
	c.replicas = map[string]*replica{}
	for name, r := range w.replicas {
		d := *r
		d.workers = maps.Clone(r.workers)
		if r.asked != nil {
			a := *r.asked
			d.asked = &a
		}
		c.replicas[name] = &d
	}
	return &c
}

// moves returns what may happen next, by what it is.
func (w *world) moves() map[string]func(*world) {
	all := map[string]func(*world){"time passes": func(w *world) { w.now = w.now.Add(step) }}
	for name, r := range w.replicas {
		add := func(what string, do func(*world, *replica)) {
			all[name+" "+what] = func(w *world) { do(w, w.replicas[name]) }
		}
		if r.state == "new" {
			add("starts", func(_ *world, r *replica) { r.state = "up" })
		}
		if r.state != "up" {
			continue
		}
		if !w.isDead("a") && !w.isDead("b") { // without replicas nothing happens
			add("dies", func(_ *world, r *replica) { r.state, r.asked, r.workers = "dead", nil, nil })
		}
		switch {
		case r.asked == nil:
			add("asks", (*world).ask)
		case r.asked.standing == nil:
			add("is heard", (*world).hear)
			add("is not heard", func(_ *world, r *replica) { r.asked = nil })
		default:
			add("gets the answer", (*world).answer)
			add("gets no answer", func(_ *world, r *replica) { r.asked = nil })
		}
		if !r.follows() {
			add("follows its claims", (*world).follow)
		}
		for lane, k := range r.workers {
			if lane != lease.Publishing && !k.sending && !w.isCommitting(name) {
				add("commits to "+lane, func(w *world, r *replica) { w.send(r, lane) })
			}
		}
	}
	for i, c := range w.commits {
		about := fmt.Sprintf("the commit of %s to %s, %d, ", c.replica, c.lane, i)
		all[about+"arrives"] = func(w *world) { w.arrive(i, true) }
		all[about+"arrives, but its answer does not"] = func(w *world) { w.arrive(i, false) }
		all[about+"is lost"] = func(w *world) { w.forget(i) }
	}
	return all
}

func (w *world) isDead(name string) bool { return w.replicas[name].state == "dead" }

// isCommitting reports whether a commit of a replica is on its way: it makes one after the other.
func (w *world) isCommitting(name string) bool {
	return slices.ContainsFunc(w.commits, func(c commit) bool { return c.replica == name })
}

func (w *world) ask(r *replica) {
	r.asked = &asked{Request: r.ledger.Next(), sent: w.now}
}

// hear has the table carry out a replica's request.
func (w *world) hear(r *replica) {
	s := w.table.renew(w.now, r.asked.Request)
	r.asked.standing = &s
	if w.told.Renewed != nil {
		w.told.Renewed(w.now, r.asked.Request, s)
	}
}

func (w *world) answer(r *replica) {
	sent := r.asked.sent
	if w.rules.fromReceiving {
		sent = w.now
	}
	r.ledger.Note(*r.asked.standing, sent)
	r.asked = nil
}

// follow stops the workers of leases that are no longer claimed, and then loads the new ones.
func (w *world) follow(r *replica) {
	for name, k := range r.workers {
		if r.ledger.Claims[name] != k.fence {
			delete(r.workers, name)
		}
	}
	for name, fence := range r.ledger.Claims {
		if _, works := r.workers[name]; !works {
			r.workers[name] = worker{fence: fence, cursor: w.lanes[name].cursor}
		}
	}
}

// follows reports whether a replica's workers are those that its claims allow.
func (r *replica) follows() bool {
	for name, k := range r.workers {
		if r.ledger.Claims[name] != k.fence {
			return false
		}
	}
	return len(r.workers) == len(r.ledger.Claims)
}

func (w *world) send(r *replica, lane string) {
	k := r.workers[lane]
	k.sending = true
	r.workers[lane] = k
	w.commits = append(w.commits, commit{r.name, lane, k.fence, k.cursor})
}

// forget loses a commit; the worker, if it still waits, sends it again.
func (w *world) forget(i int) {
	c := w.commits[i]
	w.commits = slices.Delete(w.commits, i, i+1)
	if r := w.replicas[c.replica]; r.workers[c.lane].fence == c.fence && r.workers[c.lane].cursor == c.prev {
		k := r.workers[c.lane]
		k.sending = false
		r.workers[c.lane] = k
	}
}

// arrive has the store carry out a commit, as alert.Store says.
func (w *world) arrive(i int, answered bool) {
	c := w.commits[i]
	l := w.lanes[c.lane]
	fenced := w.table.leases[c.lane].fence != c.fence && !w.rules.unfenced
	written := l.cursor == c.prev+1 && l.fence == c.fence
	if !fenced && !written && l.cursor == c.prev {
		w.lanes[c.lane] = lane{c.prev + 1, c.fence}
		written = true
	}
	w.forget(i)
	if w.told.Committed != nil {
		w.told.Committed(Commit{c.lane, c.fence, c.prev}, outcome(fenced, written))
	}
	r := w.replicas[c.replica]
	k, works := r.workers[c.lane]
	if !answered || !works || k.fence != c.fence || k.cursor != c.prev {
		return
	}
	switch {
	case fenced:
		delete(r.workers, c.lane)
		r.ledger.Lose(lease.Lease{Name: c.lane, Fence: c.fence})
	case written:
		k.cursor++
		r.workers[c.lane] = k
	default:
		panic(fmt.Sprintf("%s may write %s, but is at %d where the store is at %d", r.name, c.lane, c.prev, l.cursor))
	}
}

func outcome(fenced, written bool) error {
	switch {
	case fenced:
		return alert.ErrFenced
	case written:
		return nil
	}
	return alert.ErrConflict
}

// wrong returns what must not be, or nothing.
func (w *world) wrong() string {
	var publishing, writing []string
	for name, r := range w.replicas {
		k, works := r.workers[lease.Publishing]
		if works && r.ledger.Claims[lease.Publishing] == k.fence && r.ledger.Lasts(w.now) {
			publishing = append(publishing, name)
		}
		for lane, k := range r.workers {
			if lane != lease.Publishing && w.table.leases[lane].fence == k.fence {
				writing = append(writing, lane)
			}
		}
	}
	slices.Sort(writing)
	switch {
	case len(publishing) > 1:
		return "two replicas publish"
	case len(slices.Compact(slices.Clone(writing))) < len(writing):
		return "two replicas may write a lane"
	}
	return ""
}
