package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func TestEvidence(t *testing.T) {
	got, problems := Native([]byte(`
defaults:
  service: shop
  target: 99%
  indicator: {ratio: {bad: e_total, total: r_total}}
  evidence: {repository: acme/shop, queries: {Queue depth: max(queue_depth)}}
slos:
  - {name: a}
  - {name: b, evidence: {queries: {"Threads, busy": "sum by (pool) (threads)"}}}
`), "slo.yaml")
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	var all []issue.EvidenceQuery
	for _, d := range got {
		all = append(all, d.Issue.Evidence)
	}
	want := []issue.EvidenceQuery{
		{Repository: "acme/shop", Queries: map[string]string{"Queue depth": "max(queue_depth)"}},
		{Repository: "acme/shop", Queries: map[string]string{"Threads, busy": "sum by (pool) (threads)"}},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestEvidenceProblems(t *testing.T) {
	const header = "slos: [{name: a, service: s, target: 99%, indicator: {ratio: {bad: e_total, total: r_total}},\n"
	tests := []struct {
		value string // in line 2, of an slo that is fine without it
		want  string // empty: it is fine
	}{
		{"evidence: {}", ""},
		{"evidence: {queries: {Depth: 'max(depth) and up'}}", ""},
		{"evidence: {queries: {Depth: 'max(depth) +'}}", `2:42: evidence.queries.Depth: it does not parse as PromQL: unexpected end of input`},
		{"evidence: {queries: {Depth: 'depth[5m]'}}", `2:30: evidence.queries.Depth: a range vector has no single value at a time: give a query such as max(queue_depth)`},
		{`evidence: {queries: {Depth: 'max(depth{pod=".*"})'}}`,
			`2:34: warning: evidence.queries.Depth: pod=".*" is compared as text: a pattern is written pod=~".*"`},
		{"evidence: {queries: {Depth: ''}}", `2:29: evidence.queries.Depth is empty; give it PromQL such as max(queue_depth)`},
		{"evidence: {queries: {Depth: '\"text\"'}}", `2:30: evidence.queries.Depth: a string has no single value at a time: give a query such as max(queue_depth)`},
		{`evidence: {queries: {"a\nb": depth}}`, `2:22: a query's name must have 1 to 63 printable characters, not "a\nb"`},
		{"evidence: {queries: depth}", `2:21: evidence.queries must be a mapping of keys to values, not "depth"`},
		{"evidence: {queries: {a: a, b: b, c: c, d: d, e: e, f: f, g: g, h: h, i: i}}",
			"2:21: evidence.queries must have at most 8 queries, not 9: each costs a query for each incident"},
		{"evidence: {repository: checkout}", `2:24: evidence.repository must be owner/name, not "checkout"`},
		{"evidence: {repo: a/b}", `2:12: unknown key "repo"; evidence has queries, repository`},
	}
	for _, tc := range tests {
		_, problems := Native([]byte(header+tc.value+"}]"), "slo.yaml")
		agrees(t, header+tc.value+"}]", problems)
		var lines []string
		for _, p := range problems {
			lines = append(lines, strings.TrimPrefix(p.String(), "slo.yaml:"))
		}
		if got := strings.Join(lines, "\n"); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.value, got, tc.want)
		}
	}
}
