//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// cart is `checkout` as an objective of another service, so that its breaches are other incidents.
func cart() string {
	_, slo, _ := strings.Cut(soonOver(), "slos:\n")
	return strings.NewReplacer("name: checkout", "name: cart", "service: shop", "service: cart").Replace(slo)
}

// soonOver is the file of most tests, with incidents that end soon after their last breach.
func soonOver() string { return strings.Replace(onlyBurns(), "merge_gap: 10s", "merge_gap: 3s", 1) }

// haveOutage breaks the shop for some seconds, and waits until so many incidents are over.
func (s *stage) haveOutage(incidents int) (*fault, []web.Incident) {
	s.t.Helper()
	f := s.breakDown()
	f.until(8 * time.Second)
	s.repair(f)
	return f, s.awaitIncidents(incidents)
}

// verifyPublished waits until each incident has a post-mortem with its final numbers.
func (s *stage) verifyPublished(all []web.Incident) {
	s.t.Helper()
	for _, i := range all {
		path, want := s.postburn.path("postmortems/"+i.ID+".md"), finalNumbers(i)
		await(s.t, patience, "the post-mortem of "+i.ID, func() error {
			text, err := os.ReadFile(path)
			if err == nil && (!strings.Contains(string(text), want) || strings.Contains(string(text), " so far: ")) {
				err = fmt.Errorf("%q and nothing that goes on should be in\n%s", want, text)
			}
			return err
		})
	}
}

// TestObjectiveAddedAfterOutage adds an objective after an outage is over that its past holds. The
// next outage has its own onset and numbers, and a post-mortem.
func TestObjectiveAddedAfterOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, soonOver())
	s.start()
	_, first := s.haveOutage(1)
	s.postburn.watch(soonOver() + cart())
	s.postburn.awaitPast("cart")
	await(t, patience, "the new objective to be watched", func() error { return s.postburn.stateOf("cart", alert.OK) })
	f, all := s.haveOutage(3)
	s.verifyPublished(all)
	for _, i := range all {
		if i.ID != first[0].ID {
			s.verifyNumbers(i, f)
		}
	}
	if n := len(s.postburn.postMortems()); n != len(all) {
		t.Errorf("%d post-mortems for %d incidents", n, len(all))
	}
}

// TestStoreLostAfterOutage loses the store after an outage. What is found of it in the past is
// neither published nor part of the next one.
func TestStoreLostAfterOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, soonOver())
	s.start()
	_, first := s.haveOutage(1)
	s.verifyPublished(first)
	s.postburn.kill()
	files, err := filepath.Glob(s.postburn.path("postburn.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the store is %q, %v", files, err)
	}
	for _, name := range files {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	s.postburn.start()
	s.postburn.awaitPast("checkout")
	s.settle()
	f, all := s.haveOutage(1)
	s.verifyNumbers(all[0], f)
	s.verifyPublished(all)
	if n := len(s.postburn.postMortems()); n != 2 {
		t.Errorf("%d post-mortems of two outages", n)
	}
}
