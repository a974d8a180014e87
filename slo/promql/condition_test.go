package promql_test

import (
	"testing"

	"github.com/postburn/postburn/slo/promql"
)

// TestConditionQuery pins what a condition costs: each vector is read once.
func TestConditionQuery(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a vector and a number", `a < 1`, `((a >= -Inf) < bool 1)`},
		{"a vector and a negative number", `a < -(1)`, `((a >= -Inf) < bool -(1))`},
		{"a signed vector", `-(a) < bool 1`, `((-(a) >= -Inf) < bool 1)`},
		{"a number and a quotient", `-1 <= bool sum(rate(a[5m])) / 2`, `(-1 <= bool ((sum(rate(a[5m])) / 2) >= -Inf))`},
		{"two vectors that are matched", `(a > on (x) group_left (y) (b or c))`, `((a >= -Inf) > bool on (x) group_left (y) ((b or c) >= -Inf))`},
		{"a vector and a scalar", `a < scalar(b)`, `(((a >= -Inf) < bool scalar(b)) + (0 / (scalar(b) == bool scalar(b))))`},
		{"a scalar and NaN", `time() > bool NaN`, `vector((((time() > bool NaN) + (0 / (time() == bool time()))) + (0 / (NaN == bool NaN))))`},
		{"a scalar in parentheses", `(time()) < bool (5)`, `vector((((time()) < bool (5)) + (0 / ((time()) == bool (time())))))`},
		{"unequal to NaN", `a != NaN`, `(((a >= -Inf) != bool NaN) + (0 / (NaN == bool NaN)))`},
		{"two numbers", `1 < bool 2`, `vector((1 < bool 2))`},
		{"a product", `(a < bool 1) * (b)`, `((a >= -Inf) < bool 1) * (b)`},
		{"a product of three", `a * (b == bool 2) * (c > bool 3)`, `a * ((b >= -Inf) == bool 2) * ((c >= -Inf) > bool 3)`},
		{"a sum of comparisons", `(a < bool 1) + (b < bool 1)`, `(a < bool 1) + (b < bool 1)`},
		{"a comparison with a default", `(a < bool 1) or vector(0)`, `(a < bool 1) or vector(0)`},
		{"no comparison", `a`, `a`},
		{"a number", `1`, `vector(1)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := promql.Condition("bool", tc.text)
			if err != nil || got != tc.want {
				t.Errorf("%s is asked as\n%s, want\n%s; %v", tc.text, got, tc.want, err)
			}
		})
	}
}

// TestConditionThatFilters: no value is no planned work, so `exclude` may calculate with what a
// comparison keeps.
func TestConditionThatFilters(t *testing.T) {
	const text, want = `(a < bool 1) * (b == 1)`, `((a >= -Inf) < bool 1) * (b == 1)`
	if got, err := promql.Condition("exclude", text); err != nil || got != want {
		t.Errorf("%s is asked as %s, want %s; %v", text, got, want, err)
	}
}
