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

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/issuetest"
	"github.com/postburn/postburn/slo"
)

// at is a story that begins at an offset from now, and burns for a time.
func at(group string, offset, length time.Duration) story {
	return story{group: group, onset: time.Now().Truncate(time.Minute).Add(offset), spans: [][2]time.Duration{{0, length}}}
}

// wave returns stories that begin one after another.
func wave(prefix string, n int, offset, every, length time.Duration) (all []story) {
	for i := range n {
		all = append(all, at(fmt.Sprintf("%s%02d", prefix, i), offset+time.Duration(i)*every, length))
	}
	return all
}

// issues returns the keys of all issues, sorted.
func (g *forge) issues() (keys []string) {
	for _, k := range g.keys() {
		if !strings.Contains(k, "/") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func TestStorm(t *testing.T) {
	const minute = time.Minute
	for name, tc := range map[string]struct {
		stories func() []story
		want    []string // issues
		parts   int      // of the storm
	}{
		"five at once are none": {
			func() []story { return wave("s", 5, 0, 0, 20*minute) }, []string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1"}, 0,
		},
		"six at once": {func() []story { return wave("s", 6, 0, 0, 20*minute) }, []string{"s00-1"}, 6},
		"one every two minutes": {
			func() []story { return wave("s", 8, 0, 2*minute, 20*minute) }, []string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1", "s05-1"}, 3,
		},
		"one every three minutes is none": {
			func() []story { return wave("s", 7, 0, 3*minute, 20*minute) },
			[]string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1", "s05-1", "s06-1"}, 0,
		},
		"others join while it goes on": {
			func() []story {
				return append(wave("s", 20, 0, 0, 20*minute), at("t", 9*minute, 10*minute), at("u", 19*minute, 10*minute))
			}, []string{"s00-1"}, 22,
		},
		"those that come back do not prolong it": {
			func() []story {
				again := at("s00", 9*minute, 2*minute)
				again.id = "again"
				return append(wave("s", 20, 0, 0, minute), again, at("t", 11*minute, 10*minute))
			}, []string{"s00-1", "t-1"}, 21,
		},
		"it ends when none begins for ten minutes": {
			func() []story { return append(wave("s", 20, 0, 0, 20*minute), at("t", 11*minute, 10*minute)) }, []string{"s00-1", "t-1"}, 20,
		},
		"six without data at once": {
			func() []story {
				blind := wave("s", 6, 0, 0, 20*minute)
				for n := range blind {
					blind[n].kind = alert.Blindness
				}
				return append(blind, at("burns", minute, 10*minute))
			}, []string{"burns-1", "s00-1"}, 6,
		},
		"one joins when the others are over": {
			func() []story { return append(wave("s", 10, 0, 0, 3*minute), at("t", 9*minute, 10*minute)) }, []string{"s00-1"}, 11,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(tc.stories()...)
				r.until(t, 90*time.Minute, nil)
				if diff := cmp.Diff(tc.want, r.forge.issues()); diff != "" {
					t.Errorf("issues (-want +got):\n%s", diff)
				}
				parts := 0
				for _, p := range r.store.Publications() {
					if p.Kind == issue.Storm {
						parts += len(p.Parts)
					}
					for _, part := range p.Parts {
						if part.Posted != r.store.Incident(part.Incident).Revision {
							t.Errorf("%s: %+v is not posted", p.Key, part)
						}
					}
				}
				if parts != tc.parts {
					t.Errorf("%d incidents are part of a storm, want %d", parts, tc.parts)
				}
			})
		})
	}
}

// TestOneKilledServerIsNoStorm has three objectives burn, have no data and have spent their
// budgets, and something else break ten minutes later.
func TestOneKilledServerIsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stories []story
		for n := range 3 {
			for minutes, kind := range []alert.Kind{alert.Burn, alert.Blindness, alert.Budget} {
				s := at(fmt.Sprintf("s%d-%s", n, kind), time.Duration(minutes)*time.Minute, 5*time.Minute)
				s.kind = kind
				stories = append(stories, s)
			}
		}
		r := newRun(append(stories, at("other", 10*time.Minute, 10*time.Minute))...)
		r.until(t, time.Hour, nil)
		want := []string{
			"other-1", "s0-blind-1", "s0-budget-1", "s0-burn-1", "s1-blind-1", "s1-budget-1", "s1-burn-1", "s2-blind-1", "s2-budget-1", "s2-burn-1",
		}
		if diff := cmp.Diff(want, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
		for _, p := range r.store.Publications() {
			if p.Kind != issue.Single {
				t.Errorf("%s is a %s", p.Key, p.Kind)
			}
		}
	})
}

// TestAnIncidentThatJoinsAStormHasItsIssueAtOnce has one join when there is nothing to write.
func TestAnIncidentThatJoinsAStormHasItsIssueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(append(wave("s", 6, 0, 0, 20*time.Minute), at("late", 7*time.Minute, 10*time.Minute))...)
		r.until(t, 8*time.Minute+30*time.Second, nil)
		if p, _ := r.store.Load("late-1"); p.Key != "s00-1" || p.URL() == "" {
			t.Errorf("it is part of publication %q at %q", p.Key, p.URL())
		}
	})
}

// TestStormIsToldWithoutAFlood has incidents join a storm and recover one after another.
func TestStormIsToldWithoutAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 40, 0, 0, 20*time.Minute)
		for n := range stories {
			stories[n].spans[0][1] += time.Duration(n) * 30 * time.Second
		}
		r := newRun(append(stories, wave("t", 10, 3*time.Minute, time.Minute, 15*time.Minute)...)...)
		r.until(t, 90*time.Minute, nil)
		r.wantKeys(t, "s00-1", "s00-1/progress", "s00-1/recovery-1")
		for key, stage := range map[string]string{"s00-1": "opening", "s00-1/recovery-1": "recovery"} {
			body := r.forge.body(t, key)
			if !strings.HasPrefix(body, stage+" of a storm, 0 open") || strings.Count(body, " s") != 41 || strings.Count(body, " t") != 10 {
				t.Errorf("%s is %q", key, body)
			}
		}
		if n := strings.Count(strings.Join(r.forge.calls, "\n"), "replace "); n > 10 {
			t.Errorf("%d texts were replaced in 40 minutes", n)
		}
	})
}

// TestEvidenceOfEachIncidentOfAStormIsKept has evidence take longer than a pass has time for.
func TestEvidenceOfEachIncidentOfAStormIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 8, 0, 0, 20*time.Minute)
		stories[7].spans[0][1] += 15 * time.Minute
		r := newRun(stories...)
		began, opened := time.Now(), time.Duration(0)
		asked := map[string]int{}
		r.options.ExternalURL = "https://postburn.example/"
		r.options.Collectors = []issue.Collector{func(_ context.Context, i alert.Incident) issue.Evidence {
			time.Sleep(3 * time.Second)
			asked[i.Group]++
			return issue.Evidence{Timeline: []issue.Entry{{Text: fmt.Sprintf("of %s, open %t", i.Group, i.IsOpen())}}}
		}}
		var pages map[string]string
		r.options.Render = func(f issue.Facts, stage issue.Stage) (issue.Text, error) {
			if opened == 0 {
				opened = time.Since(began)
			}
			pages = f.Pages
			return render(f, stage)
		}
		kept := func(want string) func() {
			return func() {
				for n := range 8 {
					id := fmt.Sprintf("s%02d-1", n)
					pub, _ := r.store.Load(id)
					e, ok, err := pub.Parts.Evidence(id)
					if err != nil || !ok || pub.Kind != issue.Storm || len(e.Timeline) != 1 || e.Timeline[0].Text != fmt.Sprintf(want, n) {
						t.Errorf("%s at %s: %+v, %t, %v", id, time.Since(began), e, ok, err)
					}
				}
			}
		}
		r.until(t, time.Hour, map[time.Duration]func(){10 * time.Minute: kept("of s%02d, open true")})
		kept("of s%02d, open false")()
		for group, n := range asked {
			if n != 2 {
				t.Errorf("evidence of %s was fetched %d times", group, n)
			}
		}
		if opened > 75*time.Second {
			t.Errorf("the issue waited for %s", opened)
		}
		if want := "https://postburn.example/incidents/s07-1"; pages["s07-1"] != want {
			t.Errorf("the page of an incident is %q, want %q", pages["s07-1"], want)
		}
		storm, _ := r.store.Load("s00-1")
		for _, part := range storm.Parts {
			if part.Posted != r.store.Incident(part.Incident).Revision {
				t.Errorf("%+v is not posted", part)
			}
		}
	})
}

// TestASpentBudgetHoldsNothingUp has an incident recover while its budget stays overspent for
// hours.
func TestASpentBudgetHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun()
		onset := time.Now().Truncate(time.Minute)
		r.options.Render = func(f issue.Facts, stage issue.Stage) (issue.Text, error) {
			text := fmt.Sprintf("%s, over %t, of kind %s", stage, !issue.IsOpen(f.Incident), issue.Headline(f.Incident).Kind)
			for _, s := range f.SpentBy {
				text += fmt.Sprintf(", %g spent by %s", s.Bad, s.ID)
			}
			for _, w := range f.Incident.Windows {
				if w.Kind == alert.Budget {
					text += fmt.Sprintf(", overspent %t", w.IsOpen())
				}
			}
			return issue.Text{Title: "t", Body: text}, nil
		}
		revision := 0
		tick := func(burns, overspent bool) func() {
			return func() {
				revision++
				i := alert.Incident{ID: "a", Revision: revision, Group: "a", Windows: []alert.Window{
					{Kind: alert.Burn, Onset: onset, Detected: onset.Add(time.Minute), Counts: slo.Counts{Total: 100, Bad: 50}},
					{Kind: alert.Budget, Onset: onset, Detected: onset.Add(time.Minute), Counts: slo.Counts{Total: float64(revision)}},
				}}
				i.Windows[1].Objective.Window.Rolling = time.Hour
				if !burns {
					i.Windows[0].Ended = onset.Add(10 * time.Minute)
				}
				if !overspent {
					i.Windows[1].Ended = onset.Add(2 * time.Hour)
				}
				r.store.Put(i)
			}
		}
		ticks := map[time.Duration]func(){}
		for at := time.Minute; at < 3*time.Hour; at += 30 * time.Second {
			ticks[at] = tick(at < 15*time.Minute, at < 2*time.Hour)
		}
		calls := 0
		for at, want := range map[time.Duration]int{20 * time.Minute: -1, 110 * time.Minute: 0, 130 * time.Minute: 1, 170 * time.Minute: 0} {
			next := ticks[at]
			ticks[at] = func() {
				if n := len(r.forge.calls) - calls; want >= 0 && n != want {
					t.Errorf("%d calls up to %s: %q", n, at, r.forge.calls[calls:])
				}
				calls = len(r.forge.calls)
				next()
			}
		}
		r.until(t, 3*time.Hour, ticks)
		r.wantKeys(t, "a", "a/progress", "a/recovery-1")
		if got, want := r.forge.body(t, "a"), "opening, over true, of kind burn, 50 spent by a, overspent false"; got != want {
			t.Errorf("the body is %q, want %q", got, want)
		}
		if got, want := r.forge.body(t, "a/recovery-1"), "recovery, over true, of kind burn, 50 spent by a, overspent true"; got != want {
			t.Errorf("the recovery is %q, want %q", got, want)
		}
		if !slices.Contains(r.forge.texts[0].labels, "status:recovered") {
			t.Errorf("labels %q", r.forge.texts[0].labels)
		}
		if pub, _ := r.store.Load("a"); pub.Parts.Posted("a") != revision {
			t.Errorf("revision %d is posted, of %d", pub.Parts.Posted("a"), revision)
		}
	})
}

func TestAStormNeverSpansRepositories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 12, 0, 0, 20*time.Minute)
		for n := range stories {
			stories[n].repository = []string{"acme/a", "acme/b", ""}[n%3]
			if n > 8 {
				stories[n].repository = "acme/a"
			}
		}
		r := newRun(stories...)
		r.until(t, time.Hour, nil)
		if diff := cmp.Diff([]string{"s00-1", "s01-1", "s02-1", "s04-1", "s05-1", "s07-1", "s08-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}

func TestAStormIsFoundAgainByAStoreThatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(wave("s", 10, 0, 0, 40*time.Minute)...)
		r.until(t, 10*time.Minute, nil)
		r.store = issuetest.NewStore()
		r.options.Store = r.store
		for n := range r.stories {
			r.stories[n].onset = r.stories[n].onset.Add(time.Minute)
			r.stories[n].group = "later-" + r.stories[n].group
		}
		r.until(t, time.Hour, nil)
		if diff := cmp.Diff([]string{"s00-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}

// TestStormsOfTwoKindsAreFoundAgain has a store be lost while many groups burn, and as many others
// have had no data since the same minute: each storm finds its own issue.
func TestStormsOfTwoKindsAreFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blind := wave("t", 7, 0, 0, 40*time.Minute)
		for n := range blind {
			blind[n].kind = alert.Blindness
		}
		r := newRun(append(wave("s", 7, 0, 0, 40*time.Minute), blind...)...)
		r.until(t, 10*time.Minute, nil)
		r.store = issuetest.NewStore()
		r.options.Store = r.store
		for n := range r.stories {
			r.stories[n].group = "later-" + r.stories[n].group
		}
		r.until(t, time.Hour, nil)
		if diff := cmp.Diff([]string{"s00-1", "t00-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
		numbers := map[int64]bool{}
		for _, p := range r.store.Publications() {
			numbers[p.Writes[0].Ref.Number] = true
		}
		if len(numbers) != 2 {
			t.Errorf("the two storms have the issues %v", numbers)
		}
	})
}

func TestAStormWhoseIssueWasDeletedIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(append(wave("s", 10, 0, 0, 30*time.Minute), at("late", 8*time.Minute, 10*time.Minute))...)
		r.until(t, time.Hour, map[time.Duration]func(){4 * time.Minute: func() { r.forge.delete("s00") }})
		if diff := cmp.Diff([]string{"late-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}
