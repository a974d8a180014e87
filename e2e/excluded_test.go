//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/web"
)

// TestExcluded excludes an outage in its post-mortem's file, kills postburn, and takes it back.
// Each time the budget is that of a replay which is told the corrections by the API.
func TestExcluded(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	file := s.awaitOpened()
	f.until(lasting)
	s.repair(f)
	s.awaitRecovered()
	before, _ := s.objectiveAsOf()
	if before.BadEvents == 0 || before.BudgetRemainingRatio >= 1 {
		t.Fatalf("the outage spent nothing: %+v", before)
	}
	s.postburn.ticksOn(10) // until its text is complete
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(more string) {
		if err := os.WriteFile(file, append(append([]byte{}, content...), more...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("\npostburn:exclude by Ada\npostburn: a load test\n")
	excluded := time.Now()
	await(t, patience, "the outage to be left out", func() error {
		if o, err := s.postburn.objective(); err != nil || o.BadEvents > 0 {
			return fmt.Errorf("%v of %v events are bad: %w", o.BadEvents, o.TotalEvents, errNotYet)
		}
		return nil
	})
	if took := time.Since(excluded); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	s.verifyBudget()
	s.postburn.kill()
	s.postburn.start()
	s.verifyBudget()
	i := s.awaitRecovered()
	if x := i.Excluded; x == nil || x.By != "Ada" || x.Reason != "a load test" {
		t.Errorf("the API says %+v", x)
	}
	if page, err := get(s.postburn.url + "/incidents/" + i.ID); err != nil || !strings.Contains(string(page), "by <bdi>Ada</bdi>") {
		t.Errorf("the page does not say by whom: %v", err)
	}
	write("")
	await(t, patience, "the outage to count again", func() error {
		if o, err := s.postburn.objective(); err != nil || o.BadEvents != before.BadEvents {
			return fmt.Errorf("%v events are bad, want %v: %w", o.BadEvents, before.BadEvents, errNotYet)
		}
		return nil
	})
	s.verifyBudget()
}

// verifyBudget compares the budget of the API and of the metrics with that of a replay.
func (s *stage) verifyBudget() {
	s.t.Helper()
	var answer []byte
	var metric float64
	var o web.Objective
	end := s.asOfTick("the objective and the incidents", func() (err error) {
		if o, err = s.postburn.objective(); err != nil {
			return err
		}
		if metric, err = s.postburn.metric("postburn_slo_error_budget_remaining_ratio", "slo", "checkout"); err != nil {
			return err
		}
		answer, err = get(s.postburn.url + "/api/v1/incidents")
		return err
	})
	corrections := s.postburn.path("corrections.json")
	if err := os.WriteFile(corrections, answer, 0o644); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(binary, "replay", "--no-cache", "--output", "json", "--corrections", corrections,
		"--start", s.began.Format(time.RFC3339), "--end", end.Format(time.RFC3339), s.postburn.path("slos.yaml"))
	cmd.Env = append(os.Environ(), s.postburn.env...)
	out, err := cmd.Output()
	var replayed struct{ Objectives []web.Objective }
	if err == nil {
		err = json.Unmarshal(out, &replayed)
	}
	if err != nil || len(replayed.Objectives) != 1 {
		s.t.Fatalf("replaying: %v\n%s", err, out)
	}
	want := replayed.Objectives[0]
	figures := func(o web.Objective) []float64 { return []float64{o.TotalEvents, o.BadEvents, o.BudgetRemainingRatio} }
	if diff := cmp.Diff(figures(want), figures(o), cmpopts.EquateApprox(1e-6, 0)); diff != "" {
		s.t.Errorf("budget as of %s (-replayed +API):\n%s", end, diff)
	}
	if metric != o.BudgetRemainingRatio {
		s.t.Errorf("the metrics say %v, the API %v", metric, o.BudgetRemainingRatio)
	}
}
