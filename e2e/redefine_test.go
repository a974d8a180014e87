//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestChangedTargetAndInterval tightens a target so that what failed before would have missed it,
// and then samples half as often. Neither opens anything, and what fails later does.
func TestChangedTargetAndInterval(t *testing.T) {
	t.Parallel()
	loose := strings.Replace(slos("4m", "budget: true"), "target: 99%", "target: 95%", 1)
	strict := strings.Replace(loose, "target: 95%", "target: 99.9%", 1)
	const change = "target 95 % → 99.9 %"
	s := newStage(t, loose)
	s.start()
	began := time.Now()
	s.shop.fail("0.04")
	await(t, patience, "some failures", func() error {
		o, err := s.postburn.objective()
		if err == nil && o.BadEvents < 0.4*rate {
			err = errNotYet
		}
		return err
	})
	s.shop.fail("0")
	s.postburn.ticksOn(3)
	s.noIncident(t)

	s.postburn.watch(strict)
	s.postburn.ticksOn(3)
	s.noIncident(t)
	if n := s.postburn.said("msg=\"redefined; what was before opens nothing\"", "slo=checkout", change); n != 1 {
		t.Errorf("the log says %d times from what to what the target was changed", n)
	}
	page, err := get(s.postburn.url + "/")
	if err != nil || !strings.Contains(string(page), change) {
		t.Errorf("the page does not say %q: %v\n%s", change, err, page)
	}
	o, err := s.postburn.objective()
	if err != nil || o.BudgetRemainingRatio >= 0 {
		t.Errorf("what failed before the change does not overspend the budget after it: %+v, %v", o, err)
	}

	s.postburn.stop(5 * time.Second)
	s.postburn.env = append(s.postburn.env, "POSTBURN_INTERVAL=2s")
	s.postburn.start()
	s.postburn.ticksOn(10)
	s.noIncident(t)
	if n := s.postburn.said("the interval was changed", "from=1s", "to=2s"); n != 1 {
		t.Errorf("the log says %d times that the interval was changed", n)
	}
	if o, err := s.postburn.objective(); err != nil || o.BadEvents != s.shop.count(began.Add(-tick), time.Now()).Failed {
		t.Errorf("the shop failed %v times; the objective is %+v, %v", s.shop.count(began.Add(-tick), time.Now()).Failed, o, err)
	}

	f := s.breakDown()
	s.awaitOpened()
	f.until(4 * time.Second)
	s.repair(f)
}
