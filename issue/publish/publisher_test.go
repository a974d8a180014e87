package publish_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/issuetest"
	"github.com/postburn/postburn/issue/publish"
)

// run is a publisher at work in a bubble of time. It is started again whenever it dies.
type run struct {
	store    *issuetest.Store
	forge    *forge
	stories  []story
	options  publish.Options
	publish  *publish.Publisher
	registry *prometheus.Registry
	deaths   int
}

func newRun(stories ...story) *run {
	r := &run{store: issuetest.NewStore(), forge: newForge(), stories: stories}
	r.options = publish.Options{Store: r.store, Tracker: r.forge, Render: render}
	return r
}

// story of an incident that lasts 17 minutes.
func short() story {
	return story{group: "checkout", owner: "@alice", onset: time.Now().Truncate(time.Minute), spans: [][2]time.Duration{{0, 17 * time.Minute}}}
}

// story of an incident that comes back after 13 minutes, for 10.
func returning() story {
	s := short()
	s.spans = append(s.spans, [2]time.Duration{30 * time.Minute, 40 * time.Minute})
	return s
}

// onSave has saves go wrong.
func (r *run) onSave(hit func() fault) {
	r.store.OnSave = func() (done bool, err error) {
		f := hit()
		if f == crashBefore || f == crashAfter {
			r.forge.crash()
		}
		return f.takesEffect(), f.err()
	}
}

// until plays the stories up to an offset from now, with what people do at some times on the way.
func (r *run) until(t *testing.T, d time.Duration, people map[time.Duration]func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			life, die := context.WithCancel(ctx)
			r.forge.crash = die
			r.registry = prometheus.NewRegistry()
			r.options.Registerer = r.registry
			p := publish.New(r.options)
			r.publish = p
			if err := p.Run(life); err != nil {
				t.Errorf("Run: %v", err)
			}
			if ctx.Err() == nil {
				r.deaths++
			}
			die()
		}
	}()
	start := time.Now()
	for offset := time.Duration(0); offset < d; offset += 30 * time.Second {
		if do, ok := people[offset]; ok {
			synctest.Wait()
			do()
		}
		var all []alert.Incident
		for _, s := range r.stories {
			if i, ok := s.at(time.Now()); ok {
				all = append(all, i)
			}
		}
		r.store.Put(all...)
		synctest.Wait()
		if r.publish != nil {
			r.publish.Notify()
		}
		time.Sleep(time.Until(start.Add(offset + 30*time.Second)))
	}
	synctest.Wait()
	stop()
	<-done
}

func (r *run) wantKeys(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.forge.keys()); diff != "" {
		t.Errorf("texts at the tracker:\n%s", diff)
	}
}

func TestAnIncidentIsToldFromOpeningToRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		at := map[string]time.Duration{}
		start := time.Now()
		r.forge.fault = func(op string) fault {
			if _, ok := at[op]; !ok {
				at[op] = time.Since(start)
			}
			return none
		}
		r.until(t, 30*time.Minute, nil)
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1")
		ended := short().onset.Add(-30 * time.Minute).Add(17 * time.Minute).Format(time.TimeOnly)
		if got, want := r.forge.body(t, "checkout-1"), "opening, ended "+ended+", revision 35, edited false"; got != want {
			t.Errorf("the body is %q, want %q", got, want)
		}
		if got, want := r.forge.body(t, "checkout-1/recovery-1"), "recovery, ended "+ended+", revision 35, edited false"; got != want {
			t.Errorf("the recovery is %q, want %q", got, want)
		}
		if got, want := at["create checkout-1/progress"], 6*time.Minute; got != want {
			t.Errorf("the progress comment came after %s, want %s", got, want)
		}
		if got := strings.Count(strings.Join(r.forge.calls, "\n"), "replace checkout-1/progress"); got != 2 {
			t.Errorf("the progress comment was updated %d times in the 17 minutes, want 2: every 5 minutes", got)
		}
		if got := strings.Count(strings.Join(r.forge.calls, "\n"), "replace checkout-1\n"); got != 1 {
			t.Errorf("the body was written again %d times, want 1", got)
		}
		p, _ := r.store.Load("checkout-1")
		if posted := p.Parts.Posted("checkout-1"); posted != 35 {
			t.Errorf("revision %d is posted, want 35", posted)
		}
	})
}

func TestAnIncidentThatIsOverWhenItIsFirstPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		time.Sleep(time.Hour)
		r.until(t, 5*time.Minute, nil)
		r.wantKeys(t, "checkout-1")
		if got := r.forge.body(t, "checkout-1"); !strings.HasPrefix(got, "opening, ended") {
			t.Errorf("the body is %q", got)
		}
		if got := len(r.forge.calls); got != 3 {
			t.Errorf("calls: %v, want one look, one preparation and one creation", r.forge.calls)
		}
	})
}

func TestAnIncidentThatComesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		closed, completed bool
		wantOpen          bool
		want              []string // comments on its return
	}{
		"open":               {false, false, true, []string{"checkout-1/return-1", "checkout-1/recovery-2"}},
		"closed as done":     {true, true, true, []string{"checkout-1/return-1", "checkout-1/recovery-2"}},
		"closed as unwanted": {true, false, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(returning())
				r.until(t, time.Hour, map[time.Duration]func(){
					25 * time.Minute: func() {
						r.forge.person(func(f *forged) {
							f.Closed, f.Completed = tc.closed && f.Ref.Parent == 0, tc.completed && f.Ref.Parent == 0
						})
					},
				})
				r.wantKeys(t, append([]string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1"}, tc.want...)...)
				if got := r.forge.body(t, "checkout-1"); !strings.Contains(got, "revision 56") {
					t.Errorf("the body is %q, want the final one after the second end", got)
				}
				r.forge.person(func(f *forged) {
					if f.Ref.Parent == 0 && f.Closed == tc.wantOpen {
						t.Errorf("the issue's closed is %v", f.Closed)
					}
				})
			})
		})
	}
}

func TestWhatPeopleWroteIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(returning())
		r.until(t, time.Hour, map[time.Duration]func(){
			8 * time.Minute: func() {
				r.forge.person(func(f *forged) { f.Text.Body += " - a person's words" })
			},
		})
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2")
		for key, stage := range map[string]string{"checkout-1": "opening, burning", "checkout-1/progress": "progress, burning"} {
			if got := r.forge.body(t, key); !strings.HasPrefix(got, stage) || !strings.HasSuffix(got, "a person's words") {
				t.Errorf("%s is now %q", key, got)
			}
		}
		if got := r.forge.body(t, "checkout-1/recovery-1"); !strings.HasSuffix(got, "edited true") {
			t.Errorf("the recovery is %q and does not say that the body was left alone", got)
		}
	})
}

func TestWhatPeopleRemovedIsNotWrittenAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		remove string
		want   []string
	}{
		"the issue":   {"checkout-1", nil},
		"the comment": {"checkout-1/progress", []string{"checkout-1", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(returning())
				r.until(t, time.Hour, map[time.Duration]func(){8 * time.Minute: func() { r.forge.delete(tc.remove) }})
				r.wantKeys(t, tc.want...)
				if p, _ := r.store.Load("checkout-1"); p.Parts.Posted("checkout-1") != 56 {
					t.Errorf("revision %d is posted, want 56: there is nothing more to do", p.Parts.Posted("checkout-1"))
				}
			})
		})
	}
}

func TestALostStoreFindsItsIssuesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.until(t, 10*time.Minute, nil)
		r.forge.person(func(f *forged) {
			if f.Ref.Parent == 0 {
				f.Text.Body += " - a person's words"
				f.Key, f.marker = "older", issue.Marker{Key: "older", Group: f.marker.Group, Onset: f.marker.Onset.Add(-time.Minute)}
			}
		})
		r.store = issuetest.NewStore()
		r.options.Store = r.store
		r.until(t, 20*time.Minute, nil)
		keys := r.forge.keys()
		if got := len(slices.DeleteFunc(keys, func(k string) bool { return strings.Contains(k, "/") })); got != 1 {
			t.Errorf("there are %d issues: %v", got, r.forge.keys())
		}
		if got := r.forge.body(t, "older"); !strings.HasSuffix(got, "a person's words") {
			t.Errorf("the body is now %q", got)
		}
		if got := r.forge.body(t, "checkout-1/recovery-1"); !strings.HasSuffix(got, "edited true") {
			t.Errorf("the recovery is %q", got)
		}
	})
}

func TestAnotherIncidentOfTheGroupIsNotTakenForThisOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		other := short()
		other.onset = other.onset.Add(5 * time.Minute)
		r.until(t, 5*time.Minute, nil)
		i, _ := other.at(other.onset.Add(10 * time.Minute))
		i.ID = "checkout-2"
		r.store.Put(i)
		r.until(t, 5*time.Minute, nil)
		if keys := r.forge.keys(); !slices.Contains(keys, "checkout-2") {
			t.Errorf("the second incident has no issue: %v", keys)
		}
	})
}

func TestLabelsAndAssignees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.options.Settings = func(slo string) issue.Settings {
			return issue.Settings{Labels: []string{"post-mortem", slo}, Assign: "owner"}
		}
		r.until(t, 2*time.Minute, nil)
		r.forge.person(func(f *forged) {
			if diff := cmp.Diff([]string{"postburn", "status:burning", "post-mortem", "checkout"}, f.post.Labels); f.Ref.Parent == 0 && diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"alice"}, f.post.Assignees); f.Ref.Parent == 0 && diff != "" {
				t.Error(diff)
			}
		})
	})
}

func TestFactsOfABudgetBreach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		var facts issue.Facts
		r.options.ExternalURL = "https://postburn.example/"
		r.options.Render = func(f issue.Facts, s issue.Stage) (issue.Text, error) {
			if f.Incident.ID == "budget" {
				facts = f
			}
			return render(f, s)
		}
		r.until(t, 20*time.Minute, nil)
		r.stories = nil
		spender := r.store.Incident("checkout-1")
		spender.Windows[0].Bad = 12
		r.store.Put(spender)
		w := spender.Windows[0]
		w.Kind, w.Onset, w.Detected, w.Ended = alert.Budget, time.Now().Add(-30*time.Second), time.Now(), time.Time{}
		w.Objective.Window.Rolling = time.Hour
		r.store.Put(alert.Incident{ID: "budget", Revision: 1, Group: "checkout budget", Windows: []alert.Window{w}})
		r.until(t, 20*time.Minute, nil)
		want := []issue.Spender{{Of: w.ID(), ID: "checkout-1", Onset: spender.Onset(), Bad: 12, URL: "https://forge.example/1"}}
		if diff := cmp.Diff(want, facts.SpentBy); diff != "" {
			t.Error(diff)
		}
		if facts.URL != "https://postburn.example/incidents/budget" || !facts.AsOf.Equal(w.Detected) {
			t.Errorf("the page is %s, the numbers as of %s", facts.URL, facts.AsOf)
		}
		if keys := r.forge.keys(); slices.Contains(keys, "budget/progress") {
			t.Errorf("a budget that stays spent has progress: %v", keys)
		}
	})
}

func TestFencedStoreEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		i, _ := r.stories[0].at(time.Now().Add(5 * time.Minute))
		r.store.Put(i)
		r.options.Store = fenced{r.store}
		if err := publish.New(r.options).Run(t.Context()); err == nil {
			t.Error("Run went on with a store that another process has taken over")
		}
		if len(r.forge.keys()) > 0 {
			t.Errorf("it wrote %v", r.forge.keys())
		}
	})
}

type fenced struct{ *issuetest.Store }

func (fenced) Save(context.Context, issue.Publication) error {
	return fmt.Errorf("saving: %w", alert.ErrFenced)
}

func TestMetricsAreWellNamed(t *testing.T) {
	reg := prometheus.NewRegistry()
	publish.New(publish.Options{Registerer: reg})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(reg, "postburn_publication_writes_total"); err != nil || n != 77 {
		t.Errorf("%d series of writes from the start, %v, want 77", n, err)
	}
}
