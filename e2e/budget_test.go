//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// A missed target is a breach of its own, and of the incident that the burn is of: it begins after
// the burn does, and lasts until the errors have left the objective's window.
func TestBudget(t *testing.T) {
	t.Parallel()
	const window = time.Minute
	s := newStage(t, slos("1m", "budget: true"))
	s.start()
	f := s.breakDown()
	f.until(6 * time.Second)
	s.repair(f)
	var incident web.Incident
	await(t, window+patience, "both breaches to be over", func() error {
		all, err := s.postburn.incidents()
		if err != nil {
			return err
		}
		if len(all) > 1 {
			t.Fatalf("%d incidents for one fault: %+v", len(all), all)
		}
		for _, i := range all {
			if len(i.Windows) != 2 || i.Windows[0].Ended == nil || i.Windows[1].Ended == nil {
				return fmt.Errorf("incidents are %+v", all)
			}
			incident = i
		}
		return nil
	})
	at := slices.IndexFunc(incident.Windows, func(w web.Window) bool { return w.Kind == alert.Budget })
	if at < 0 {
		t.Fatalf("no window of kind budget: %+v", incident)
	}
	budget, burn := incident.Windows[at], incident
	burn.Windows = []web.Window{incident.Windows[1-at]}
	s.verifyNumbers(burn, f)
	if burned := burn.Windows[0].Ended; !incident.Ended.Equal(*burned) {
		t.Errorf("the incident ended at %s, want the end of what spent the budget, %s", incident.Ended, burned)
	}
	if left := f.off.Add(window); budget.Ended.Sub(left).Abs() > 2*tick {
		t.Errorf("the target is met again at %s, but the last error left the window at %s", budget.Ended, left)
	}
	if budget.Rule != nil || len(budget.Phases) != 0 {
		t.Errorf("a missed target has neither a rule nor phases: %+v", budget)
	}
	if all := s.postburn.postMortems(); len(all) != 1 {
		t.Errorf("%d post-mortems for one incident", len(all))
	}
	s.verifyReplay()
}
