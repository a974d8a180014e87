package model

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/postburn/postburn/store/lease"
)

// Walk has things happen at random, `moves` of them, to replicas that share these leases. That
// drives another table, and another store, through what replicas do. In each walk some things are
// rare and others frequent.
func Walk(random *rand.Rand, moves int, leases []string, told Told) {
	w := newWorld(rules{}, leases...)
	w.told = told
	often := map[string]float64{}
	for range moves {
		all := w.moves()
		names := slices.Sorted(maps.Keys(all))
		sum := 0.0
		for _, name := range names {
			if often[name] == 0 {
				often[name] = math.Exp(random.NormFloat64())
				if strings.HasSuffix(name, "dies") {
					often[name] /= 100 // once is for ever
				}
			}
			sum += often[name]
		}
		at, next := random.Float64()*sum, ""
		for _, name := range names {
			if next = name; at < often[name] {
				break
			}
			at -= often[name]
		}
		all[next](w)
	}
}

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
			if lane != lease.Publishing && !r.workers[lane].sending {
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
		if r == nil || r.state != "up" || r.workers[name].fence != l.fence || r.ledger.Claims[name] != l.fence {
			return name + " is worked on by nobody"
		}
		if name != lease.Publishing {
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
