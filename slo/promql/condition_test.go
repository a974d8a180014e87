package promql_test

import (
	"testing"

	"github.com/postburn/postburn/slo/promql"
)

// TestConditionQuery pins what a condition costs: what makes a vector is read once.
func TestConditionQuery(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`a < 1`, `((a >= -Inf) < bool 1)`},
		{`-1 <= bool sum(rate(a[5m])) / 2`, `(-1 <= bool ((sum(rate(a[5m])) / 2) >= -Inf))`},
		{`(a > on (x) group_left (y) (b or c))`, `((a >= -Inf) > bool on (x) group_left (y) ((b or c) >= -Inf))`},
		{`a < scalar(b)`, `(((a >= -Inf) < bool scalar(b)) + (0 / (scalar(b) == bool scalar(b))))`},
		{`time() > bool NaN`, `vector((((time() > bool NaN) + (0 / (time() == bool time()))) + (0 / (NaN == bool NaN))))`},
		{`(a < bool 1) * (b)`, `((a >= -Inf) < bool 1) * (b)`},
		{`a`, `a`},
	} {
		got, err := promql.Condition("bool", tc.text)
		if err != nil || got != tc.want {
			t.Errorf("%s is asked as\n%s, want\n%s; %v", tc.text, got, tc.want, err)
		}
	}
}
