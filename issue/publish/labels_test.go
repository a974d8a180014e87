package publish_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// labelsOf returns the only issue's labels, sorted.
func labelsOf(t *testing.T, g *forge) (labels []string) {
	t.Helper()
	g.onIssues(func(f *forged) { labels = slices.Sorted(slices.Values(f.labels)) })()
	return labels
}

func TestLabelsFollowTheIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := returning()
		s.severity = map[int]int{1: 3, 10: 1, 45: 2} // it worsens; the second breach is milder
		r := newRun(s)
		r.options.Settings = func(string) issue.Settings { return issue.Settings{Labels: []string{"post-mortem"}} }
		got := map[time.Duration][]string{}
		people := map[time.Duration]func(){}
		for _, offset := range []time.Duration{2 * time.Minute, 10 * time.Minute, 25 * time.Minute, 35 * time.Minute} {
			people[offset] = func() { got[offset] = labelsOf(t, r.forge) }
		}
		r.until(t, 90*time.Minute, people)
		got[90*time.Minute] = labelsOf(t, r.forge)
		want := map[time.Duration][]string{
			2 * time.Minute:  {"post-mortem", "postburn", "severity:3", "status:burning"},
			10 * time.Minute: {"post-mortem", "postburn", "severity:1", "status:burning"},
			25 * time.Minute: {"post-mortem", "postburn", "severity:1", "status:recovered"},
			35 * time.Minute: {"post-mortem", "postburn", "severity:1", "status:burning"},
			90 * time.Minute: {"post-mortem", "postburn", "severity:1", "status:recovered"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if n := strings.Count(strings.Join(r.forge.calls, "\n"), "change checkout-1"); n != 4 {
			t.Errorf("labels were exchanged %d times, want 4", n)
		}
	})
}

func TestWhereLabelsAreLeftOutNoneAreExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(returning())
		r.forge.drop = func(p issue.Post) []string { return append(slices.Clone(p.Labels), "@alice") }
		r.until(t, 90*time.Minute, nil)
		if calls := strings.Join(r.forge.calls, "\n"); strings.Contains(calls, "change") {
			t.Errorf("labels were exchanged:\n%s", calls)
		}
		said := 0
		for _, key := range r.forge.keys() {
			if strings.Contains(r.forge.body(t, key), "without postburn status:burning @alice") {
				said++
			}
		}
		if said != 1 || !strings.Contains(r.forge.body(t, "checkout-1"), "without") {
			t.Errorf("what was left out is said %d times; the body is %q", said, r.forge.body(t, "checkout-1"))
		}
	})
}

func TestWhatWasLeftOutIsSaidWhereTheBodyWasEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.forge.drop = func(issue.Post) []string { return []string{"@alice"} }
		r.until(t, time.Hour, map[time.Duration]func(){
			8 * time.Minute: r.forge.onIssues(func(f *forged) { f.Text.Body += " - a person's words" }),
		})
		if body := r.forge.body(t, "checkout-1/recovery-1"); !strings.HasSuffix(body, "without @alice") {
			t.Errorf("the comment is %q", body)
		}
	})
}

func TestOwners(t *testing.T) {
	for name, tc := range map[string]struct {
		assign, owner string
		assigned      []string
		body          string // how it ends
	}{
		"a user is assigned":     {issue.AssignOwner, "@alice", []string{"alice"}, "edited false"},
		"without an @":           {issue.AssignOwner, "alice", []string{"alice"}, "edited false"},
		"a team is mentioned":    {issue.AssignOwner, "@acme/checkout", nil, "for @acme/checkout"},
		"a user is mentioned":    {issue.AssignMention, "alice", nil, "for @alice"},
		"nobody":                 {issue.AssignNone, "@alice", nil, "edited false"},
		"nobody is owner":        {issue.AssignOwner, "", nil, "edited false"},
		"what is no login":       {issue.AssignMention, "alice @bob #1 <b>", nil, "edited false"},
		"what is no team":        {issue.AssignOwner, "@acme/checkout @bob", nil, "edited false"},
		"a login with a line":    {issue.AssignMention, "alice\n@bob", nil, "edited false"},
		"a login that ends in -": {issue.AssignMention, "alice-", nil, "edited false"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := short()
				s.owner = tc.owner
				r := newRun(s)
				r.options.Settings = func(string) issue.Settings { return issue.Settings{Assign: tc.assign} }
				r.until(t, 2*time.Minute, nil)
				r.forge.person(func(f *forged) {
					if diff := cmp.Diff(tc.assigned, f.post.Assignees); diff != "" {
						t.Errorf("assigned (-want +got):\n%s", diff)
					}
					if !strings.HasSuffix(f.Text.Body, tc.body) {
						t.Errorf("the body is %q", f.Text.Body)
					}
				})
			})
		})
	}
}

func TestAStormCallsNobodyAndHasFewLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 30, 0, 0, 20*time.Minute)
		for n := range stories {
			stories[n].owner, stories[n].service = "@alice", stories[n].group
			stories[n].severity = map[int]int{1: 1 + n%4}
		}
		stories = append(stories, at("late", 5*time.Minute, 10*time.Minute))
		stories[30].service = "late"
		r := newRun(stories...)
		r.options.Settings = func(string) issue.Settings { return issue.Settings{Assign: issue.AssignOwner} }
		r.until(t, 10*time.Minute, nil)
		labels := labelsOf(t, r.forge)
		if len(labels) != 13 || !slices.Contains(labels, "severity:1") || !slices.Contains(labels, "service:s00") || slices.Contains(labels, "service:s02") {
			t.Errorf("the labels are %q", labels)
		}
		r.forge.onIssues(func(f *forged) {
			if len(f.post.Assignees) > 0 || strings.Contains(f.Text.Body, "alice") {
				t.Errorf("it calls %q: %s", f.post.Assignees, f.Text.Body)
			}
		})()
	})
}

// TestDyingWhileLabelsAreMadeCostsNothing: the issue is not on its way yet.
func TestDyingWhileLabelsAreMadeCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		died := false
		r.forge.fault = func(op string) fault {
			if strings.HasPrefix(op, "prepare") && !died {
				died = true
				return crashAfter
			}
			return none
		}
		r.until(t, 90*time.Second, nil)
		if got := r.forge.issues(); len(got) != 1 || r.deaths != 1 {
			t.Errorf("after half a minute there are the issues %v; it died %d times", got, r.deaths)
		}
	})
}

// TestAnIssueIsFoundWhenItsIncidentIsOver: postburn died as it made the issue, and did not find it
// for as long as the incident went on. Its labels are those of that time.
func TestAnIssueIsFoundWhenItsIncidentIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := short()
		s.severity, s.service = map[int]int{1: 3, 30: 1}, "shop"
		r := newRun(s)
		found := time.Now().Add(30 * time.Minute)
		r.forge.fault = func(op string) fault {
			switch {
			case op == "create checkout-1":
				return crashAfter
			case op == "find checkout-1" && len(r.forge.texts) > 0 && time.Now().Before(found):
				return before
			}
			return none
		}
		r.until(t, 2*time.Hour, nil)
		r.wantKeys(t, "checkout-1", "checkout-1/recovery-1")
		if diff := cmp.Diff([]string{"postburn", "service:shop", "severity:1", "status:recovered"}, labelsOf(t, r.forge)); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if body := r.forge.body(t, "checkout-1"); !strings.HasPrefix(body, "opening, ended") || strings.Contains(body, "without") {
			t.Errorf("the body is %q", body)
		}
	})
}

func TestWhatWasLeftOutIsSaidOfAnIncidentThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		r.forge.drop = func(issue.Post) []string { return []string{"@alice"} }
		time.Sleep(time.Hour)
		r.until(t, 5*time.Minute, nil)
		r.wantKeys(t, "checkout-1")
		if body := r.forge.body(t, "checkout-1"); !strings.HasSuffix(body, "without @alice") {
			t.Errorf("the body is %q", body)
		}
	})
}
