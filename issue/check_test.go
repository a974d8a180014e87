package issue_test

import (
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
)

func TestGraphURL(t *testing.T) {
	for name, tc := range map[string]struct {
		base string
		end  time.Time
		want string
	}{
		"until now":   {base: "https://p.example/a/", want: "https://p.example/a/graph?g0.expr=a+%2F+b&g0.range_input=6h&g0.tab=0"},
		"until then":  {"https://p.example", time.Date(2026, 3, 2, 10, 32, 0, 0, time.UTC), "https://p.example/graph?g0.end_input=2026-03-02+10%3A32%3A00&g0.expr=a+%2F+b&g0.range_input=6h&g0.tab=0"},
		"nowhere yet": {base: "", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := issue.GraphURL(tc.base, "a / b", tc.end, 6*time.Hour); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
