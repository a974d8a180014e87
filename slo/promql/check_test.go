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
		{"a sum with a number", `a_total + (b_total + 1)`, []promql.Problem{
			{"total", 21, `this is no counter: give a vector selector, such as http_requests_total{job="shop"}`},
		}},
		{"a sum with a rate", `a_total + rate(b_total[5m])`, []promql.Problem{{"total", 10, `rate() is not needed: give the counter itself: b_total`}}},
		{"a sum with a gauge", `a_total + up`, []promql.Problem{{"total", 10, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"a product", `a_total + 2 * b_total`, []promql.Problem{{"total", 10, `* has no place between counters: they are joined by or, + and -`}}},
		{"and", `a_total and b_total`, []promql.Problem{{"total", 0, `and has no place between counters: they are joined by or, + and -`}}},
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
		{"a recording rule", `job:http_requests:rate5m{job="shop"}`, []promql.Problem{{"total", 0, `job:http_requests:rate5m is a recording rule by its name (it has a colon): give the counter that it is made of, such as http_requests_total{job="shop"}`}}},
		{"up", `up`, []promql.Problem{{"total", 0, `up is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
		{"seconds", `a_total or queue_oldest_seconds`, []promql.Problem{{"total", 11, `queue_oldest_seconds is a gauge by its name: give a counter, such as http_requests_total{job="shop"}`}}},
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
			_, err := promql.Counters("total", tc.text)
			if (err == nil) != (len(tc.want) == 0) {
				t.Errorf("Counters says %v to a field with %d problems", err, len(tc.want))
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
		{"a bool", slo.Indicator{Bool: `max(queue_oldest_message_seconds{queue="orders"}) < 60`}, nil},
		{"a histogram's bucket by its le", slo.Indicator{Latency: &slo.Latency{Histogram: `request_duration_seconds{le="0.5"}`}}, []promql.Problem{
			{"histogram", 0, `le has no place here: the threshold says which bucket is meant`},
		}},
		{"a bool that multiplies", slo.Indicator{Bool: `(max(a) < bool 1) * (max(b) < bool 2)`}, nil},
		{"a bool with a default", slo.Indicator{Bool: `(max(a) < bool 1) or vector(0)`}, nil},
		{"a bool of two comparisons", slo.Indicator{Bool: ` max(a) < 1 and max(b) < 2`}, []promql.Problem{
			{"bool", 1, `and keeps the values that are compared, and has none where it is false: compare with bool, and multiply where both must hold, as in (max(a) < bool 1) * (max(b) < bool 2)`},
		}},
		{"a bool that fills in", slo.Indicator{Bool: `(max(a) < bool 1) * (sum by (b) (c) < bool fill(0) d)`}, []promql.Problem{
			{"bool", 21, `fill() has no place in a comparison, which has no value where a side has none: give that side a default, as in (a or vector(0)) < 1`},
		}},
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
		})
	}
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
