package count

import "testing"

// TestCandidatesAreFew has a job of many targets that started together and count alike: a new one
// is compared with few of them.
func TestCandidatesAreFew(t *testing.T) {
	counts := identity{name: "all"}
	started := func() *target {
		c := &counter{identity: counts, kept: []Sample{{At: 60_000, Value: 5}}}
		return &target{
			timeline: timeline{scrapes: []int64{60_000}, starts: []Sample{{At: 60_000, Value: 7}}},
			counters: []*counter{c}, known: map[identity]*counter{counts: c},
		}
	}
	var all []*target
	for range 1000 {
		all = append(all, started())
	}
	p, began := newPast(all, 60_001), started()
	if n := len(p.atPlace(began)); n != 200 {
		t.Errorf("%d at its place, want 200", n)
	}
	if n := len(p.like(began)); n != 400 {
		t.Errorf("%d like it, want 200 that started when it did and 200 that count as much", n)
	}
	if n := len(newPast(all, 60_000).like(began)); n != 0 {
		t.Errorf("%d like it among those that are still scraped when it begins", n)
	}
	if few := newPast(all[:3], 60_001); len(few.atPlace(began)) != 3 || len(few.like(began)) != 6 {
		t.Errorf("%d and %d of three targets, want each once, and once more", len(few.atPlace(began)), len(few.like(began)))
	}
}
