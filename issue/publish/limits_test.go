package publish_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/publish"
)

// gaps plays a story while the tracker has faults, and returns the times between calls of a kind
// that it was asked for.
func gaps(t *testing.T, r *run, d time.Duration, op string, faulty fault) (all []time.Duration) {
	t.Helper()
	var last time.Time
	r.forge.fault = func(called string) fault {
		if called != op {
			return none
		}
		if !last.IsZero() {
			all = append(all, time.Since(last))
		}
		last = time.Now()
		return faulty
	}
	r.until(t, d, nil)
	return all
}

func wantGaps(t *testing.T, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if diff := cmp.Diff(want, got[:min(len(got), len(want))]); diff != "" {
		t.Errorf("times between tries (-want +got):\n%s", diff)
	}
}

// TestWhatIsRefusedIsTriedLessAndLess has a tracker that refuses everything, or has no turn for it.
func TestWhatIsRefusedIsTriedLessAndLess(t *testing.T) {
	for _, f := range []fault{refused, waited} {
		synctest.Test(t, func(t *testing.T) {
			const s = time.Second
			got := gaps(t, newRun(short()), time.Hour, "create checkout-1", f)
			wantGaps(t, got, 5*s, 10*s, 20*s, 40*s, 80*s, 160*s, 320*s, 600*s, 600*s)
		})
	}
}

// TestWhenToSendAgain loses each request before it takes effect. By default a text is believed to
// be missing once the call has timed out (30 s) and a minute more has passed. A tracker that never
// acts late is looked at twice, half a minute apart.
func TestWhenToSendAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		settle time.Duration
		want   time.Duration
	}{"by default": {0, 90 * time.Second}, "it never acts late": {time.Second, 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(short())
				r.options.Settle = tc.settle
				wantGaps(t, gaps(t, r, 10*time.Minute, "create checkout-1", before), tc.want, tc.want, tc.want)
			})
		})
	}
}

// TestACallEnds has a tracker that does not answer.
func TestACallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.options.Settle = time.Nanosecond
		r.options.LookEvery = time.Nanosecond
		got := gaps(t, r, 10*time.Minute, "create checkout-1", late)
		if len(got) == 0 || got[0].Round(time.Second) != 30*time.Second {
			t.Errorf("calls end after %s, want 30 s", got)
		}
	})
}

// TestPassesHaveAPause has a text that is due again at once, forever.
func TestPassesHaveAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.options.Settle, r.options.LookEvery = time.Nanosecond, time.Nanosecond
		got := gaps(t, r, 2*time.Minute, "create checkout-1", before)
		wantGaps(t, got, 100*time.Millisecond, 100*time.Millisecond)
	})
}

// alone runs a publisher that nobody tells of changes.
func (r *run) alone(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := publish.New(r.options).Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestThePollInterval leaves out all that tells the publisher of changes.
func TestThePollInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun()
		began, opened := time.Now(), time.Duration(0)
		r.options.Render = func(f issue.Facts, s issue.Stage) (issue.Text, error) {
			opened = time.Since(began)
			return render(f, s)
		}
		i, _ := short().at(began.Add(2 * time.Minute))
		time.AfterFunc(10*time.Second, func() { r.store.Put(i) })
		r.alone(t, 5*time.Minute)
		if opened != 30*time.Second {
			t.Errorf("the issue is opened after %s, want 30 s", opened)
		}
	})
}

// TestALimitThatIsOver has a tracker that names a time in the past.
func TestALimitThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		var calls []time.Time
		r.options.Tracker = hasty{r.forge, func() { calls = append(calls, time.Now()) }}
		r.until(t, 2*time.Minute, nil)
		if len(calls) < 2 || calls[1].Sub(calls[0]) != time.Second {
			t.Errorf("it is asked again at %v, want a second later", calls)
		}
	})
}

// hasty limits calls that create something until a time that is over.
type hasty struct {
	*forge
	called func()
}

func (h hasty) Create(context.Context, issue.Post) (issue.Found, error) {
	h.called()
	return issue.Found{}, issue.RateLimited{Until: time.Now().Add(-time.Hour)}
}

// TestOnePublicationDoesNotHoldUpTheOthers has one with 25 comments to write, and another.
func TestOnePublicationDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(at("busy", -time.Hour, 3*time.Hour), at("other", -time.Minute, 3*time.Hour))
		r.until(t, 2*time.Minute, nil) // both issues are open
		busy, _ := r.store.Load("busy-1")
		for n := range 25 {
			busy.Writes = append(busy.Writes, issue.Write{
				Key: "busy-1/sweep-" + string(rune('a'+n)), Stage: issue.Sweep, Delivery: issue.Delivery{State: issue.Wanted}, Issue: busy.Opening().Ref,
			})
		}
		other, _ := r.store.Load("other-1")
		other.Want(issue.Recovery, time.Time{})
		other.Writes[len(other.Writes)-1] = issue.Write{
			Key: "other-1/sweep-1", Stage: issue.Sweep, Delivery: issue.Delivery{State: issue.Wanted}, Issue: other.Opening().Ref,
		}
		for _, p := range []issue.Publication{busy, other} {
			if err := r.store.Save(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		r.forge.calls = nil
		r.until(t, time.Minute, nil)
		creates := slices.DeleteFunc(slices.Clone(r.forge.calls), func(op string) bool { return !strings.HasPrefix(op, "create ") || !strings.Contains(op, "sweep") })
		if n := slices.Index(creates, "create other-1/sweep-1"); n != 20 || len(creates) != 26 {
			t.Errorf("the other's comment is number %d of %d, want it after 20 steps of 26: %v", n, len(creates), creates)
		}
	})
}

// TestHowLongCollectorsHave has ten seconds for a pass: nine to look, and one to hand in what was
// found.
func TestHowLongCollectorsHave(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		want  string
	}{"just in time": {9900 * time.Millisecond, "opening|found"}, "just too late": {10100 * time.Millisecond, "opening|A part of the evidence was not collected in time."}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(short())
				r.options.Render = tell
				r.options.Collectors = []issue.Collector{func(ctx context.Context, _ alert.Incident) issue.Evidence {
					began := time.Now()
					<-ctx.Done()
					if got := time.Since(began); got != 9*time.Second {
						t.Errorf("it has %s to look, want 9 s", got)
					}
					time.Sleep(tc.takes - time.Since(began))
					return issue.Evidence{Timeline: []issue.Entry{{Text: "found"}}}
				}}
				r.until(t, 3*time.Minute, nil)
				if got := r.forge.body(t, "checkout-1"); got != tc.want {
					t.Errorf("the body is %q, want %q", got, tc.want)
				}
			})
		})
	}
}

// TestEvidenceOfStormsIsBounded has a storm of 102 incidents: the worst hundred get evidence, as
// long as a pass has half of its time left. Postburn stops just before a fifth pass.
func TestEvidenceOfStormsIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		takes, plays time.Duration
		all, pass    int
	}{
		"at once":           {0, 2*time.Minute - time.Second, 100, 100},
		"four seconds each": {4 * time.Second, 2*time.Minute - time.Second, 8, 2},
		"six seconds each":  {6 * time.Second, 2*time.Minute - time.Second, 4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun()
				for _, s := range wave("s", 102, 0, 0, 24*time.Hour) {
					i, _ := s.at(time.Now().Add(time.Minute))
					r.store.Put(i)
				}
				asked, most, n := map[string]bool{}, 0, 0
				var ended time.Time
				r.options.Collectors = []issue.Collector{func(_ context.Context, i alert.Incident) issue.Evidence {
					if !time.Now().Equal(ended) {
						n = 0 // another pass
					}
					asked[i.ID], n = true, n+1
					most = max(most, n)
					time.Sleep(tc.takes)
					ended = time.Now()
					return issue.Evidence{}
				}}
				r.alone(t, tc.plays)
				if len(asked) != tc.all || most != tc.pass {
					t.Errorf("%d incidents get evidence, want %d; %d in one pass, want %d", len(asked), tc.all, most, tc.pass)
				}
			})
		})
	}
}

// behind is a tracker with a clock that is behind.
type behind struct {
	*forge
	by time.Duration
}

func (b behind) Find(ctx context.Context, p issue.Post, since time.Time) ([]issue.Found, error) {
	return b.forge.Find(ctx, p, since.Add(b.by))
}

// TestATrackersClock loses the answer to the first issue, and looks for it by another clock. Five
// minutes are allowed for.
func TestATrackersClock(t *testing.T) {
	for by, want := range map[time.Duration]int{5 * time.Minute: 1, 5*time.Minute + time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(short())
			r.options.Tracker = behind{r.forge, by}
			first := true
			r.forge.fault = func(op string) fault {
				if op == "create checkout-1" && first {
					first = false
					return after
				}
				return none
			}
			r.until(t, 10*time.Minute, nil)
			if n := len(r.forge.issues()); n != want {
				t.Errorf("%s behind: %d issues, want %d", by, n, want)
			}
		})
	}
}

func TestHowOftenIssuesAreReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wantGaps(t, gaps(t, triaged(short()), 30*time.Minute, "list ", none), 2*time.Minute, 2*time.Minute, 2*time.Minute)
	})
}

// TestHowLongIssuesAreReadBack has a person close an issue just before postburn stops looking.
func TestHowLongIssuesAreReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := triaged(short())
		r.until(t, 30*time.Minute, nil)
		time.Sleep(30*24*time.Hour - 30*time.Minute)
		r.forge.onIssues(func(f *forged) { f.Closed = true })()
		r.until(t, 10*time.Minute, nil)
		if got := r.triage(t, "checkout-1"); got != issue.Noise {
			t.Errorf("it is triaged as %q", got)
		}
	})
}
