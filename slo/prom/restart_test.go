package prom

import (
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// TestClaim claims the same job of the same ticks twice: it is to be asked for again where the answer is not of the same moment any more, or
// has failed.
func TestClaim(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	for _, tc := range []struct {
		name     string
		interval time.Duration
		err      error
		again    bool
	}{
		{"at the same moment", time.Hour, nil, false},
		{"later", 1, nil, true},
		{"after an error", time.Hour, slo.ErrUnreachable, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &restarts{known: map[stretch]*answers{}}
			ticks := slo.Ticks{First: at, Last: at, Interval: tc.interval}
			first := s.claim(ticks, []string{"a"})
			if first.request == nil {
				t.Fatal("nobody asks")
			}
			first.mine["a"].err = tc.err
			close(first.mine["a"].done)
			if again := s.claim(ticks, []string{"a"}); (again.request != nil) != tc.again || len(again.all) != 1 {
				t.Errorf("asked again: %v, with %d answers", again.request != nil, len(again.all))
			}
			if len(s.known) != 1 {
				t.Errorf("%d stretches are known", len(s.known))
			}
			if other := s.claim(ticks, []string{"b"}); other.request == nil {
				t.Error("nobody asks about another job")
			}
		})
	}
}
