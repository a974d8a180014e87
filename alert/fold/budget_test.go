package fold_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// budgetOnly is an objective watched for its budget alone.
func budgetOnly(window slo.Window) alert.Definition {
	def := definition("checkout")
	def.Objective.Window, def.Policy.Rules = window, nil
	return def
}

// TestAnEstimateOpensNothing has the estimate for unwatched time shrink with the traffic, until
// earlier bad events are too many for it.
func TestAnEstimateOpensNothing(t *testing.T) {
	for name, window := range map[string]slo.Window{"rolling": {Rolling: 30 * day}, "calendar": {Calendar: "month"}} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, watch: fold.NewWatch(budgetOnly(window), "", interval, epoch, epoch), now: epoch}
			s.add(12*time.Hour, bad(1000, 28)) // 28 x 1440 bad events in a budget of about 86,400
			s.add(12*time.Hour, good(1000))
			s.add(2*day, good(1))
			if left := s.watch.Status().BudgetRemaining; left > 0 {
				t.Fatalf("the estimate has not shrunk enough to test anything: %v of the budget is left", left)
			}
			if len(s.events) > 0 {
				t.Fatalf("opened without a bad event: %+v", s.events[0])
			}
			s.add(interval, bad(1, 1))
			if w := s.only(alert.Budget); !w.Detected.Equal(s.now) || !w.IsOpen() {
				t.Errorf("want a window from the next bad event on, got %+v", w)
			}
		})
	}
}

// TestAnEstimateClosesNothing has traffic rise after the budget was overspent. The estimate rises
// with it, far more than the events seen.
func TestAnEstimateClosesNothing(t *testing.T) {
	s := &story{t: t, watch: fold.NewWatch(budgetOnly(slo.Window{Rolling: 30 * day}), "", interval, epoch, epoch), now: epoch}
	s.add(day, good(1000))
	s.add(45*time.Minute, bad(1000, 1000)) // 90,000 bad events
	w := s.only(alert.Budget)
	estimated := func(w alert.Window) float64 {
		i := slices.IndexFunc(w.Caveats, func(c slo.Caveat) bool { return c.Kind == slo.Estimated })
		if i < 0 {
			t.Fatalf("no caveat says that the budget is an estimate in part: %v", w.Caveats)
		}
		return w.Caveats[i].Events
	}
	if got, want := estimated(w), s.watch.Status().Estimated; math.Abs(got-want) > 1 {
		t.Errorf("the caveat is of %v events, %v are estimated", got, want)
	}
	s.add(time.Hour, good(20_000)) // 2.4 million events: at this rate the estimate would nearly double
	if got := s.watch.Status().BudgetRemaining; got < 0.2 {
		t.Fatalf("the estimate has not grown enough to test anything: %v of the budget is left", got)
	}
	if w := s.only(alert.Budget); !w.IsOpen() {
		t.Fatalf("closed at %s by an estimate", w.Ended)
	}
	state := s.watch.State()
	state.Budget.Estimated = 0 // as an older postburn has left it
	s.watch.Restore(state)
	s.add(2*time.Hour, good(50_000)) // 12 million: enough, with the estimate when it opened
	if w := s.only(alert.Budget); w.IsOpen() {
		t.Error("90,000 bad of more than 100 million events keep it open")
	}
}
