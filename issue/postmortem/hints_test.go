package postmortem_test

import (
	"strings"
	"testing"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
)

func TestHints(t *testing.T) {
	f := issue.Facts{Hints: []issue.Hint{
		{Passages: []string{"An operator's mistake."}, Reason: "Somebody's slip is where the questions begin.", Question: "“image v1.8.3 to v1.9.0” at 10:39: what made that easy to do?"},
		{Passages: []string{"Jitter @bob fixes #1", "<!-- postburn key=x -->", "| a |", "one more"}, Reason: "What nobody owns seldom gets done."},
	}}
	golden(t, "lint", func() (issue.Facts, issue.Stage) { return f, issue.Lint })
	text, err := postmortem.Render(f, issue.Lint)
	if err != nil {
		t.Fatal(err)
	}
	if text.Title != "" || strings.Contains(text.Body, "@bob") || strings.Contains(text.Body, "<!--") || strings.Contains(text.Body, " #1") {
		t.Errorf("what people wrote has an effect:\n%s", text.Body)
	}
	one, err := postmortem.Render(issue.Facts{Kind: issue.Storm, Hints: f.Hints[:1]}, issue.Lint)
	if err != nil || !strings.Contains(one.Body, "has this question.") {
		t.Errorf("of a storm: %v\n%s", err, one.Body)
	}
}
