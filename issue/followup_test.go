package issue_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func TestIssueAddress(t *testing.T) {
	const in = "https://github.example/ghe/acme/shop/issues/57"
	for name, want := range map[string]string{
		"#12":                                   "https://github.example/ghe/acme/shop/issues/12",
		"acme/search#7":                         "https://github.example/ghe/acme/search/issues/7",
		"https://github.com/acme/shop/issues/9": "https://github.com/acme/shop/issues/9",
		"https://github.com/acme/shop/pull/9#issuecomment-1": "https://github.com/acme/shop/pull/9",
		"https://github.com/acme/shop/issues/9?x=y":          "https://github.com/acme/shop/issues/9",
		in:                                   "",
		"https://github.com/acme/shop":       "",
		"https://wiki.example/a/b/issues/x":  "",
		"https://u:p@h.example/a/b/issues/1": "",
		"javascript:alert(1)//a/b/issues/1":  "",
		"#x":                                 "",
		"":                                   "",
	} {
		if got := issue.IssueAddress(name, in); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got := issue.IssueAddress("#12", "postmortems/checkout.md"); got != "" {
		t.Errorf("in a file: %q", got)
	}
}

func TestNoteTasks(t *testing.T) {
	start := time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
	later := start.Add(time.Hour)
	p := issue.Publication{Key: "checkout-1", Writes: []issue.Write{{Ref: issue.Ref{URL: "https://github.com/acme/shop/issues/57"}}}}
	note := func(now time.Time, want bool, texts ...string) {
		t.Helper()
		var tasks []issue.Task
		for _, text := range texts {
			text, done := strings.CutPrefix(text, "x ")
			text, named, _ := strings.Cut(text, " see ")
			tasks = append(tasks, issue.Task{Text: text, Done: done, Issue: named})
		}
		if got := p.FollowUps.Note(tasks, p.URL(), now); got != want {
			t.Errorf("%q: changed is %v, want %v", texts, got, want)
		}
	}
	note(start, true, "Set a timeout", "Alert on the queue", "Set a timeout")
	note(later, false, "Set a timeout", "Alert on the queue", "Set a timeout")
	note(later, true, "Practise", "Alert on the long queue (bob)", "x Set a timeout see #12")
	want := issue.FollowUps{
		{Text: "Practise", Opened: later},
		{Text: "Alert on the long queue (bob)", Opened: start},
		{Text: "Set a timeout", Opened: start, Done: later, Ticked: true, Issue: "https://github.com/acme/shop/issues/12"},
	}
	if diff := cmp.Diff(want, p.FollowUps); diff != "" {
		t.Errorf("follow-ups (-want +got):\n%s", diff)
	}
	if !p.FollowUps.NoteIssue("https://github.com/acme/shop/issues/12", true, later) || p.FollowUps.NoteIssue("https://github.com/acme/shop/issues/12", true, later) {
		t.Error("the closed issue is no news, or news twice")
	}
	note(later, true, "Set a timeout see #12") // unticked, and closed still
	if p.FollowUps[0].IsOpen() {
		t.Errorf("it is open: %+v", p.FollowUps)
	}
	note(later, true, "Set a timeout see #13")
	if !p.FollowUps[0].IsOpen() || len(p.FollowUps.Overdue(time.Hour, later)) != 1 || len(p.FollowUps.Overdue(2*time.Hour, later)) != 0 {
		t.Errorf("with another issue: %+v", p.FollowUps)
	}
	var many []string
	for range 2 * issue.MaxFollowUps {
		many = append(many, strings.Repeat("ü", 1000))
	}
	note(later, true, many...)
	if n, length := len(p.FollowUps), len([]rune(p.FollowUps[0].Text)); n != issue.MaxFollowUps || length > 301 {
		t.Errorf("%d follow-ups of %d characters", n, length)
	}
}

// TestEvidenceOfBefore reads the tasks of earlier incidents as stores have them that are older than
// their owners.
func TestEvidenceOfBefore(t *testing.T) {
	var e issue.Evidence
	if err := json.Unmarshal([]byte(`{"FollowUps": [{"Incident": "before", "Text": "Alert on the queue"}]}`), &e); err != nil {
		t.Fatal(err)
	}
	want := []issue.Unfinished{{Incident: "before", FollowUp: issue.FollowUp{Text: "Alert on the queue"}}}
	if diff := cmp.Diff(want, e.Unfinished); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWantIssuesIsBounded(t *testing.T) {
	p := issue.Publication{Key: "checkout-1", Writes: []issue.Write{{Ref: issue.Ref{URL: "https://github.com/acme/shop/issues/57"}}}}
	var tasks []issue.Task
	for n := range issue.MaxFollowUps {
		tasks = append(tasks, issue.Task{Text: strings.Repeat("word ", n/2+1) + string(rune('a'+n/2))}) // each twice
	}
	p.FollowUps.Note(tasks, p.URL(), time.Unix(1e9, 0))
	none := func(string) string { return "" }
	if !p.WantIssues(none) || p.WantIssues(none) {
		t.Error("they are planned never, or twice")
	}
	if n := len(p.Writes) - 1; n != 25 {
		t.Errorf("%d issues, want one for each text", n)
	}
	p.ForgetIssue(p.Writes[1].Key)
	if n := len(p.Writes) - 1; n != 24 || !p.WantIssues(none) {
		t.Errorf("%d issues after one was forgotten", n)
	}
}
