package github_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

// TestALongTableIsShortened writes a storm of 450 incidents with long names: the least bad are left
// out, and that is said.
func TestALongTableIsShortened(t *testing.T) {
	tracker, server := open(t)
	f := issue.Facts{Kind: issue.Storm, AsOf: time.Now(), Interval: 30 * time.Second}
	for n := range 450 {
		w := alert.Window{
			Objective: slo.Objective{
				Name: fmt.Sprintf("objective-%03d-%s", n, strings.Repeat("x", 40)), Service: strings.Repeat("ü", 63),
				Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour},
			},
			Labels: slo.NewLabels(map[string]string{"region": strings.Repeat("y", 100)}), Kind: alert.Burn, Onset: time.Now(), Detected: time.Now(),
			Counts: slo.Counts{Total: 1000, Bad: 100}, BudgetSpent: float64(n) / 1000,
		}
		f.Incidents = append(f.Incidents, alert.Incident{ID: w.Objective.Name, Windows: []alert.Window{w}})
	}
	for _, stage := range []issue.Stage{issue.Opening, issue.Progress} {
		text, err := postmortem.Render(f, stage)
		if err != nil {
			t.Fatal(err)
		}
		p := post("storm")
		p.Text = text
		if stage == issue.Progress {
			p.Key, p.Parent = "storm/progress", &issue.Found{Ref: issue.Ref{Number: 1, URL: base + "/" + acme + "/issues/1"}}
		}
		create(t, tracker, p)
	}
	each(server, func(i *githubtest.Issue) {
		for _, body := range []string{i.Body, i.Comments[0].Body} {
			if n := utf8.RuneCountInString(body); n > 65_536 || n < 60_000 {
				t.Errorf("a text has %d characters", n)
			}
			if !strings.Contains(body, "objective-449-") || strings.Contains(body, "objective-000-") || !strings.Contains(body, "more rows are left out") {
				t.Error("the worst incident is left out, or the least bad is not")
			}
		}
		if !strings.Contains(i.Body, "## Analysis") {
			t.Error("the analysis is left out")
		}
	})
}
