package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/store/lease"
)

// key is the same for states that differ only in what can't matter.
func (w *world) key() string {
	var b strings.Builder
	left := func(t time.Time) time.Duration { return min(max(t.Sub(w.now), 0), length+step) }
	_, publishing := w.table.leases[lease.Publishing] // how long a replica believes in its leases matters to that alone
	ranks := w.fences()
	behind := func(lane string, cursor int) int { return min(w.lanes[lane].cursor-cursor, 2) } // two is as far as many
	rank := func(name string, fence int64) int { return slices.Index(ranks[name], fence) }
	for _, name := range slices.Sorted(maps.Keys(w.table.leases)) {
		l := w.table.leases[name]
		fmt.Fprintf(&b, "%s:%s %d %d %d;", name, l.holder, rank(name, l.fence), left(l.until)/step, rank(name, w.lanes[name].fence))
	}
	for _, name := range slices.Sorted(maps.Keys(w.table.alive)) {
		fmt.Fprintf(&b, "%s %d;", name, left(w.table.alive[name])/step)
	}
	for _, c := range w.commits {
		fmt.Fprintf(&b, "%s>%s %d %d;", c.replica, c.lane, rank(c.lane, c.fence), behind(c.lane, c.prev))
	}
	for _, name := range slices.Sorted(maps.Keys(w.replicas)) {
		r := w.replicas[name]
		fmt.Fprintf(&b, "|%s %s", name, r.state)
		if r.state != "up" {
			continue
		}
		next := r.ledger.Next()
		fmt.Fprintf(&b, " %v", next.Take)
		if publishing {
			fmt.Fprintf(&b, " %d", left(r.ledger.Until)/step)
		}
		for _, name := range slices.Sorted(maps.Keys(w.table.leases)) {
			if k, works := r.workers[name]; works {
				fmt.Fprintf(&b, " w%s %d %d %v", name, rank(name, k.fence), behind(name, k.cursor), k.sending)
			}
			if fence, claimed := r.ledger.Claims[name]; claimed {
				fmt.Fprintf(&b, " c%s %d", name, rank(name, fence))
			}
		}
		for _, gone := range next.Release {
			fmt.Fprintf(&b, " l%s %d", gone.Name, rank(gone.Name, gone.Fence))
		}
		if r.asked != nil {
			fmt.Fprintf(&b, " asked %v", r.asked.Take)
			if publishing {
				fmt.Fprintf(&b, " %d", min(w.now.Sub(r.asked.sent), length)/step)
			}
			for _, gone := range r.asked.Release {
				fmt.Fprintf(&b, " r%s %d", gone.Name, rank(gone.Name, gone.Fence))
			}
			if s := r.asked.standing; s != nil {
				fmt.Fprintf(&b, " %v", s.Replicas)
				for _, h := range s.Leases {
					fmt.Fprintf(&b, " s%s %s %d", h.Name, h.Holder, rank(h.Name, h.Fence))
				}
			}
		}
	}
	return b.String()
}

// fences returns all fences that there are of each lease, in order.
func (w *world) fences() map[string][]int64 {
	ranks := map[string][]int64{}
	note := func(name string, fence int64) { ranks[name] = append(ranks[name], fence) }
	for name, l := range w.table.leases {
		note(name, l.fence)
		note(name, w.lanes[name].fence)
	}
	for _, c := range w.commits {
		note(c.lane, c.fence)
	}
	for _, r := range w.replicas {
		for name, k := range r.workers {
			note(name, k.fence)
		}
		for name, fence := range r.ledger.Claims {
			note(name, fence)
		}
		for _, gone := range r.ledger.Next().Release {
			note(gone.Name, gone.Fence)
		}
		if r.asked != nil {
			for _, gone := range r.asked.Release {
				note(gone.Name, gone.Fence)
			}
			if r.asked.standing != nil {
				for _, h := range r.asked.standing.Leases {
					note(h.Name, h.Fence)
				}
			}
		}
	}
	for name, fences := range ranks {
		slices.Sort(fences)
		ranks[name] = slices.Compact(fences)
	}
	return ranks
}
