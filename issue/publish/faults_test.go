package publish_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestAFailingIncidentDoesNotHoldUpTheOthers(t *testing.T) {
	for _, f := range []fault{refused, before, late} {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad, good := short(), short()
				bad.group, good.group = "a-bad", "b-good"
				r := newRun(bad, good)
				r.forge.fault = func(op string) fault {
					if strings.HasPrefix(op, "create a-bad") || f == before && strings.Contains(op, "a-bad") {
						return f
					}
					return none
				}
				r.until(t, 3*time.Minute, nil)
				if got := r.forge.keys(); !slices.Contains(got, "b-good-1") {
					t.Errorf("after 3 minutes the tracker has %v", got)
				}
				waiting := metric(t, r.registry, "postburn_publications_waiting")
				if f != late && waiting != 1 {
					t.Errorf("%v publications wait, want 1", waiting)
				}
				if oldest := metric(t, r.registry, "postburn_publication_oldest_wait_seconds"); f != late && (oldest < 90 || oldest > 180) {
					t.Errorf("the oldest waits for %v s", oldest)
				}
				if n := len(r.forge.calls); n > 40 {
					t.Errorf("%d calls in 3 minutes: it spins", n)
				}
			})
		})
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func TestRateLimitedTrackerIsLeftInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := short(), short()
		a.group, b.group = "a", "b"
		r := newRun(a, b)
		limited := false
		var early []string
		start := time.Now()
		r.forge.fault = func(op string) fault {
			if !limited {
				limited, start = true, time.Now()
				return rateLimited
			}
			if time.Since(start) < 2*time.Minute {
				early = append(early, op)
			}
			return none
		}
		r.until(t, 10*time.Minute, nil)
		if len(early) > 0 {
			t.Errorf("calls before the time named: %v", early)
		}
		if got := r.forge.keys(); !slices.Contains(got, "a-1") || !slices.Contains(got, "b-1") {
			t.Errorf("the tracker has %v", got)
		}
	})
}

func TestWhatTheTrackerMissedIsNotToldAfterwards(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to time.Duration
		op       string // the calls that fail
		fault    fault
		want     []string
	}{
		"both ends and the return": {16 * time.Minute, time.Hour, "", refused, []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1"}},
		"the first end":            {16 * time.Minute, 33 * time.Minute, "", refused, []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1"}},
		"the return":               {25 * time.Minute, 45 * time.Minute, "", refused, []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/recovery-2"}},
		"the first recovery, but not the body": {
			16 * time.Minute, 33 * time.Minute, "create checkout-1/recovery-1", refused,
			[]string{"checkout-1", "checkout-1/progress", "checkout-1/return-1", "checkout-1/recovery-1"},
		},
		"the progress": {2 * time.Minute, 25 * time.Minute, "create checkout-1/progress", refused, []string{"checkout-1", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/progress", "checkout-1/recovery-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(returning())
				start := time.Now()
				r.forge.fault = func(op string) fault {
					if now := time.Since(start); now >= tc.from && now < tc.to && strings.HasPrefix(op, tc.op) {
						return tc.fault
					}
					return none
				}
				r.until(t, 2*time.Hour, nil)
				r.wantKeys(t, tc.want...)
				if got := r.forge.body(t, "checkout-1"); !strings.Contains(got, "revision 56") {
					t.Errorf("the body is %q, want the final one", got)
				}
			})
		})
	}
}

func TestChangesAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := short()
		// back before the recovery is confirmed
		s.spans = append(s.spans, [2]time.Duration{17 * time.Minute, 25 * time.Minute})
		r := newRun(s)
		r.forge.fault = func(op string) fault {
			if op == "create checkout-1/recovery-1" {
				return late
			}
			return none
		}
		r.until(t, time.Hour, nil)
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2")
	})
}

func TestABodyThatSaysItIsOverIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := returning()
		s.spans = append(s.spans, [2]time.Duration{50 * time.Minute, 70 * time.Minute})
		r := newRun(s)
		start := time.Now()
		r.forge.fault = func(op string) fault {
			if op == "create checkout-1/recovery-2" && time.Since(start) < 52*time.Minute {
				return refused // the body was written, and its comment overtaken
			}
			return none
		}
		r.until(t, 2*time.Hour, nil)
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/return-2", "checkout-1/recovery-2")
	})
}

func TestWhatWasKeptIsDeliveredOldestFirst(t *testing.T) {
	for _, f := range []fault{refused, before, late} {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stories []story
				var want []string
				for n := range 14 { // the last ones begin when the tracker is back
					s := at(fmt.Sprintf("s%02d", n), time.Duration(n)*111*time.Minute, 20*time.Minute)
					stories, want = append(stories, s), append(want, s.group+"-1")
				}
				r := newRun(stories...)
				start := time.Now()
				calls := 0
				// just before the last but one
				back := time.Duration(12*111+1)*time.Minute - time.Second
				r.forge.fault = func(string) fault {
					if time.Since(start) < back {
						calls++
						return f
					}
					return none
				}
				r.until(t, 27*time.Hour, nil)
				got := slices.DeleteFunc(r.forge.keys(), func(k string) bool { return strings.Contains(k, "/") })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("issues in the order of their creation (-want +got):\n%s", diff)
				}
				for n, s := range stories {
					ended := s.onset.Add(20 * time.Minute).Format(time.TimeOnly)
					if body := r.forge.body(t, want[n]); !strings.HasPrefix(body, "opening, ended "+ended) {
						t.Errorf("%s is %q, want its true end, %s", want[n], body, ended)
					}
				}
				if calls > 12*24*8 {
					t.Errorf("%d calls to a tracker that is down", calls)
				}
				for _, p := range r.store.Publications() {
					if took := r.forge.created(p.Key).Sub(start) - back; took > 11*time.Minute && p.Key < "s12" {
						t.Errorf("%s was delivered %s after the tracker was back", p.Key, took)
					}
				}
			})
		})
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
