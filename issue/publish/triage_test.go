package publish_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/issue"
)

// triaged is a run that reads back what people do.
func triaged(stories ...story) *run {
	r := newRun(stories...)
	r.options.List = r.forge.list
	return r
}

func (r *run) triage(t *testing.T, incident string) issue.Triage {
	t.Helper()
	p, ok := r.store.Load(incident)
	if !ok {
		t.Fatalf("there is no publication of %s", incident)
	}
	return p.Triage
}

// onIssues changes issues, and not their comments.
func (g *forge) onIssues(do func(*forged)) func() {
	return func() {
		g.person(func(f *forged) {
			if f.Ref.Parent == 0 {
				do(f)
			}
		})
	}
}

func TestWhatPeopleDecideIsNeverUndone(t *testing.T) {
	all := []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2"}
	for name, tc := range map[string]struct {
		do     func(*forged) // while it burns
		triage issue.Triage
		texts  []string
		closed bool // in the end
		body   string
	}{
		"completed": {func(f *forged) { f.Closed, f.Completed = true, true }, "", all, false, "opening, ended"},
		"noise":     {func(f *forged) { f.Closed = true }, issue.Noise, all[:2], true, "opening, ended"},
		"noise that was edited": {
			func(f *forged) { f.Closed, f.Text.Body = true, f.Text.Body+" - a person's words" }, issue.Noise, all[:2], true, "opening, burning",
		},
		"duplicate": {func(f *forged) { f.Duplicate = true }, issue.Duplicate, all[:2], false, "opening, ended"},
		"both":      {func(f *forged) { f.Closed, f.Completed, f.Duplicate = true, true, true }, issue.Duplicate, all[:2], true, "opening, ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := triaged(returning())
				r.until(t, 90*time.Minute, map[time.Duration]func(){8 * time.Minute: r.forge.onIssues(tc.do)})
				r.wantKeys(t, tc.texts...)
				if got := r.triage(t, "checkout-1"); got != tc.triage {
					t.Errorf("it is triaged as %q, want %q", got, tc.triage)
				}
				if body := r.forge.body(t, "checkout-1"); !strings.HasPrefix(body, tc.body) {
					t.Errorf("the body is %q", body)
				}
				r.forge.onIssues(func(f *forged) {
					if f.Closed != tc.closed {
						t.Errorf("closed is %v", f.Closed)
					}
				})()
				if p, _ := r.store.Load("checkout-1"); p.Parts.Posted("checkout-1") != 56 {
					t.Errorf("revision %d is posted, want 56: there is nothing more to do", p.Parts.Posted("checkout-1"))
				}
			})
		})
	}
}

func TestTransferredIssue(t *testing.T) {
	all := []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2"}
	for name, tc := range map[string]struct {
		at     time.Duration
		follow bool
		triage issue.Triage
		texts  []string
		body   string
	}{
		"followed while it burns":          {8 * time.Minute, true, "", all, "opening, ended"},
		"followed when it is over":         {40 * time.Minute, true, "", all, "opening, ended"},
		"to where postburn must not write": {8 * time.Minute, false, issue.Transferred, all[:2], "opening, burning"},
	} {
		for _, lister := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, lister %v", name, lister), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := triaged(returning())
					if !lister {
						r.options.List = nil // noticed at the next write
					}
					r.until(t, 90*time.Minute, map[time.Duration]func(){tc.at: func() { r.forge.transfer(tc.follow) }})
					r.wantKeys(t, tc.texts...)
					if got := r.triage(t, "checkout-1"); got != tc.triage {
						t.Errorf("it is triaged as %q, want %q", got, tc.triage)
					}
					if body := r.forge.body(t, "checkout-1"); !strings.HasPrefix(body, tc.body) {
						t.Errorf("the body is %q", body)
					}
					p, _ := r.store.Load("checkout-1")
					if !tc.follow {
						return
					}
					if p.Repository != "acme/other" || p.Writes[0].Ref.Number < 100 {
						t.Errorf("it goes on in %s at %+v", p.Repository, p.Writes[0].Ref)
					}
					if p.Parts.Posted("checkout-1") != 56 {
						t.Errorf("revision %d is posted, want 56: there is nothing more to do", p.Parts.Posted("checkout-1"))
					}
				})
			})
		}
	}
}

func TestAnIssueThatIsReopenedIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(returning())
		r.until(t, 90*time.Minute, map[time.Duration]func(){
			8 * time.Minute:  r.forge.onIssues(func(f *forged) { f.Closed = true }),
			25 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed = false }),
		})
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/return-1", "checkout-1/recovery-1")
	})
}

func TestADeletedIssueIsNoticedThoughNothingIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, stays := short(), short()
		gone.group, stays.group = "gone", "stays"
		r := triaged(gone, stays)
		r.until(t, 50*time.Minute, map[time.Duration]func(){30 * time.Minute: func() { r.forge.delete("gone") }})
		if got := r.triage(t, "gone-1"); got != issue.Deleted {
			t.Errorf("it is triaged as %q", got)
		}
		if got := r.triage(t, "stays-1"); got != "" {
			t.Errorf("the other is triaged as %q", got)
		}
	})
}

func TestReadingBackIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		r := triaged(wave("s", 5, 0, 0, 20*time.Minute)...)
		r.until(t, time.Hour, nil)
		before := len(r.forge.calls)
		r.until(t, time.Hour, nil)
		if n := len(r.forge.calls) - before; n > 65 {
			t.Errorf("%d calls in an hour in which nothing happens", n)
		}
		time.Sleep(31 * day)
		before = len(r.forge.calls)
		r.until(t, time.Hour, nil)
		if calls := r.forge.calls[before:]; len(calls) > 0 {
			t.Errorf("what is long over is still read back: %v", calls)
		}
	})
}

func TestNoiseIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := at("checkout", 2*time.Hour, 17*time.Minute)
		again.id = "checkout-2"
		r := triaged(short(), again, at("search", 0, 10*time.Minute))
		var facts issue.Facts
		r.options.Render = func(f issue.Facts, s issue.Stage) (issue.Text, error) {
			if f.Incident.ID == "checkout-2" && s == issue.Opening {
				facts = f
			}
			return render(f, s)
		}
		r.until(t, 3*time.Hour, map[time.Duration]func(){
			30 * time.Minute: func() {
				r.forge.person(func(f *forged) { f.Closed = f.Key == "checkout-1" })
			},
		})
		want := map[string]float64{"checkout": 1, "search": 0}
		if diff := cmp.Diff(want, bySLO(t, r.registry, "postburn_slo_noise_incidents")); diff != "" {
			t.Errorf("noise (-want +got):\n%s", diff)
		}
		if facts.EarlierAll != 1 || facts.Noise != 1 {
			t.Errorf("the facts have %d earlier ones, of them %d noise", facts.EarlierAll, facts.Noise)
		}
	})
}

func bySLO(t *testing.T, reg *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				found[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return found
}

// second makes a second issue with a key, as another postburn does.
func (g *forge) second(key string, number int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.texts {
		if t.Key == key {
			copied := *t
			copied.Ref = issue.Ref{Number: number, URL: "https://forge.example/second"}
			copied.Updated = time.Now()
			g.texts = append(g.texts, &copied)
			return
		}
	}
}

func TestSweep(t *testing.T) {
	for name, tc := range map[string]struct {
		number int64
		swept  string // the issue that is closed
	}{
		"the other is the higher one": {1000, "https://forge.example/second"},
		"the other is the lower one":  {0, "https://forge.example/5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := triaged(returning())
				r.forge.last = 4
				if tc.number == 0 {
					tc.number = 2
				}
				reopened := false
				r.until(t, 90*time.Minute, map[time.Duration]func(){
					8 * time.Minute: func() { r.forge.second("checkout-1", tc.number) },
					20 * time.Minute: r.forge.onIssues(func(f *forged) {
						if f.Ref.URL != tc.swept {
							if f.Closed {
								t.Error("the lower one is closed")
							}
							return
						}
						if !f.Closed || f.Completed {
							t.Errorf("the higher one is not closed: %+v", f.Found)
						}
						f.Closed, reopened = false, true // a person wants it
					}),
				})
				if !reopened {
					t.Error("there is no second issue")
				}
				sweeps := 0
				r.forge.person(func(f *forged) {
					if strings.Contains(f.Key, "/sweep-") {
						sweeps++
						if strings.Contains(f.Text.Body, tc.swept) || !strings.Contains(f.Text.Body, "https://forge.example/") {
							t.Errorf("the comment is %q", f.Text.Body)
						}
					}
					if f.Ref.Parent == 0 && f.Closed {
						t.Errorf("%s is closed though a person reopened it", f.Ref.URL)
					}
				})
				if sweeps != 1 {
					t.Errorf("%d comments on a second issue: %v", sweeps, r.forge.keys())
				}
			})
		})
	}
}

// TestAClosedSecondIssueIsLeftAlone has a person close a second issue before postburn sees it.
func TestAClosedSecondIssueIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(short())
		r.until(t, 30*time.Minute, map[time.Duration]func(){8 * time.Minute: func() {
			r.forge.second("checkout-1", 1000)
			r.forge.get(issue.Ref{Number: 1000}).Closed = true
		}})
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1", "checkout-1/recovery-1")
	})
}

// TestALimitOnReadingBackHoldsForWriting has the tracker limit a list just before the progress
// comment is due.
func TestALimitOnReadingBackHoldsForWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(short())
		start := time.Now()
		var limited time.Time
		var early []string
		r.forge.fault = func(op string) fault {
			switch {
			case limited.IsZero() && strings.HasPrefix(op, "list") && time.Since(start) > 5*time.Minute:
				limited = time.Now()
				return rateLimited
			case !limited.IsZero() && time.Since(limited) < 2*time.Minute:
				early = append(early, op)
			}
			return none
		}
		r.until(t, 10*time.Minute, nil)
		if limited.IsZero() || len(early) > 0 {
			t.Errorf("limited at %s, and asked all the same: %v", limited.Format(time.TimeOnly), early)
		}
		r.wantKeys(t, "checkout-1", "checkout-1/progress")
	})
}

// TestLabelsOfARemovedIssueAreAskedForOnce has a person remove the issue just before its labels are
// exchanged.
func TestLabelsOfARemovedIssueAreAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		asked := 0
		r.forge.fault = func(op string) fault {
			if op == "change checkout-1" {
				asked++
				r.forge.texts = nil
			}
			return none
		}
		r.until(t, 30*time.Minute, nil)
		if p, _ := r.store.Load("checkout-1"); asked != 1 || !p.IsGone() || p.Triage != issue.Deleted {
			t.Errorf("asked %d times; the issue is gone: %t, %q", asked, p.IsGone(), p.Triage)
		}
		r.wantKeys(t)
	})
}

// reads is a store that counts how often a publication is read.
type reads struct {
	issue.Store
	n atomic.Int64
}

func (r *reads) Publication(ctx context.Context, incident string) (issue.Publication, bool, error) {
	r.n.Add(1)
	return r.Store.Publication(ctx, incident)
}

// TestAStormIsReadBackOnce reads a storm's publication, which is large, once a round, and not once
// for each of its incidents.
func TestAStormIsReadBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(wave("s", 12, 0, 0, 20*time.Minute)...)
		counted := &reads{Store: r.store}
		r.options.Store = counted
		var quiet int64
		r.until(t, time.Hour, map[time.Duration]func(){40 * time.Minute: func() { quiet = counted.n.Load() }})
		if p, _ := r.store.Load("s00-1"); len(p.Parts) != 12 {
			t.Fatalf("the storm has %d incidents", len(p.Parts))
		}
		if n := counted.n.Load() - quiet; n < 9 || n > 11 {
			t.Errorf("it is read %d times in 20 minutes, want 10", n)
		}
	})
}
