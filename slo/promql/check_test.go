package promql_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

func TestCheckCounters(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []promql.Problem // of the total
	}{
		{"a selector", `http_requests_total{job="shop"}`, nil},
		{"a bare name", `http_requests_total`, nil},
		{"a name without _total", `http_requests{job="shop"}`, nil},
		{"a histogram's count", `http_request_duration_seconds_count`, nil},
		{"a histogram's bucket", `http_request_duration_seconds_bucket{le="0.5"}`, nil},
		{"bytes that are counted", `sent_bytes_total`, nil},
		{"joined by or, in parentheses", `(a_total or (b_total{x="y"})) or c_total`, nil},
		{"a name in braces", `{"http.requests", job="shop"}`, nil},
		{"a name as a matcher", `{__name__="http_requests_total"}`, nil},
		{"a comment", "a_total # all of them\n", nil},
		{"empty", " ", []promql.Problem{{"total", 0, `it is empty: give a counter, such as http_requests_total{job="shop"}`}}},
		{"no PromQL", `a_total{job=}`, []promql.Problem{{"total", 12, `it does not parse as PromQL: unexpected "}" in label matching, expected string`}}},
		{"cut off", `a_total{job="shop"`, []promql.Problem{{"total", 18, `it does not parse as PromQL: unexpected end of input inside braces`}}},
		{"a range", `a_total{job="shop"}[5m]`, []promql.Problem{{"total", 0, `a range is not needed: give the counter itself: a_total{job="shop"}`}}},
		{"rate", `rate(a_total{job="shop"}[5m])`, []promql.Problem{{"total", 0, `rate() is not needed: give the counter itself: a_total{job="shop"}`}}},
		{"rate behind or", `a_total or increase(b_total[1h] offset 5m)`, []promql.Problem{{"total", 11, `increase() is not needed: give the counter itself: b_total`}}},
		{"sum", `sum by (job) (rate(a_total[5m]))`, []promql.Problem{{"total", 0, `sum() is not needed: all series are counted together; give the counter itself: a_total`}}},
		{"a subquery", `a_total[1h:1m]`, []promql.Problem{{"total", 0, `a subquery is not needed: give the counter itself: a_total`}}},
		{"offset", `a_total or b_total offset 5m`, []promql.Problem{{"total", 11, `offset has no place here: the counter is read at each tick; give b_total`}}},
		{"a negative offset", `a_total offset -5m`, []promql.Problem{{"total", 0, `offset has no place here: the counter is read at each tick; give a_total`}}},
		{"a computed offset", `a_total offset (5m*2)`, []promql.Problem{{"total", 0, `offset has no place here: the counter is read at each tick; give a_total`}}},
		{"offset and at", `a_total offset 5m @ end()`, []promql.Problem{
			{"total", 0, `offset has no place here: the counter is read at each tick; give a_total`},
			{"total", 0, `@ has no place here: the counter is read at each tick; give a_total`},
		}},
		{"anchored", `a_total anchored`, []promql.Problem{{"total", 0, `anchored and smoothed have no place here: give a_total`}}},
		{"smoothed", `a_total smoothed`, []promql.Problem{{"total", 0, `anchored and smoothed have no place here: give a_total`}}},
		{"at", `a_total @ start()`, []promql.Problem{{"total", 0, `@ has no place here: the counter is read at each tick; give a_total`}}},
		{"at a time", `a_total @ 1700000000`, []promql.Problem{{"total", 0, `@ has no place here: the counter is read at each tick; give a_total`}}},
		{"a sum of two", `a_total + b_total`, nil},
		{"a sum of two that are joined by or", `a_total + ((b_total or c_total{x="y"})) + d_total`, nil},
		{"a sum inside of or", `a_total or b_total + c_total`, []promql.Problem{
			{"total", 11, `+ has no place inside or, which it binds closer than: put parentheses around the or, as in (a_total or b_total) + c_total`},
		}},
		{"a sum on labels", `a_total + on(job) b_total`, []promql.Problem{
			{"total", 0, `on(), ignoring() and fill() have no place here: each counter is counted by itself, and + takes the sums of both sides whatever their labels`},
		}},
		{"a sum on other labels", `a_total - ignoring(job) b_total`, []promql.Problem{
			{"total", 0, `on(), ignoring() and fill() have no place here: each counter is counted by itself, and - takes the sums of both sides whatever their labels`},
		}},
		{"a sum that fills in", `b_total + (a_total + fill(0) b_total)`, []promql.Problem{
			{"total", 11, `on(), ignoring() and fill() have no place here: each counter is counted by itself, and + takes the sums of both sides whatever their labels`},
		}},
		{"a difference inside of or", `a_total or b_total - c_total`, []promql.Problem{
			{"total", 11, `- has no place inside or, which it binds closer than: put parentheses around the or, as in (a_total or b_total) - c_total`},
		}},
		{"a sum with a number", `a_total + (b_total + 1)`, []promql.Problem{
			{"total", 21, `this is no counter: give a vector selector, such as http_requests_total{job="shop"}`},
		}},
		{"a sum with a rate", `a_total + rate(b_total[5m])`, []promql.Problem{{"total", 10, `rate() is not needed: give the counter itself: b_total`}}},
		{"a sum with a gauge", `a_total + up`, []promql.Problem{{"total", 10, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a product", `a_total + 2 * b_total`, []promql.Problem{{"total", 10, `* has no place between counters: they are joined by or, + and -`}}},
		{"and", `a_total and b_total`, []promql.Problem{{"total", 0, `and has no place between counters: they are joined by or, + and -`}}},
		{"or on other labels", `a_total or ignoring(job) b_total`, []promql.Problem{{"total", 0, `on() and ignoring() have no place here: join counters by or alone`}}},
		{"or on no labels", `a_total or on() b_total`, []promql.Problem{{"total", 0, `on() and ignoring() have no place here: join counters by or alone`}}},
		{"or on labels", `a_total or on(job) b_total`, []promql.Problem{{"total", 0, `on() and ignoring() have no place here: join counters by or alone`}}},
		{"a number", `or_total or 1`, []promql.Problem{{"total", 0, `it does not parse as PromQL: set operator "or" not allowed in binary scalar expression`}}},
		{"only a number", `1`, []promql.Problem{{"total", 0, `this is no counter: give a vector selector, such as http_requests_total{job="shop"}`}}},
		{"only subtracted", `-a_total`, []promql.Problem{{"total", 0, `a minus needs a counter in front to subtract from: name that first, as in all_total - a_total`}}},
		{"subtracted first", `a_total + (-(b_total) + c_total)`, []promql.Problem{
			{"total", 11, `a minus needs a counter in front to subtract from: name that first, as in all_total - b_total`},
		}},
		{"a plus in front", `+a_total`, []promql.Problem{{"total", 0, `this is no counter: give a vector selector, such as a_total`}}},
		{"no name", `{job="shop"}`, []promql.Problem{{"total", 0, `the selector must name its metric: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a pattern of names", `{__name__=~"http_.*_total"}`, []promql.Problem{{"total", 0, `the selector must name its metric: give a counter, such as http_requests_total{job="shop"}`}}},
		{"two names", `{__name__="a_total",__name__="b_total"}`, []promql.Problem{{"total", 0, `the selector must name its metric: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a text", `"a_total"`, []promql.Problem{{"total", 0, `this is no counter: give a vector selector, such as http_requests_total{job="shop"}`}}},
		{"an experimental function", `sort_by_label(a_total, "x")`, []promql.Problem{
			{"total", 0, `sort_by_label() is not needed: give the counter itself: a_total`},
		}},
		{"a function of nothing", `time()`, []promql.Problem{{"total", 0, `time() is not needed: give the counter itself: http_requests_total{job="shop"}`}}},
		{"the first of two selectors", `rate(a_total[5m]) > b_total or sum(b_total + c_total)`, []promql.Problem{
			{"total", 0, `> has no place between counters: they are joined by or, + and -`},
			{"total", 31, `sum() is not needed: all series are counted together; give the counter itself: b_total`},
		}},
		{"an example with its own modifiers", `sum(a_total{b="c"} @ end() offset 1m)`, []promql.Problem{
			{"total", 0, `sum() is not needed: all series are counted together; give the counter itself: a_total{b="c"}`},
		}},
		{"a recording rule", `job:http_requests:rate5m{job="shop"}`, []promql.Problem{{"total", 0, `job:http_requests:rate5m is a recording rule by its name (it has a colon): give the counter that it is made of, such as http_requests_total{job="shop"}`}}},
		{"up", `up`, []promql.Problem{{"total", 0, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a name like up", `up_total`, nil},
		{"a gauge's end inside of a name", `a_seconds_total`, nil},
		{"bytes", `sent_bytes`, []promql.Problem{{"total", 0, `sent_bytes is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"celsius", `a_celsius`, []promql.Problem{{"total", 0, `a_celsius is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"created", `a_created`, []promql.Problem{{"total", 0, `a_created is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"info", `a_info`, []promql.Problem{{"total", 0, `a_info is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"percent", `a_percent`, []promql.Problem{{"total", 0, `a_percent is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a recording rule that ends as a gauge", `a:b_ratio`, []promql.Problem{
			{"total", 0, `a:b_ratio is a recording rule by its name (it has a colon): give the counter that it is made of, such as http_requests_total{job="shop"}`},
		}},
		{"seconds", `a_total or queue_oldest_seconds`, []promql.Problem{{"total", 11, `queue_oldest_seconds is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"two problems that are found in another order", `up or rate(a_total[5m])`, []promql.Problem{
			{"total", 0, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`},
			{"total", 6, `rate() is not needed: give the counter itself: a_total`},
		}},
		{"two problems in order", `rate(a_total[5m]) or up`, []promql.Problem{
			{"total", 0, `rate() is not needed: give the counter itself: a_total`},
			{"total", 21, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := promql.Check(slo.Indicator{Ratio: &slo.Ratio{Bad: "errors_total", Total: tc.text}})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems of %s (-want +got):\n%s", tc.text, diff)
			}
			if _, err := promql.Counters("total", tc.text); !isFirst(err, tc.want) {
				t.Errorf("Counters says %v", err)
			}
		})
	}
}

func TestCheckFields(t *testing.T) {
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		want      []promql.Problem
	}{
		{"all fields of a ratio", slo.Indicator{Ratio: &slo.Ratio{Bad: "up", Good: "a_ratio", Total: ""}}, []promql.Problem{
			{"bad", 0, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`},
			{"good", 0, `a_ratio is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`},
			{"total", 0, `it is empty: give a counter, such as http_requests_total{job="shop"}`},
		}},
		{"a histogram", slo.Indicator{Latency: &slo.Latency{Histogram: `request_duration_seconds{job="shop"}`, Threshold: time.Second}}, nil},
		{"a histogram's bucket", slo.Indicator{Latency: &slo.Latency{Histogram: `request_duration_seconds_bucket`}}, []promql.Problem{
			{"histogram", 0, `request_duration_seconds_bucket is a part of a histogram: give the histogram's own name, request_duration_seconds`},
		}},
		{"a rate of a histogram", slo.Indicator{Latency: &slo.Latency{Histogram: `rate(request_duration_seconds[5m])`}}, []promql.Problem{
			{"histogram", 0, `rate() is not needed: give the histogram itself: request_duration_seconds`},
		}},
		{"histograms joined by or", slo.Indicator{Latency: &slo.Latency{Histogram: `a_seconds or (b_seconds{x="y"} or c_seconds)`}}, nil},
		{"an empty histogram", slo.Indicator{Latency: &slo.Latency{Histogram: " "}}, []promql.Problem{
			{"histogram", 0, `it is empty: give a histogram, such as http_request_duration_seconds{job="shop"}`},
		}},
		{"parts of histograms", slo.Indicator{Latency: &slo.Latency{Histogram: `a_count or b_sum{le=~"1"}`}}, []promql.Problem{
			{"histogram", 0, `a_count is a part of a histogram: give the histogram's own name, a`},
			{"histogram", 11, `b_sum is a part of a histogram: give the histogram's own name, b`},
			{"histogram", 11, `le has no place here: the threshold says which bucket is meant`},
		}},
		{"a histogram without a name", slo.Indicator{Latency: &slo.Latency{Histogram: `{job="shop"}`}}, []promql.Problem{
			{"histogram", 0, `the selector must name its metric: give a histogram, such as http_request_duration_seconds{job="shop"}`},
		}},
		{"a recording rule of a histogram", slo.Indicator{Latency: &slo.Latency{Histogram: `a:b`}}, []promql.Problem{
			{"histogram", 0, `a:b is a recording rule by its name (it has a colon): give the histogram that it is made of, such as http_request_duration_seconds{job="shop"}`},
		}},
		{"histograms that are added", slo.Indicator{Latency: &slo.Latency{Histogram: `a_seconds + b_seconds`}}, []promql.Problem{
			{"histogram", 0, `+ has no place between histograms: several are joined by or`},
		}},
		{"histograms joined on labels", slo.Indicator{Latency: &slo.Latency{Histogram: `a_seconds or on(x) b_seconds`}}, []promql.Problem{
			{"histogram", 0, `on() and ignoring() have no place here: join histograms by or alone`},
		}},
		{"a histogram with a minus", slo.Indicator{Latency: &slo.Latency{Histogram: `-a_seconds`}}, []promql.Problem{
			{"histogram", 0, `this is no histogram: give a vector selector, such as a_seconds`},
		}},
		{"a histogram of another time, behind a wrong one", slo.Indicator{Latency: &slo.Latency{Histogram: `a_count or rate(b_seconds[5m]) or c_seconds offset 1m`}}, []promql.Problem{
			{"histogram", 0, `a_count is a part of a histogram: give the histogram's own name, a`},
			{"histogram", 11, `rate() is not needed: give the histogram itself: b_seconds`},
			{"histogram", 34, `offset has no place here: the histogram is read at each tick; give c_seconds`},
		}},
		{"no indicator", slo.Indicator{}, nil},
		{"a ratio without bad and good", slo.Indicator{Ratio: &slo.Ratio{Total: "a_total"}}, nil},
		{"a bool", slo.Indicator{Bool: `max(queue_oldest_message_seconds{queue="orders"}) < 60`}, nil},
		{"a histogram's bucket by its le", slo.Indicator{Latency: &slo.Latency{Histogram: `request_duration_seconds{le="0.5"}`}}, []promql.Problem{
			{"histogram", 0, `le has no place here: the threshold says which bucket is meant`},
		}},
		{"a bool that multiplies", slo.Indicator{Bool: `(max(a) < bool 1) * (max(b) < bool 2)`}, nil},
		{"a bool that multiplies what a comparison keeps", slo.Indicator{Bool: `(a < bool 1) * (b > 2)`}, []promql.Problem{
			{"bool", 15, `this keeps the values that are compared, and has none where it is false: compare with bool, as in (b > bool 2)`},
		}},
		{"a bool that calculates with several", slo.Indicator{Bool: `1 - (a > 1) * ((b == 2) + c)`}, []promql.Problem{
			{"bool", 4, `this keeps the values that are compared, and has none where it is false: compare with bool, as in (a > bool 1)`},
			{"bool", 15, `this keeps the values that are compared, and has none where it is false: compare with bool, as in (b == bool 2)`},
		}},
		{"a bool that compares what it kept", slo.Indicator{Bool: `max(a * on (x) (b == 2)) < 1`}, nil},
		{"a bool that compares a product of it", slo.Indicator{Bool: `a * (b == 2) < 1`}, nil},
		{"a bool with a default", slo.Indicator{Bool: `(max(a) < bool 1) or vector(0)`}, nil},
		{"a bool of two comparisons", slo.Indicator{Bool: ` max(a) < 1 and max(b) < 2`}, []promql.Problem{
			{"bool", 1, `and keeps the values that are compared, and has none where it is false: compare with bool, and multiply where both must hold, as in (max(a) < bool 1) * (max(b) < bool 2)`},
		}},
		{"a bool that fills in", slo.Indicator{Bool: `(max(a) < bool 1) * (sum by (b) (c) < bool fill(0) d)`}, []promql.Problem{
			{"bool", 21, `fill() has no place in a comparison, which has no value where a side has none: give that side a default, as in (a or vector(0)) < 1`},
		}},
		{"a bool that is a text", slo.Indicator{Bool: `"up"`}, []promql.Problem{
			{"bool", 0, `a string is neither true nor false: compare something, as in max(queue_length) < 100`},
		}},
		{"a bool that is a number", slo.Indicator{Bool: `1`}, nil},
		{"a bool of two that are not compared", slo.Indicator{Bool: `a and b`}, nil},
		{"a bool of a comparison behind another", slo.Indicator{Bool: `a unless ((b < 1))`}, []promql.Problem{
			{"bool", 0, `unless keeps the values that are compared, and has none where it is false: compare with bool, and multiply where both must hold, as in (max(a) < bool 1) * (max(b) < bool 2)`},
		}},
		{"a bool of comparisons with bool", slo.Indicator{Bool: `(a < bool 1) or (b < bool 2)`}, nil},
		{"a bool that fills in on its left", slo.Indicator{Bool: `(a <= fill_left(0) b)`}, []promql.Problem{
			{"bool", 1, `fill() has no place in a comparison, which has no value where a side has none: give that side a default, as in (a or vector(0)) < 1`},
		}},
		{"a bool that fills in what it adds", slo.Indicator{Bool: `a + fill(0) b`}, nil},
		{"sampled", slo.Indicator{Sampled: &slo.Sampled{Bad: `job:errors:rate5m`, Total: `sum(rate(requests_total[5m]))`}}, nil},
		{"a sampled ratio", slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: `job:errors:ratio5m or vector(0)`}}, nil},
		{"sampled ranges", slo.Indicator{Sampled: &slo.Sampled{Bad: `requests_total[5m]`, Total: `max(`}}, []promql.Problem{
			{"bad", 0, `a range vector has no single value at a time: give a query such as max(queue_depth)`},
			{"total", 0, `it does not parse as PromQL: no arguments for aggregate expression provided`},
			{"total", 4, `it does not parse as PromQL: unclosed left parenthesis`},
		}},
		{"a bool of ranges", slo.Indicator{Bool: `up[5m]`}, []promql.Problem{
			{"bool", 0, `a range vector is neither true nor false: compare something, as in max(queue_length) < 100`},
		}},
		{"a bool that does not parse", slo.Indicator{Bool: `max(`}, []promql.Problem{
			{"bool", 0, `it does not parse as PromQL: no arguments for aggregate expression provided`},
			{"bool", 4, `it does not parse as PromQL: unclosed left parenthesis`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, promql.Check(tc.indicator)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			wrong, doubts := promql.Examine(tc.indicator)
			if diff := cmp.Diff(tc.want, wrong); diff != "" || len(wrong) > 0 && len(doubts) > 0 {
				t.Errorf("Examine has doubts %v, and problems (-want +got):\n%s", doubts, diff)
			}
			if l := tc.indicator.Latency; l != nil {
				if _, err := promql.Histograms(l.Histogram); !isFirst(err, tc.want) {
					t.Errorf("Histograms says %v", err)
				}
			}
			if b := tc.indicator.Bool; b != "" {
				if _, err := promql.Condition("bool", b); !isFirst(err, tc.want) {
					t.Errorf("Condition says %v", err)
				}
			}
		})
	}
}

func TestCheckExclude(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []promql.Problem
	}{
		{"a condition", `maintenance_mode{service="orders"} == 1`, nil},
		{"a product of what comparisons keep", `(a > 1) * (b == 1)`, nil},
		{"no condition", ``, []promql.Problem{{"exclude", 0, `it is empty: give a condition, such as max(queue_length) < 100`}}},
		{"a range", ` maintenance_mode[5m]`, []promql.Problem{
			{"exclude", 1, `a range vector is neither true nor false: compare something, as in max(queue_length) < 100`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, promql.CheckExclude(tc.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string
		problems         []promql.Problem
	}{
		{"a vector, with a comment", "sum(a) # all\n", "sum(a)", nil},
		{"a number", `1 + 2`, "vector(1 + 2)", nil},
		{"nothing", ``, "", []promql.Problem{{"queries.depth", 0, `it is empty: give a query, such as max(queue_depth)`}}},
		{"a range", ` a[5m]`, "", []promql.Problem{{"queries.depth", 1, `a range vector has no single value at a time: give a query such as max(queue_depth)`}}},
		{"a text", `"a"`, "", []promql.Problem{{"queries.depth", 0, `a string has no single value at a time: give a query such as max(queue_depth)`}}},
		{"what does not parse", `sum(`, "", []promql.Problem{
			{"queries.depth", 0, `it does not parse as PromQL: no arguments for aggregate expression provided`},
			{"queries.depth", 4, `it does not parse as PromQL: unclosed left parenthesis`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.problems, promql.CheckExpression("queries.depth", tc.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			got, err := promql.Numbers("queries.depth", tc.text)
			if got != tc.want || !isFirst(err, tc.problems) {
				t.Errorf("got %q and the error %v, want %q", got, err, tc.want)
			}
		})
	}
}

// isFirst reports whether an error is about the first of some problems, or nil if there are none.
func isFirst(err error, problems []promql.Problem) bool {
	if len(problems) == 0 || err == nil {
		return len(problems) == 0 && err == nil
	}
	return err.Error() == problems[0].Field+": "+problems[0].Text
}

func FuzzCheck(f *testing.F) {
	for _, text := range []string{`a_total`, `rate(a[5m]) or {b="c"}`, `a @ end() offset -1h`, "\xff", `{"x y"}`, `a_total{b="\""} or a_total`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range promql.Check(slo.Indicator{Ratio: &slo.Ratio{Good: text, Total: text}}) {
			if p.Offset < 0 || p.Offset > len(text) || p.Text == "" {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
	})
}
