//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// A missed target is a breach of its own: it begins after the burn does, and lasts until the errors have left the objective's window.
func TestBudget(t *testing.T) {
	t.Parallel()
	const window = time.Minute
	s := newStage(t, slos("1m", "budget: true"))
	s.start()
	f := s.breakDown()
	f.until(6 * time.Second)
	s.repair(f)
	byKind := map[alert.Kind]web.Incident{}
	await(t, window+60*time.Second, "both incidents to be over", func() error {
		all, err := s.postburn.incidents()
		if err != nil {
			return err
		}
		if len(all) > 2 {
			t.Fatalf("%d incidents for one fault: %+v", len(all), all)
		}
		for _, i := range all {
			if len(i.Windows) != 1 || i.State != "recovered" {
				return fmt.Errorf("incidents are %+v", all)
			}
			byKind[i.Windows[0].Kind] = i
		}
		if len(byKind) != 2 {
			return fmt.Errorf("incidents are %+v", all)
		}
		return nil
	})
	s.verifyNumbers(byKind[alert.Burn], f)
	budget := byKind[alert.Budget].Windows[0]
	if left := f.off.Add(window); budget.Ended.Sub(left).Abs() > 2*tick {
		t.Errorf("the target is met again at %s, but the last error left the window at %s", budget.Ended, left)
	}
	if budget.Rule != nil || len(budget.Phases) != 0 {
		t.Errorf("a missed target has neither a rule nor phases: %+v", budget)
	}
	if all := s.postburn.postMortems(); len(all) != 2 {
		t.Errorf("%d post-mortems for two incidents", len(all))
	}
	s.verifyReplay()
}
