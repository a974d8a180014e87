package lease

import (
	"fmt"
	"testing"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		holds string // who holds the lanes 0, 1, …; "-" is nobody
		alive string
		want  string // of replica a: what it releases and takes, as in "-0 +1"
	}{
		{"alone", "---", "a", "+0 +1 +2"},
		{"even", "aabb", "ab", ""},
		{"the larger share stays", "aab", "ab", ""},
		{"the smaller share too", "abb", "ab", ""},
		{"too many", "aaaab", "ab", "-3"},
		{"too few, and none is free", "bbbb", "ab", ""},
		{"too few", "bb--", "ab", "+2 +3"},
		{"a free one for others", "aab-", "ab", ""},
		{"more replicas than lanes", "bc", "abc", ""},
		{"a new one among many", "bbbcccddd-", "abcd", "+9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Standing
			for _, r := range c.alive {
				s.Replicas = append(s.Replicas, string(r))
			}
			for i, holder := range c.holds {
				h := Held{Lease: Lease{Name: fmt.Sprint(i), Fence: 1}, Holder: string(holder)}
				if holder == '-' {
					h.Holder = ""
				}
				s.Leases = append(s.Leases, h)
			}
			release, take := plan("a", s)
			got := ""
			for _, l := range release {
				got += " -" + l.Name
			}
			for _, name := range take {
				got += " +" + name
			}
			if got != "" {
				got = got[1:]
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
