package publish_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// listMarked implements issue.MarkedLister.
func (g *forge) listMarked(ctx context.Context, repository string, since time.Time) (all []issue.Marked, err error) {
	found, err := g.list(ctx, repository, since)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range found {
		all = append(all, issue.Marked{Key: f.Key, Ref: f.Ref, Updated: f.Updated, Exclusion: g.get(f.Ref).exclusion})
	}
	return all, err
}

// exclude gives all issues the label, or takes it from them with nil.
func (g *forge) exclude(x *issue.Exclusion) func() {
	return g.onIssues(func(f *forged) { f.exclusion = x })
}

// excluding is a run in which people exclude incidents. It counts how often the budgets were told,
// and what was excluded when.
func excluding(stories ...story) (r *run, told *[]bool) {
	r, told = triaged(stories...), &[]bool{}
	r.options.ListMarked = r.forge.listMarked
	r.options.Corrected = func(context.Context) error {
		p, _ := r.store.Load("checkout-1")
		*told = append(*told, p.Excluded != nil)
		return nil
	}
	return r, told
}

func (r *run) excluded() *issue.Exclusion {
	p, _ := r.store.Load("checkout-1")
	return p.Excluded
}

// TestExcludedAndBack excludes an incident while it goes on and takes that back, over a restart
// each. The budgets follow within half a minute.
func TestExcludedAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, told := excluding(short())
		x := issue.Exclusion{By: "alice", At: time.Now().UTC(), Reason: "a load test"}
		check := func(want *issue.Exclusion, tells int) func() {
			return func() {
				if diff := cmp.Diff(want, r.excluded()); diff != "" || len(*told) != tells {
					t.Errorf("excluded (-want +got):\n%s\nthe budgets were told %v", diff, *told)
				}
			}
		}
		die := func() { r.forge.crash() }
		r.until(t, 40*time.Minute, map[time.Duration]func(){
			8 * time.Minute: r.forge.exclude(&x), 8*time.Minute + 30*time.Second: check(&x, 1),
			10 * time.Minute: die, 12 * time.Minute: check(&x, 1),
			25 * time.Minute: r.forge.exclude(nil), 25*time.Minute + 30*time.Second: check(nil, 2),
			27 * time.Minute: die, 29 * time.Minute: check(nil, 2),
			30 * time.Minute: r.forge.exclude(&issue.Exclusion{By: "bob"}), 31 * time.Minute: func() {
				if got := r.excluded(); got == nil || got.By != "bob" || time.Since(got.At) > 2*time.Minute {
					t.Errorf("excluded by %+v", got)
				}
			},
		})
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1") // nothing more
		if r.deaths != 2 {
			t.Errorf("%d restarts", r.deaths)
		}
	})
}

// TestExcludedThoughTheMarkerIsGone has a person remove the marker's line, or an issue that took
// its number from another store.
func TestExcludedThoughTheMarkerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := excluding(short())
		at := time.Now().UTC()
		r.until(t, 30*time.Minute, map[time.Duration]func(){
			8 * time.Minute: r.forge.onIssues(func(f *forged) {
				if f.Key == "checkout-1" {
					f.Key, f.exclusion = "", &issue.Exclusion{By: "alice", At: at}
				}
			}),
			9 * time.Minute: func() {
				if r.excluded() == nil {
					t.Error("it is not excluded")
				}
			},
			20 * time.Minute: r.forge.exclude(nil),
		})
		if r.excluded() != nil {
			t.Error("it does not count again")
		}
	})
}

// TestCopiedMarker gives the label to an issue with a copy of the marker. That excludes nothing.
func TestCopiedMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, told := excluding(short())
		r.until(t, 20*time.Minute, map[time.Duration]func(){8 * time.Minute: func() {
			r.forge.second("checkout-1", 99)
			r.forge.onIssues(func(f *forged) {
				if f.Ref.Number == 99 {
					f.exclusion = &issue.Exclusion{By: "mallory"}
				}
			})()
		}})
		if r.excluded() != nil || len(*told) > 0 {
			t.Errorf("excluded: %+v, told %v", r.excluded(), *told)
		}
	})
}

// TestSameIssueElsewhere gives the label to an issue of another repository, with the number and a
// copy of the marker of an incident's. That excludes nothing.
func TestSameIssueElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const elsewhere = "acme/other"
		other := short()
		other.group, other.repository = "payments", elsewhere
		r, told := excluding(short(), other)
		listed := false
		r.options.ListMarked = func(ctx context.Context, repository string, since time.Time) ([]issue.Marked, error) {
			all, err := r.forge.listMarked(ctx, repository, since)
			if p, ok := r.store.Load("checkout-1"); ok && repository == elsewhere {
				listed = true
				all = append(all, issue.Marked{Key: p.Key, Ref: p.Writes[0].Ref, Updated: time.Now(), Exclusion: &issue.Exclusion{By: "mallory"}})
			}
			return all, err
		}
		r.until(t, 20*time.Minute, nil)
		if r.excluded() != nil || len(*told) > 0 || !listed {
			t.Errorf("excluded: %+v, told %v, listed: %v", r.excluded(), *told, listed)
		}
	})
}

// TestBudgetsThatCantFollow has telling the budgets fail for a while, and the tracker as well.
func TestBudgetsThatCantFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := excluding(short())
		tries, broken, listing := 0, true, none
		r.options.Corrected = func(context.Context) error {
			if tries++; broken {
				return errors.New("broken")
			}
			return nil
		}
		r.forge.fault = func(op string) fault {
			if op == "list " {
				return listing
			}
			return none
		}
		r.until(t, 30*time.Minute, map[time.Duration]func(){
			6 * time.Minute:  func() { listing = before },
			7 * time.Minute:  r.forge.exclude(&issue.Exclusion{By: "alice"}),
			10 * time.Minute: func() { listing = none },
			14 * time.Minute: func() {
				if r.excluded() == nil || tries < 3 {
					t.Errorf("excluded %+v after %d tries", r.excluded(), tries)
				}
				broken, tries = false, 0
			},
		})
		if tries != 1 {
			t.Errorf("the budgets were told %d times, want once", tries)
		}
	})
}

// TestExcludedNoiseIsNotCounted closes an excluded incident's issue as not planned.
func TestExcludedNoiseIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := excluding(short())
		noise := func(want float64) func() {
			return func() {
				if diff := cmp.Diff(map[string]float64{"checkout": want}, bySLO(t, r.registry, "postburn_slo_noise_incidents")); diff != "" {
					t.Errorf("noise (-want +got):\n%s", diff)
				}
			}
		}
		r.until(t, 50*time.Minute, map[time.Duration]func(){
			25 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed = true }), 30 * time.Minute: noise(1),
			31 * time.Minute: r.forge.exclude(&issue.Exclusion{By: "alice"}), 36 * time.Minute: noise(0),
		})
	})
}
