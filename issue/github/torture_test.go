package github_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// returning is an incident that comes back after 13 minutes.
func returning() func(time.Time) (alert.Incident, bool) {
	onset := time.Now().Truncate(time.Minute)
	return func(now time.Time) (alert.Incident, bool) {
		return incident("checkout", onset, now, [2]time.Duration{0, 17 * time.Minute}, [2]time.Duration{30 * time.Minute, 40 * time.Minute})
	}
}

// suffer plays an incident with a misfortune at the n-th request, and returns how many requests
// there were.
func suffer(t *testing.T, name string, n int, edit bool) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		r := newTorture(t)
		fault := r.misfortunes()[name]
		r.server.Fault = func(q githubtest.Request) githubtest.Fault {
			if q.N == n {
				return fault()
			}
			return githubtest.Fault{}
		}
		r.people = map[time.Duration]func(){22 * time.Minute: func() {
			each(r.server, func(i *githubtest.Issue) { i.State, i.Reason = "closed", "completed" })
		}}
		if edit {
			r.people[12*time.Minute] = func() {
				each(r.server, func(i *githubtest.Issue) { i.Body += "\nA person's words.\n" })
			}
		}
		r.until(t, 90*time.Minute, returning())
		want := []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/recovery-2", "checkout-1/return-1"}
		if diff := cmp.Diff(want, r.keys()); diff != "" {
			t.Errorf("texts: %s", diff)
		}
		if strings.HasPrefix(name, "dies") && n > 0 && r.deaths != 1 {
			t.Errorf("died %d times", r.deaths)
		}
		each(r.server, func(i *githubtest.Issue) {
			if edit != strings.HasSuffix(i.Body, "\nA person's words.\n") {
				t.Errorf("the body, edited %v, is\n%s", edit, i.Body)
			}
			if over := strings.Contains(i.Body, "within its target again at"); over == edit || !strings.Contains(i.Body, "## Analysis") {
				t.Errorf("the body, edited %v, is\n%s", edit, i.Body)
			}
			if i.State != "open" || !slices.Equal(i.Labels, []string{"postburn", "service:checkout", "post-mortem", "status:recovered"}) {
				t.Errorf("the issue is %s with the labels %q: it came back", i.State, i.Labels)
			}
		})
		requests = len(r.server.Requests())
		if t.Failed() {
			for _, q := range r.server.Requests() {
				t.Logf("%d: %s %s at %s", q.N, q.Method, q.Path, q.At.Format(time.TimeOnly))
			}
			p, _ := r.store.Load("checkout-1")
			for _, w := range p.Writes {
				t.Logf("%s is %s, not until %s: %s", w.Key, w.State, w.NotUntil.Format(time.TimeOnly), w.Error)
			}
		}
	})
	return requests
}

// isTried reports whether the i-th misfortune is tried at the n-th request. TORTURE tries all, as
// `make torture` and `make race` do. Else each request has a quarter of them, and each of them a
// quarter of the requests.
func isTried(n, i int) bool { return os.Getenv("TORTURE") != "" || (n+i)%4 == 0 }

func TestExactlyOneIssueWhateverGitHubDoes(t *testing.T) {
	for _, edit := range []bool{false, true} {
		total := suffer(t, "500", 0, edit)
		if total < 15 {
			t.Fatalf("only %d requests: the story is too short to try anything", total)
		}
		for i, name := range slices.Sorted(maps.Keys((&torture{}).misfortunes())) {
			t.Run(fmt.Sprintf("%s, edited %v", name, edit), func(t *testing.T) {
				t.Parallel()
				first := 1
				if edit {
					first = 7 // all before the edit is the same without one
				}
				for n := first; n <= total; n++ {
					if !isTried(n, i) {
						continue
					}
					suffer(t, name, n, edit)
					if t.Failed() {
						t.Fatalf("at request %d of %d", n, total)
					}
				}
			})
		}
	}
}

// TestExactlyOneReportWhateverGitHubDoes opens the issue of a month's report while one request goes
// wrong.
func TestExactlyOneReportWhateverGitHubDoes(t *testing.T) {
	play := func(name string, n int) (requests int) {
		synctest.Test(t, func(t *testing.T) {
			r := newTorture(t)
			fault := r.misfortunes()[name]
			r.server.Fault = func(q githubtest.Request) githubtest.Fault {
				if q.N == n {
					return fault()
				}
				return githubtest.Fault{}
			}
			r.reports = issue.Reporter{
				Repositories: func() []string { return []string{""} },
				Write: func(_ context.Context, month time.Time, _ string) (issue.Text, bool, error) {
					return issue.Text{Title: "On " + month.Format("2006-01"), Body: "Written at " + time.Now().Format(time.TimeOnly)}, true, nil
				},
			}
			r.until(t, 40*time.Minute)
			if diff := cmp.Diff([]string{"report-1999-11"}, r.keys()); diff != "" {
				t.Errorf("%s at request %d: %s", name, n, diff)
			}
			each(r.server, func(i *githubtest.Issue) {
				if i.Title != "On 1999-11" || i.State != "open" || !slices.Equal(i.Labels, []string{"postburn", "report"}) {
					t.Errorf("%s at request %d: the issue is %+v", name, n, i)
				}
			})
			requests = len(r.server.Requests())
		})
		return requests
	}
	total := play("500", 0)
	if total < 3 {
		t.Fatalf("only %d requests", total)
	}
	for _, name := range slices.Sorted(maps.Keys((&torture{}).misfortunes())) {
		for n := 1; n <= total && !t.Failed(); n++ {
			play(name, n)
		}
	}
}

// TestExactlyOneIssueEach has every fifth request go wrong while 20 incidents come and go.
func TestExactlyOneIssueEach(t *testing.T) {
	const n = 20
	misfortunes(t, 8*time.Hour, func(start time.Time, random *rand.Rand) (incidents []func(time.Time) (alert.Incident, bool)) {
		for k := range n {
			onset, length := start.Add(time.Duration(k)*10*time.Minute), time.Duration(5+random.IntN(60))*time.Minute
			incidents = append(incidents, func(now time.Time) (alert.Incident, bool) {
				return incident(fmt.Sprintf("service-%02d", k), onset, now, [2]time.Duration{0, length})
			})
		}
		return incidents
	}, func(t *testing.T, repo *githubtest.Repository) {
		if len(repo.Issues) != n {
			t.Errorf("%d issues, want %d", len(repo.Issues), n)
		}
		for _, i := range repo.Issues {
			if !strings.Contains(i.Body, "within its target again at") {
				t.Errorf("issue %d is not complete:\n%s", i.Number, i.Body)
			}
		}
	})
}

// TestAStormIsOneIssue has every fifth request go wrong while a storm goes on that others join.
func TestAStormIsOneIssue(t *testing.T) {
	const n = 30
	misfortunes(t, 2*time.Hour, func(start time.Time, random *rand.Rand) (incidents []func(time.Time) (alert.Incident, bool)) {
		for k := range n {
			onset, length := start.Add(time.Duration(max(0, k-15))*3*time.Minute), time.Duration(10+random.IntN(60))*time.Minute
			incidents = append(incidents, func(now time.Time) (alert.Incident, bool) {
				return incident(fmt.Sprintf("service-%02d", k), onset, now, [2]time.Duration{0, length})
			})
		}
		return incidents
	}, func(t *testing.T, repo *githubtest.Repository) {
		if len(repo.Issues) != 1 {
			t.Fatalf("%d issues, want 1", len(repo.Issues))
		}
		i := repo.Issues[0]
		if strings.Count(i.Body, "\n| `service-") != n || strings.Contains(i.Body, "goes on") {
			t.Errorf("the body is not complete:\n%s", i.Body)
		}
		if len(i.Comments) < 1 || len(i.Comments) > 4 {
			t.Errorf("%d comments", len(i.Comments))
		}
		if len(i.Labels) != 13 || !slices.Contains(i.Labels, "status:recovered") || slices.Contains(i.Labels, "status:burning") {
			t.Errorf("the labels are %q", i.Labels)
		}
	})
}

// misfortunes plays incidents while every fifth request goes wrong, until it is calm; no text may
// be there twice.
func misfortunes(t *testing.T, calm time.Duration, play func(time.Time, *rand.Rand) []func(time.Time) (alert.Incident, bool), check func(*testing.T, *githubtest.Repository)) {
	drawn := seed.Of(t)
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(drawn, 0))
		r := newTorture(t)
		r.reads = true
		names := slices.Sorted(maps.Keys(r.misfortunes()))
		start, denied := time.Now(), map[string]int{} // how often in a row a path was not there: three times, and it is gone
		r.server.Fault = func(q githubtest.Request) githubtest.Fault {
			if time.Since(start) > calm || random.IntN(5) > 0 {
				delete(denied, q.Path)
				return githubtest.Fault{}
			}
			name := names[random.IntN(len(names))]
			if denied[q.Path]++; name != "404" && name != "410" {
				delete(denied, q.Path)
			} else if denied[q.Path] > 2 {
				return githubtest.Fault{}
			}
			return r.misfortunes()[name]()
		}
		r.until(t, calm+2*time.Hour, play(start, random)...)
		seen := map[string]int{}
		for _, key := range r.keys() {
			seen[key]++
		}
		for key, times := range seen {
			if times != 1 {
				t.Errorf("%s is there %d times", key, times)
			}
		}
		r.server.Change(acme, func(repo *githubtest.Repository) { check(t, repo) })
		t.Logf("%d requests, died %d times", len(r.server.Requests()), r.deaths)
		for _, p := range r.store.Publications() {
			for _, w := range p.Writes {
				if t.Failed() {
					t.Logf("%s is %s, %s, not until %s: %s", w.Key, w.State, p.Triage, w.NotUntil.Format(time.TimeOnly), w.Error)
				}
			}
		}
	})
}
