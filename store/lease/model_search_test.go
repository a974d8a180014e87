package lease

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// search goes through the states that can be reached, the nearest first, until `most` of them are
// seen. It returns how many that were, and the shortest way to one that is wrong.
func search(start *world, most int) (states int, way []string) {
	seen, settled := map[string]bool{start.key(): true}, settling{}
	queue := []*found{{world: start}}
	for ; len(queue) > 0 && len(seen) < most; queue = queue[1:] {
		moves := queue[0].moves()
		for _, name := range slices.Sorted(maps.Keys(moves)) {
			n := &found{queue[0].clone(), queue[0], name}
			problem := try(n.world, moves[name])
			if key := n.key(); problem == "" && !seen[key] {
				seen[key] = true
				queue = append(queue, n)
				problem = cmp.Or(n.wrong(), try(n.world, func(w *world) { settled.of(w, patience) }))
			}
			if problem != "" {
				return len(seen), n.way(problem)
			}
		}
	}
	return len(seen), nil
}

// found is a state, and the way to it.
type found struct {
	*world
	before *found
	move   string
}

func (f *found) way(problem string) []string {
	way := []string{problem}
	for ; f.before != nil; f = f.before {
		way = append(way, f.move)
	}
	slices.Reverse(way)
	return way
}

// try makes a move, and returns what it panics with.
func try(w *world, move func(*world)) (problem string) {
	defer func() {
		if r := recover(); r != nil {
			problem = fmt.Sprint(r)
		}
	}()
	move(w)
	return ""
}

var states = flag.Int("states", 20_000, "how many states of the model to look at; 0: all")

// models are what the model is made of: the leases that there are.
var models = map[string][]string{"a lane": {"00"}, "publishing": {Publishing}}

func TestModel(t *testing.T) {
	for name, leases := range models {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, way := search(newWorld(rules{}, leases...), cmp.Or(*states, math.MaxInt))
			if t.Logf("%d states", seen); way != nil {
				t.Errorf("after:\n\t%s", strings.Join(way, "\n\t"))
			}
		})
	}
}

// TestModelNotices breaks what replicas rely on.
func TestModelNotices(t *testing.T) {
	for name, c := range map[string]struct {
		lease string
		rules rules
		want  string
	}{
		"a lease taken under its old fence":            {"00", rules{sameFence: true}, "two replicas may write a lane"},
		"a store that looks at cursors alone":          {"00", rules{unfenced: true}, "may write"},
		"a lease that lasts from when its answer came": {Publishing, rules{fromReceiving: true}, "two replicas publish"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, way := search(newWorld(c.rules, c.lease), 200_000)
			if way == nil || !strings.Contains(way[len(way)-1], c.want) {
				t.Errorf("found in %d states: %q, want %q", seen, way, c.want)
			}
			t.Logf("after:\n\t%s", strings.Join(way, "\n\t"))
		})
	}
}

// patience is how many steps it may take, once nothing goes wrong any more, until all is as it
// should be: two until a dead replica's leases are over, and some to move lanes.
const patience = 8

// settling knows how many steps states need until all is as it should be.
type settling map[string]int

// of goes on from a state with nothing going wrong, and returns after how many steps all is as it
// should be. It panics with what is not if that takes too long, or if it does not stay so.
func (s settling) of(w *world, most int) (steps int) {
	key := w.key()
	if steps, known := s[key]; known {
		return steps
	}
	problem := w.unsettled()
	next := w.clone()
	next.goOn()
	switch {
	case problem == "" && next.unsettled() != "":
		panic("it does not stay so: " + next.unsettled())
	case problem != "" && most == 0:
		panic(problem)
	case problem != "":
		steps = 1 + s.of(next, most-1)
	}
	s[key] = steps
	return steps
}

// goOn lets a step pass in which nothing goes wrong.
func (w *world) goOn() {
	for _, name := range []string{"a", "b"} {
		r := w.replicas[name]
		if r.state == "dead" {
			continue
		}
		r.state = "up"
		if r.asked != nil && r.asked.standing == nil {
			w.hear(r)
		}
		if r.asked != nil {
			w.answer(r)
		}
		w.ask(r)
		w.hear(r)
		w.answer(r)
		w.follow(r)
		for lane := range r.workers {
			if lane != Publishing && !r.workers[lane].sending {
				w.send(r, lane)
			}
		}
		for len(w.commits) > 0 {
			w.arrive(0, true)
		}
	}
	w.now = w.now.Add(step)
}

// unsettled returns which lease is not worked on, or how lanes are spread unevenly.
func (w *world) unsettled() string {
	var up []string
	for name, r := range w.replicas {
		switch r.state {
		case "up":
			up = append(up, name)
		case "new":
			return name + " has not started"
		}
	}
	if len(up) == 0 {
		return ""
	}
	shares := map[string]int{}
	for name, l := range w.table.leases {
		r := w.replicas[l.holder]
		if r == nil || r.state != "up" || r.workers[name].fence != l.fence || r.ledger.claims[name] != l.fence {
			return name + " is worked on by nobody"
		}
		if name != Publishing {
			shares[l.holder]++
		}
	}
	least, most := len(w.table.leases), 0
	for _, name := range up {
		least, most = min(least, shares[name]), max(most, shares[name])
	}
	if most-least > 1 {
		return fmt.Sprintf("lanes are spread unevenly: %v", shares)
	}
	return ""
}
