package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

func TestIssue(t *testing.T) {
	got, problems := Native([]byte(`
defaults:
  service: shop
  target: 99%
  indicator: {ratio: {bad: e_total, total: r_total}}
  issue: {repository: Acme/Shop, labels: [post-mortem]}
  incident: {severity: {1: {outage: 1m}}}
slos:
  - {name: a, issue: {assign: mention, labels: ["a, b", Ärger]}}
  - {name: b, issue: {repository: acme/search, assign: none, lint: false, remind_after: off}, incident: {severity: {}}}
  - {name: c, incident: {severity: {3: {budget_spent: 150%}, 2: {outage: 10m, budget_spent: 0.05}}}}
`), "slo.yaml")
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	type read struct {
		Issue      issue.Settings
		Repository string
		Severities []alert.Severity
	}
	want := []read{
		{
			issue.Settings{Repository: "Acme/Shop", Assign: issue.AssignMention, Labels: []string{"a, b", "Ärger"}, Lint: true, RemindAfter: 30 * 24 * time.Hour}, "acme/shop",
			[]alert.Severity{{Level: 1, Outage: time.Minute}},
		},
		{issue.Settings{Repository: "acme/search", Assign: issue.AssignNone, Labels: []string{"post-mortem"}}, "acme/search", []alert.Severity{}},
		{
			issue.Settings{Repository: "Acme/Shop", Assign: issue.AssignOwner, Labels: []string{"post-mortem"}, Lint: true, RemindAfter: 30 * 24 * time.Hour}, "acme/shop",
			[]alert.Severity{
				{Level: 2, Outage: 10 * time.Minute, BudgetSpent: slo.MustDecimal("5%")},
				{Level: 3, BudgetSpent: slo.MustDecimal("1.5")},
			},
		},
	}
	var all []read
	for _, d := range got {
		all = append(all, read{d.Issue, d.Policy.Repository, d.Policy.Severities})
	}
	if diff := cmp.Diff(want, all, cmp.AllowUnexported(slo.Decimal{})); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
}

func TestIssueProblems(t *testing.T) {
	const header = "slos: [{name: a, service: s, target: 99%, indicator: {ratio: {bad: e_total, total: r_total}},\n"
	long := strings.Repeat("x", 51)
	tests := []struct {
		value string // in line 2, of an slo that is fine without it
		want  string // empty: it is fine
	}{
		{"issue: {labels: []}", ""},
		{"issue: {labels: [" + long[1:] + "]}", ""},
		{"issue: {labels: [" + long + "]}", `2:18: issue.labels: a label's name must have 1 to 50 printable characters, not "` + long + `"`},
		{"issue: {labels: ['']}", `2:18: issue.labels: a label's name must have 1 to 50 printable characters, not ""`},
		{`issue: {labels: ["a\nb"]}`, `2:18: issue.labels: a label's name must have 1 to 50 printable characters, not "a\nb"`},
		{"issue: {labels: bug}", `2:17: issue.labels must be a list of label names, not "bug"`},
		{"issue: {labels: [[bug]]}", "2:18: issue.labels must be a label's name, not a list"},
		{"issue: {labels: [bug, Bug]}", `2:23: issue.labels names "Bug" twice`},
		{"issue: {labels: [Status:ok]}", `2:18: issue.labels: postburn sets the label "Status:ok" itself; give it another name`},
		{"issue: {labels: [postburn]}", `2:18: issue.labels: postburn sets the label "postburn" itself; give it another name`},
		{"issue: {repository: checkout}", `2:21: issue.repository must be owner/name, not "checkout"`},
		{"issue: {repository: [a/b]}", "2:21: issue.repository must be owner/name, not a list"},
		{"issue: {template: own.md.tmpl, post_mortem_at: 0%}", ""},
		{"issue: {template: [a]}", "2:19: issue.template must be the name of a file like checkout.md.tmpl, not a list"},
		{`issue: {template: "a\nb"}`, `2:19: issue.template must be the name of a file like checkout.md.tmpl, not "a\nb"`},
		{"issue: {template: folder/}", `2:19: issue.template must be the name of a file like checkout.md.tmpl, not "folder/"`},
		{"issue: {post_mortem_at: 5}", `2:25: issue.post_mortem_at must be a percentage like 10%, not 5: write "5%"`},
		{"issue: {assign: team}", `2:17: issue.assign must be owner, mention or none, not "team"`},
		{"issue: {remind_after: 12h}", `2:23: issue.remind_after must be at least 1d, or off, not "12h"`},
		{"issue: {remind_after: never}", `2:23: issue.remind_after must be a duration like 30d, or off, not "never"`},
		{"issue: {lint: off}", `2:15: issue.lint must be true or false, not "off"`},
		{"issue: {asign: owner}", `2:9: unknown key "asign"; did you mean assign?`},
		{"incident: {severity: {0: {outage: 5m}}}", `2:23: a severity is a number from 1, the worst, to 9, not "0"`},
		{"incident: {severity: {critical: {outage: 5m}}}", `2:23: a severity is a number from 1, the worst, to 9, not "critical"`},
		{"incident: {severity: {1: {}}}", "2:26: a severity needs a threshold, like {outage: 5m} or {budget_spent: 10%}"},
		{"incident: {severity: {1: 5m}}", `2:26: a severity must be a mapping of keys to values, not "5m"`},
		{"incident: {severity: {1: {outage: 0s}}}", "2:35: incident.severity.1.outage must be longer than 0"},
		{"incident: {severity: {1: {budget_spent: 0%}}}", "2:41: incident.severity.1.budget_spent must be more than 0"},
		{"incident: {severity: {1: {budget_spent: 10}}}", `2:41: incident.severity.1.budget_spent must be a percentage like 10%, not 10: write "10%"`},
		{"incident: {severity: {1: {budget_spent: all}}}", `2:41: incident.severity.1.budget_spent must be a percentage like 10%, not "all"`},
		{"incident: {severity: [1]}", "2:22: severity must be a mapping of keys to values, not a list"},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			_, problems := Native([]byte(header+test.value+"}]\n"), "slo.yaml")
			agrees(t, header+test.value+"}]\n", problems)
			if got := strings.Join(lines(problems), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
