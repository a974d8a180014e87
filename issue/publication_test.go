package issue_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// TestStoredForm reads a publication as it was always stored, with its labels among the writes,
// while an exchange of them waits, and writes it again.
func TestStoredForm(t *testing.T) {
	const old = `{"key": "a", "parts": [{"incident": "a", "posted": 1}], "group": "checkout", "writes": [
		{"key": "a", "stage": "opening", "state": "posted", "text": {"Title": "T", "Body": "B"}, "ref": {"number": 7}, "revision": 2,
			"labels": ["postburn", "status:burning"], "dropped": ["@alice"], "refused": "no such field"},
		{"key": "a/progress", "stage": "progress", "state": "posted", "text": {"Title": "", "Body": "P"}, "ref": {"number": 8, "parent": 7}, "revision": 2},
		{"key": "a/labels", "stage": "labels", "state": "wanted", "tries": 2, "not_until": "2026-03-02T10:00:00Z", "error": "down",
			"text": {"Title": "", "Body": ""}, "revision": 0}
	]}`
	posted := issue.Delivery{State: issue.Posted}
	want := issue.Publication{
		Key: "a", Parts: []issue.Part{{Incident: "a", Posted: 1}}, Group: "checkout",
		Labels: issue.Labels{
			Delivery: issue.Delivery{State: issue.Wanted, Tries: 2, NotUntil: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Error: "down"},
			Given:    []string{"postburn", "status:burning"}, Dropped: []string{"@alice"},
		},
		Writes: []issue.Write{
			{Key: "a", Stage: issue.Opening, Delivery: posted, Text: issue.Text{Title: "T", Body: "B"}, Ref: issue.Ref{Number: 7}, Revision: 2, Refusal: "no such field"},
			{Key: "a/progress", Stage: issue.Progress, Delivery: posted, Text: issue.Text{Body: "P"}, Ref: issue.Ref{Number: 8, Parent: 7}, Revision: 2},
		},
	}
	var got issue.Publication
	if err := json.Unmarshal([]byte(old), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.IsSettled() || got.WaitsFor() != "down" {
		t.Errorf("settled: %t, waits for %q", got.IsSettled(), got.WaitsFor())
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal([]byte(old), &before), json.Unmarshal(text, &after)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("as it is stored (-before +after):\n%s", diff)
	}
}

// TestCloseSecond has a second issue with the key of a publication. Only one of two open issues is
// closed, once.
func TestCloseSecond(t *testing.T) {
	open := issue.Found{Key: "a", Ref: issue.Ref{Number: 9}}
	lower := issue.Found{Key: "a", Ref: issue.Ref{Number: 3}}
	closed, completed, none := open, open, issue.Found{Key: "a"}
	closed.Closed, completed.Closed, completed.Completed = true, true, true
	for name, tc := range map[string]struct {
		second issue.Found
		change func(*issue.Publication)
		want   int64 // the closed one; 0: none
	}{
		"open":                            {second: open, want: 9},
		"open, and the first one":         {second: lower, want: 7},
		"closed as not planned":           {second: closed},
		"closed as completed":             {second: completed},
		"of a tracker without numbers":    {second: none},
		"known":                           {second: open, change: func(p *issue.Publication) { p.CloseSecond(open) }},
		"people have decided on ours":     {second: open, change: func(p *issue.Publication) { p.Triage = issue.Completed }},
		"ours is being written right now": {second: open, change: func(p *issue.Publication) { p.Opening().State = issue.Sending }},
	} {
		t.Run(name, func(t *testing.T) {
			p := issue.Publication{Key: "a", Writes: []issue.Write{{Key: "a", Stage: issue.Opening, Delivery: issue.Delivery{State: issue.Posted}, Ref: issue.Ref{Number: 7}}}}
			if tc.change != nil {
				tc.change(&p)
			}
			before := len(p.Writes)
			got, ok := p.CloseSecond(tc.second)
			if got.Number != tc.want || ok != (tc.want != 0) || (len(p.Writes) > before) != ok {
				t.Errorf("it closes %d, %t, with %d texts", got.Number, ok, len(p.Writes))
			}
		})
	}
}
