package lease

import (
	"cmp"
	"maps"
	"slices"
)

// plan returns which leases a replica should give up, and which free ones it should take. The
// numbers of lanes that replicas hold come to differ by at most one. Whoever has more keeps the
// larger share, so that few lanes move.
func plan(replica string, s Standing) (release []Lease, take []string) {
	held := map[string]int{}
	for _, r := range s.Replicas {
		held[r] = 0
	}
	var own []Lease
	var free []string
	lanes := 0
	for _, l := range s.Leases {
		if l.Name == Publishing {
			if l.Holder == "" {
				take = append(take, l.Name)
			}
			continue
		}
		lanes++
		switch l.Holder {
		case "":
			free = append(free, l.Name)
		case replica:
			own = append(own, l.Lease)
			fallthrough
		default:
			held[l.Holder]++
		}
	}
	order := slices.SortedFunc(maps.Keys(held), func(a, b string) int {
		return cmp.Or(cmp.Compare(held[b], held[a]), cmp.Compare(a, b))
	})
	share := lanes / len(order)
	if slices.Index(order, replica) < lanes%len(order) {
		share++
	}
	missing := min(max(share-len(own), 0), len(free))
	return own[min(share, len(own)):], append(take, free[:missing]...)
}
