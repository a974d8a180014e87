package issue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func TestNote(t *testing.T) {
	var p issue.Publication
	for _, tc := range []struct {
		labels  []string
		causes  []string
		drill   bool
		changed bool
	}{
		{[]string{"postburn", "severity:1"}, nil, false, false},
		{[]string{"cause:deploy", "Cause:Config", "cause:deploy", "cause:", "cause: "}, []string{"config", "deploy"}, false, true},
		{[]string{"cause:config", "cause:deploy"}, []string{"config", "deploy"}, false, false},
		{[]string{"DRILL", "cause:deploy"}, []string{"deploy"}, true, true},
		{[]string{"cause:" + strings.Repeat("x", 51)}, nil, false, true},
	} {
		if changed := p.Note(tc.labels); changed != tc.changed || p.Drill != tc.drill || cmp.Diff(tc.causes, p.Causes) != "" {
			t.Errorf("%q: causes %q, drill %v, changed %v", tc.labels, p.Causes, p.Drill, changed)
		}
	}
	var many []string
	for n := range 30 {
		many = append(many, "cause:"+strings.Repeat("x", n+1))
	}
	if p.Note(many); len(p.Causes) != 10 {
		t.Errorf("%d causes are noted", len(p.Causes))
	}
}

// TestLearned names what can come back without what differs each time.
func TestLearned(t *testing.T) {
	onset := time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"Deployment checkout changed: generation 12 to 13":              "Deployment checkout changed",
		"Deployment checkout scaled from 2 to 6 replicas":               "Deployment checkout scaled",
		"Job shop: version 1.9.0 appeared; before, it was 1.8.3":        "Job shop: version appeared",
		"Job shop: version v1.8.3 was gone; v1.9.0 was running":         "Job shop: version was gone",
		"Job shop: 3 targets started: 10.0.0.1:80, shop-a and shop-b":   "Job shop: target started",
		"Job shop: target 10.0.0.1:8080 started":                        "Job shop: target started",
		"Job shop: from 3 to 6 targets":                                 "Job shop: number of targets changed",
		"GitHub: Deployment of `v1` (abc123) to production was begun":   "Deployment of acme/shop to production",
		"GitHub: Release v1.9.0 was published":                          "Release of acme/shop",
		"GitHub: Pull request #12, “Look harder”, was merged into main": "",
		"late: Deployment repair changed: generation 1 to 2":            "",
		"symptom: Alert X began to fire":                                "",
		"person: I ran the script":                                      "",
		"1 2 3":                                                         "",
	} {
		row := issue.Entry{Time: onset.Add(-time.Minute), Source: "Prometheus"}
		kind, rest, _ := strings.Cut(text, ": ")
		switch kind {
		case "GitHub":
			row.Source, text = "GitHub, acme/shop", rest
		case "late":
			row.Time, text = onset.Add(10*time.Minute), rest
		case "symptom":
			row.Symptom = true
		case "person":
			row.Person = true
		}
		row.Text = text
		part := issue.Part{Incident: "a", Onset: onset}
		if err := part.Keep(issue.Evidence{Timeline: []issue.Entry{row, row}}, onset); err != nil {
			t.Fatal(err)
		}
		var all []string
		if want != "" {
			all = []string{want}
		}
		if diff := cmp.Diff(all, (issue.Publication{}).Learned(part).Changes); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestLearnedPlaces(t *testing.T) {
	part := issue.Part{Incident: "a"}
	e := issue.Evidence{
		Contributors: []issue.Contributor{
			{Where: []issue.Clause{{Label: "zone", Values: []string{"eu-1"}}, {Label: "pod", Values: []string{"a", "b"}}}},
			{Where: []issue.Clause{{Label: "zone", Values: []string{"eu-1"}}, {Label: "route", Values: []string{"/cart"}}}},
			{Where: []issue.Clause{{Label: "code", Values: []string{"500"}}}, Outcome: true},
			{Where: []issue.Clause{{Label: "pod", Values: []string{"a", "b"}}}},
		},
		Unfinished: []issue.Unfinished{{FollowUp: issue.FollowUp{Text: "Alert on it"}}, {FollowUp: issue.FollowUp{Text: strings.Repeat("x", 1000)}}},
	}
	if err := part.Keep(e, time.Time{}); err != nil {
		t.Fatal(err)
	}
	p := issue.Publication{Feedback: issue.Feedback{Triage: issue.Completed, Causes: []string{"deploy"}}, Labels: issue.Labels{Given: []string{"postburn", "drill"}}}
	l := p.Learned(part)
	if diff := cmp.Diff([]string{`zone="eu-1"`, `zone="eu-1", route="/cart"`}, l.Contributors); diff != "" {
		t.Error(diff)
	}
	if len(l.Undone) != 2 || len([]rune(l.Undone[1])) != 300 || !l.Drill || l.Triage != issue.Completed || l.Causes[0] != "deploy" {
		t.Errorf("learned %+v", l)
	}
	part.Evidence = part.Evidence[:3]
	if diff := cmp.Diff(issue.Learned{Feedback: issue.Feedback{Triage: issue.Completed, Causes: []string{"deploy"}, Drill: true}}, p.Learned(part)); diff != "" {
		t.Errorf("with broken evidence: %s", diff)
	}
}
