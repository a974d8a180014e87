package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestTargetPercent(t *testing.T) {
	const MiB = 1 << 20
	for name, c := range map[string]struct {
		live, allocated uint64
		since           time.Duration
		want            int
	}{
		"little is allocated":    {live: 5 * MiB, allocated: MiB, since: 10 * time.Second, want: 15},
		"some":                   {live: 5 * MiB, allocated: 2 * MiB, since: 100 * time.Millisecond, want: 40},
		"much":                   {live: 5 * MiB, allocated: MiB, since: 2 * time.Millisecond, want: 80},
		"much, of more":          {live: 100 * MiB, allocated: 30 * MiB, since: 20 * time.Millisecond, want: 15},
		"a heap of middle size":  {live: 320 * MiB, allocated: 30 * MiB, since: 10 * time.Second, want: 32},
		"a large one":            {live: 500 * MiB, allocated: 30 * MiB, since: 20 * time.Millisecond, want: 32},
		"a very large one":       {live: 2000 * MiB, allocated: 30 * MiB, since: 20 * time.Millisecond, want: 15},
		"nothing is known yet":   {allocated: MiB, since: time.Second, want: 15},
		"the clock stands still": {live: 5 * MiB, allocated: MiB, want: 15},
	} {
		t.Run(name, func(t *testing.T) {
			if got := targetPercent(c.live, c.allocated, c.since); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

var garbage []byte

// TestCollectorFollowsGarbage allocates until the collector lets the heap grow further, and waits
// until it takes that back.
func TestCollectorFollowsGarbage(t *testing.T) {
	percent := func() int {
		read := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(read)
		return int(read[0].Value.Uint64())
	}
	before := percent()
	t.Cleanup(func() { debug.SetGCPercent(before) })
	new(collector).run(t.Context())
	if got := percent(); got != leastPercent {
		t.Fatalf("it begins with %d %%, want %d", got, leastPercent)
	}
	allocate := func() { garbage = make([]byte, 64<<10) }
	for end := time.Now().Add(20 * time.Second); percent() <= 2*leastPercent; allocate() {
		if time.Now().After(end) {
			t.Fatalf("under garbage it is at %d %%", percent())
		}
	}
	for range 4000 {
		allocate()
	}
	for rounds := 0; percent() != leastPercent; rounds++ {
		if rounds == 5 {
			t.Fatalf("idle again, it is at %d %%", percent())
		}
		time.Sleep(2 * collectEvery)
		runtime.GC()
	}
}
