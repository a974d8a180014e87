package publish_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// drama is a story with one thing going wrong, what people do meanwhile, and the expected end.
type drama struct {
	stories func() []story
	people  func(r *run) map[time.Duration]func()
	linted  bool
	tasked  bool
	texts   []string // sorted
	labels  []string // of the issue that has the first key, sorted
	check   func(t *testing.T, r *run)
}

// play has the n-th call to the tracker, or the n-th save, go wrong, and returns how many there
// were.
func (d drama) play(t *testing.T, what string, n int, f fault) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(d.stories()...)
		if d.linted {
			r = linted(d.stories()...)
		}
		if d.tasked {
			r = tasked(d.stories()...)
		}
		hit := func() fault {
			if calls++; calls == n {
				return f
			}
			return none
		}
		switch what {
		case "call":
			start := time.Now()
			r.forge.fault = func(op string) fault {
				since := time.Since(start)
				if strings.HasPrefix(op, "list") && since > 20*time.Minute || strings.HasPrefix(op, "find") && since > 45*time.Minute {
					return none // it has gone wrong before
				}
				return hit()
			}
		case "save":
			r.onSave(hit)
		}
		var people map[time.Duration]func()
		if d.people != nil {
			people = d.people(r)
		}
		r.until(t, 70*time.Minute, people)
		if n > 0 && (f == crashBefore || f == crashAfter || f == stopped) && r.deaths != 1 {
			t.Errorf("postburn died %d times, want 1", r.deaths)
		}
		d.verify(t, r)
		if t.Failed() {
			t.Logf("calls:\n%s", strings.Join(r.forge.calls, "\n"))
		}
	})
	return calls
}

func (d drama) verify(t *testing.T, r *run) {
	t.Helper()
	got := r.forge.keys()
	slices.Sort(got)
	if diff := cmp.Diff(d.texts, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	r.forge.person(func(f *forged) {
		if f.Key == d.texts[0] && f.Ref.Number < 1000 {
			if diff := cmp.Diff(d.labels, slices.Sorted(slices.Values(f.labels))); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		}
	})
	for _, p := range r.store.Publications() {
		for _, part := range p.Parts {
			if want := r.store.Incident(part.Incident).Revision; part.Posted != want {
				t.Errorf("revision %d of %s is posted, want %d: %+v", part.Posted, part.Incident, want, p.Writes)
			}
		}
		for _, w := range p.Writes {
			if w.State != issue.Posted || w.Error != "" || w.Prior != (issue.Text{}) {
				t.Errorf("the write is not settled: %+v", w)
			}
		}
	}
	if d.check != nil {
		d.check(t, r)
	}
}

// worsening is an incident that comes back with a worse severity.
func worsening() []story {
	s := returning()
	s.severity = map[int]int{1: 2, 20: 1}
	return []story{s}
}

func dramas() map[string]drama {
	all := []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/recovery-2", "checkout-1/return-1"}
	labels := []string{"postburn", "severity:1", "status:recovered"}
	return map[string]drama{
		"an incident comes back to an issue that was closed": {
			stories: worsening, texts: all, labels: labels,
			people: func(r *run) map[time.Duration]func() {
				return map[time.Duration]func(){22 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed, f.Completed = true, true })}
			},
			check: func(t *testing.T, r *run) {
				if body := r.forge.body(t, "checkout-1"); !strings.Contains(body, "revision 56, edited false") {
					t.Errorf("the body is %q, want the final one", body)
				}
				r.forge.onIssues(func(f *forged) {
					if f.Closed {
						t.Error("the issue is not opened again")
					}
				})()
			},
		},
		"a post-mortem is closed twice": {
			stories: worsening, texts: slices.Sorted(slices.Values(append(slices.Clone(all), "checkout-1/lint-1"))), labels: labels, linted: true,
			people: func(r *run) map[time.Duration]func() {
				done := r.forge.onIssues(func(f *forged) { f.Closed, f.Completed = true, true })
				return map[time.Duration]func(){20 * time.Minute: done, 50 * time.Minute: done}
			},
			check: func(t *testing.T, r *run) {
				if body := r.forge.body(t, "checkout-1/lint-1"); !strings.HasSuffix(body, ", lacks causes") {
					t.Errorf("it is told %q", body)
				}
			},
		},
		"a person edits": {
			stories: worsening, texts: all, labels: labels,
			people: func(r *run) map[time.Duration]func() {
				return map[time.Duration]func(){12 * time.Minute: r.forge.onIssues(func(f *forged) { f.Text.Body += " - a person's words" })}
			},
			check: func(t *testing.T, r *run) {
				if body := r.forge.body(t, "checkout-1"); !strings.HasPrefix(body, "opening, burning") || !strings.HasSuffix(body, "a person's words") {
					t.Errorf("a person's words are lost: %q", body)
				}
			},
		},
		"a person calls it noise": {
			stories: worsening, texts: all[:2], labels: labels,
			people: func(r *run) map[time.Duration]func() {
				return map[time.Duration]func(){12 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed = true })}
			},
			check: func(t *testing.T, r *run) {
				if got := r.triage(t, "checkout-1"); got != issue.Noise {
					t.Errorf("it is triaged as %q", got)
				}
				r.forge.onIssues(func(f *forged) {
					if !f.Closed {
						t.Error("the issue is opened again")
					}
				})()
			},
		},
		"a storm": {
			stories: func() []story {
				stories := append(wave("s", 7, 0, 0, 20*time.Minute), wave("t", 3, 4*time.Minute, 3*time.Minute, 25*time.Minute)...)
				stories[3].severity, stories[9].severity = map[int]int{1: 3}, map[int]int{10: 1}
				return stories
			},
			texts: []string{"s00-1", "s00-1/progress", "s00-1/recovery-1"}, labels: labels,
			check: func(t *testing.T, r *run) {
				for _, key := range []string{"s00-1", "s00-1/recovery-1"} {
					if body := r.forge.body(t, key); !strings.Contains(body, "of a storm, 0 open") || !strings.HasSuffix(body, "s06 t00 t01 t02") {
						t.Errorf("%s is %q", key, body)
					}
				}
			},
		},
		"follow-ups": followUpsDrama(),
		"a second issue": {
			stories: worsening,
			texts:   append([]string{"checkout-1"}, append(slices.Clone(all), "checkout-1/sweep-1000")...), labels: labels,
			people: func(r *run) map[time.Duration]func() {
				return map[time.Duration]func(){12 * time.Minute: func() { r.forge.second("checkout-1", 1000) }}
			},
			check: func(t *testing.T, r *run) {
				r.forge.onIssues(func(f *forged) {
					if f.Closed != (f.Ref.Number == 1000) {
						t.Errorf("issue %d: closed is %v", f.Ref.Number, f.Closed)
					}
				})()
			},
		},
	}
}

// isTried reports whether the n-th call or save goes wrong in the i-th way. TORTURE tries all, as
// `make torture` and `make race` do. Else each call has a quarter of them, and each of them a
// quarter of the calls.
func isTried(n, i int) bool { return os.Getenv("TORTURE") != "" || (n+i)%4 == 0 }

// TestWhateverFailsAndWhenever has each call to the tracker and each save go wrong in every way,
// one at a time.
func TestWhateverFailsAndWhenever(t *testing.T) {
	kinds := map[string][]fault{
		"call": {before, after, late, refused, rateLimited, crashBefore, crashAfter, stopped},
		"save": {before, after, crashBefore, crashAfter},
	}
	for name, d := range dramas() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, faults := range kinds {
				total := d.play(t, what, 0, none)
				if total < 8 {
					t.Fatalf("only %d %ss: the story is too short to try anything", total, what)
				}
				for n := 1; n <= total; n++ {
					for i, f := range faults {
						if !isTried(n, i) {
							continue
						}
						t.Run(fmt.Sprintf("%s %d %s", what, n, f), func(t *testing.T) { d.play(t, what, n, f) })
					}
				}
			}
		})
	}
}
