package count

import (
	"flag"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

var (
	worlds = flag.Int("worlds", 400, "how many random worlds to count")
	seed   = flag.Uint64("seed", 1, "the seed of the first one")
)

// doubtful are the caveats that say how many events may be counted wrongly.
var doubtful = []slo.CaveatKind{slo.Dip, slo.Restart, slo.Returned, slo.Baseline, slo.NewTarget, slo.Uncountable}

// TestRandomWorlds counts worlds tick by tick as the daemon does. It must count what the scrapes
// have shown; if nobody can tell, it is off by no more than the caveats say.
func TestRandomWorlds(t *testing.T) {
	t.Logf("seeds %d to %d", *seed, *seed+uint64(*worlds)-1)
	exact := 0
	for n := range uint64(*worlds) {
		s := newSimulation(*seed + n)
		isExact := true
		for _, interval := range []time.Duration{30 * time.Second, 5 * time.Minute} {
			if s.traits.ttl == 1 && interval > time.Minute {
				continue // a series that is deleted, and there again, within one tick is not seen to be
			}
			from := time.UnixMilli(s.from).UTC()
			to := from.Add(time.UnixMilli(s.to).Sub(from).Truncate(5 * time.Minute))
			s.from, s.to = from.UnixMilli(), to.UnixMilli()
			got := s.rec.count(from, to, interval, nil)
			all, bad := s.shownUntil(to.UnixMilli())
			allowed := 0.0
			for _, kind := range doubtful {
				allowed += got.caveats[string(kind)]
			}
			isExact = isExact && got.all == all && got.bad == bad
			if max(math.Abs(got.all-all), math.Abs(got.bad-bad)) > allowed+1e-6 {
				t.Errorf("seed %d, ticks of %v: counted %v and %v bad, the scrapes show %v and %v; caveats %v\n%+v\n%s",
					*seed+n, interval, got.all, got.bad, all, bad, got.caveats, s.traits, strings.Join(s.log, "\n"))
			}
		}
		if isExact {
			exact++
		}
	}
	t.Logf("%d of %d are exact", exact, *worlds)
}
