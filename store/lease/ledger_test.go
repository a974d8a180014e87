package lease_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/postburn/postburn/store/lease"
)

// later returns what a machine's two clocks show some time after t, each by its own.
func later(t time.Time, wall, monotonic time.Duration) time.Time {
	t = t.Add(wall)
	clocks := (*struct {
		wall      uint64
		monotonic int64
		place     *time.Location
	})(unsafe.Pointer(&t)) // no function of package time moves one clock alone
	clocks.monotonic += int64(monotonic - wall)
	return t
}

// TestLasts has the two clocks of a machine disagree about how long ago leases were renewed.
func TestLasts(t *testing.T) {
	const ttl = 15 * time.Second
	for name, tc := range map[string]struct {
		wall, monotonic time.Duration // since the request was sent
		want            bool
	}{
		"just before the end":                    {ttl - 1, ttl - 1, true},
		"at the end":                             {ttl, ttl, false},
		"after a machine was suspended":          {time.Hour, time.Second, false},
		"after it was suspended for a moment":    {10 * time.Second, time.Second, true},
		"after the clock was set back":           {-time.Hour, ttl, false},
		"after the clock was set back, just now": {-time.Hour, ttl - 1, true},
		"after the clock was set forward":        {time.Hour, 2 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			sent := time.Now()
			now := later(sent, tc.wall, tc.monotonic)
			if wall, monotonic := now.Round(0).Sub(sent.Round(0)), now.Sub(sent); wall != tc.wall || monotonic != tc.monotonic {
				t.Fatalf("the clocks have moved by %s and %s: package time keeps them in another way now", wall, monotonic)
			}
			l := lease.Ledger{Replica: "a", TTL: ttl}
			if l.Lasts(sent) {
				t.Error("a ledger without an answer lasts")
			}
			l.Note(lease.Standing{Replicas: []string{"a"}}, sent)
			if got := l.Lasts(now); got != tc.want {
				t.Errorf("lasts: %t", got)
			}
		})
	}
}
