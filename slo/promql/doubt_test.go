package promql_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

func TestDoubts(t *testing.T) {
	bad := func(bad, total string) slo.Indicator {
		return slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Total: total}}
	}
	good := func(good, total string) slo.Indicator {
		return slo.Indicator{Ratio: &slo.Ratio{Good: good, Total: total}}
	}
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		want      []promql.Problem
	}{
		{"a pattern of status codes", bad(`a_total{code="5.."}`, `a_total`), []promql.Problem{
			{"bad", 0, `code="5.." is compared as text: a pattern is written code=~"5.."`},
		}},
		{"a pattern behind !=, in the total", good(`a_total{code="200"}`, `a_total{job="x",code!="4..|5.."}`), []promql.Problem{
			{"total", 0, `code!="4..|5.." is compared as text: a pattern is written code!~"4..|5.."`},
		}},
		{"a set of status codes", bad(`a_total{code="[45].."}`, `a_total`), []promql.Problem{
			{"bad", 0, `code="[45].." is compared as text: a pattern is written code=~"[45].."`},
		}},
		{"codes of gRPC, in the second selector", bad(`b_total or a_total{grpc_code="Internal|Unavailable"}`, `a_total`), []promql.Problem{
			{"bad", 11, `grpc_code="Internal|Unavailable" is compared as text: a pattern is written grpc_code=~"Internal|Unavailable"`},
		}},
		{"methods of a latency", slo.Indicator{Latency: &slo.Latency{Histogram: `d_seconds{method="GET|POST"}`, Threshold: time.Second}}, []promql.Problem{
			{"histogram", 0, `method="GET|POST" is compared as text: a pattern is written method=~"GET|POST"`},
		}},
		{"a pattern of everything, in a condition", slo.Indicator{Bool: `max(a{pod=".*"}) < 1`}, []promql.Problem{
			{"bool", 4, `pod=".*" is compared as text: a pattern is written pod=~".*"`},
		}},
		{"a pattern of what is sampled", slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: `sum(rate(a{code="5.*"}[5m])) / sum(rate(a[5m]))`}}, []promql.Problem{
			{"error_ratio", 9, `code="5.*" is compared as text: a pattern is written code=~"5.*"`},
		}},
		{"what looks like one", bad(`a_total{code=~"5..",route="/v1/.*",version="1.2.3",view="^a|b$",topic="a.b.#",class="5xx",pair="EUR|USD"}`, `a_total`), nil},

		{"all events are bad", bad(`a_total{job="x",b="c"}`, `a_total{b="c",job="x"}`), []promql.Problem{
			{"bad", 0, `this is the total, so every event is bad: select the bad ones alone`},
		}},
		{"all events are good, in another order", good(`a_total or b_total`, `b_total or a_total`), []promql.Problem{
			{"good", 0, `this is the total, so no event is ever bad: select the good ones alone`},
		}},
		{"the last bucket is the total", good(`d_bucket{le="+Inf"}`, `d_count`), []promql.Problem{
			{"good", 0, `this is the total, so no event is ever bad: select the good ones alone`},
		}},
		{"a bucket is bad", bad(`d_bucket{le="0.5",job="x"}`, `d_count{job="x"}`), []promql.Problem{
			{"bad", 0, `d_bucket has the events of up to 0.5, which are the quick ones: give it as good`},
		}},
		{"a bucket is good", good(`d_bucket{le="0.5"}`, `d_count`), nil},
		{"the others are bad", bad(`d_count - d_bucket{le="0.5"}`, `d_count`), nil},
		{"the others are good", good(`d_bucket{le="+Inf"} - d_bucket{le="0.5"}`, `d_count`), []promql.Problem{
			{"good", 22, `without the events of up to 0.5 these are the slow ones: give them as bad`},
		}},
		{"failed or slow", bad(`a_total{code=~"5.."} + (d_count - d_bucket{le="1"})`, `a_total`), nil},
		{"good ones of several buckets, spelt in two ways", good(`d_bucket{le=~"1|1.0"}`, `d_count`), nil},
		{"buckets without a boundary", good(`d_bucket{job="x"}`, `d_count{job="x"}`), []promql.Problem{
			{"good", 0, `without le, d_bucket counts an event once for each boundary that it is below: name one boundary, or give d_count`},
		}},
		{"buckets as the total", good(`d_bucket{le="1"}`, `d_bucket`), []promql.Problem{
			{"total", 0, `without le, d_bucket counts an event once for each boundary that it is below: name one boundary, or give d_count`},
		}},
		{"seconds out of events", bad(`d_sum{code="500"}`, `d_count`), []promql.Problem{
			{"bad", 0, `d_sum adds up what the events measure, and the total counts events: give d_count`},
		}},
		{"events out of seconds", bad(`a_total{code="500"}`, `d_sum`), []promql.Problem{
			{"total", 0, `d_sum adds up what the events measure, and bad counts events: give d_count`},
		}},
		{"seconds out of seconds", bad(`d_sum{code="500"}`, `d_sum`), nil},
		{"another service", bad(`a_total{job="shop",code="500"}`, `a_total{job="cart"}`), []promql.Problem{
			{"bad", 0, `job="shop" is not the job of the total, which has job="cart": its events are not among the total's`},
		}},
		{"another service's bucket", good(`d_bucket{namespace="a",le="1"}`, `d_count{namespace="b"}`), []promql.Problem{
			{"good", 0, `namespace="a" is not the namespace of the total, which has namespace="b": its events are not among the total's`},
		}},
		{"one of several services", bad(`a_total{job="shop",code="500"}`, `a_total{job="cart"} + a_total{job="shop"}`), nil},
		{"another metric of another service", bad(`dead_letters_total{job="rabbitmq"}`, `published_total{job="shop"}`), nil},
		{"another kind of event", bad(`a_total{type="failed"}`, `a_total{type="started"}`), nil},

		{"absent alone", slo.Indicator{Bool: `absent(up{job="x"})`}, []promql.Problem{
			{"bool", 0, `absent() is 1 or has no value, and no value is no data, never false: compare a count, as in (count(up{job="x"}) or vector(0)) > 0`},
		}},
		{"absent that is compared", slo.Indicator{Bool: `1 - absent_over_time(up[5m]) == bool 1`}, []promql.Problem{
			{"bool", 4, `absent_over_time() is 1 or has no value, and no value is no data, never false: compare a count, as in (count(up) or vector(0)) > 0`},
		}},
		{"absent with a default", slo.Indicator{Bool: `(absent(up{job="x"}) or vector(0)) == 0`}, nil},
		{"a count of nothing", slo.Indicator{Bool: `count(up{job="x"} == 0) < 2`}, []promql.Problem{
			{"bool", 0, `count(up{job="x"} == 0) has no value where there is nothing to count, and no value is no data: give it a default, as in (count(up{job="x"} == 0) or vector(0))`},
		}},
		{"a count with a default", slo.Indicator{Bool: `(count(up == 0) or vector(0)) < 2`}, nil},
		{"a count of all", slo.Indicator{Bool: `count(up) > 2`}, nil},
		{"bad ones that are counted", slo.Indicator{Sampled: &slo.Sampled{Bad: `count(lag > 30)`, Total: `count(lag)`}}, []promql.Problem{
			{"bad", 0, `count(lag > 30) has no value where there is nothing to count, and no value is no data: give it a default, as in (count(lag > 30) or vector(0))`},
		}},
		{"truth values that are added up", slo.Indicator{Sampled: &slo.Sampled{Bad: `sum(lag > bool 30)`, Total: `count(lag)`}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if problems := promql.Check(tc.indicator); problems != nil {
				t.Fatalf("Check refuses it: %v", problems)
			}
			if diff := cmp.Diff(tc.want, promql.Doubts(tc.indicator)); diff != "" {
				t.Errorf("doubts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFamilies(t *testing.T) {
	equal := func(value string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchEqual, "x", value) }
	like := func(pattern string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchRegexp, "x", pattern) }
	for _, tc := range []struct {
		name, want    string // the family; empty: none
		values        []string
		matcher       *labels.Matcher
		has, excludes bool
	}{
		{"status codes", "HTTP status codes", []string{"200", "404"}, like("5.."), true, false},
		{"status codes, of which a pattern has none", "HTTP status codes", []string{"200"}, like("5"), false, true},
		{"status codes, and classes", "HTTP status codes", []string{"200"}, like("(4xx|5xx)"), false, true},
		{"status codes, and those of gRPC", "HTTP status codes", []string{"200"}, like("Internal|Unavailable"), false, true},
		{"status codes, and a word for what has none", "HTTP status codes", []string{"200"}, equal("timeout"), false, false},
		{"classes", "classes of HTTP status codes", []string{"2xx"}, equal("500"), false, true},
		{"classes, by a pattern", "classes of HTTP status codes", []string{"2xx"}, like("5.."), true, false},
		{"gRPC", "gRPC codes", []string{"OK", "NotFound"}, equal("Unavailable"), true, false},
		{"gRPC in capitals", "gRPC codes", []string{"OK", "NOT_FOUND"}, equal("Unavailable"), false, true},
		{"gRPC, and nothing else", "gRPC codes", []string{"OK", "NOT_FOUND"}, equal("ERROR"), false, true},
		{"maybe gRPC", "gRPC codes", []string{"OK", "Internal"}, equal("Broken"), false, false},
		{"outcomes", "outcomes", []string{"SUCCESS", "CLIENT_ERROR"}, equal("ERROR"), false, true},
		{"maybe others", "outcomes", []string{"SUCCESS"}, equal("FAILURE"), false, false},
		{"methods", "HTTP methods", []string{"GET"}, equal("post"), false, true},
		{"another verb", "HTTP methods", []string{"GET"}, equal("WATCH"), false, false},
		{"truth", "truth values", []string{"true"}, equal("no"), false, true},
		{"truth, and more", "truth values", []string{"true"}, equal("stale"), false, false},
		{"in doubt", "", []string{"OK"}, nil, false, false},
		{"others among them", "", []string{"200", "timeout"}, nil, false, false},
		{"nothing", "", nil, nil, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, ok := promql.FamilyOf(tc.values)
			if f.Name != tc.want || ok != (tc.want != "") {
				t.Fatalf("got %q, %t", f.Name, ok)
			}
			if ok && (f.Has(tc.matcher) != tc.has || f.Excludes(tc.matcher, tc.values) != tc.excludes) {
				t.Errorf("%s: has %t, excludes %t", tc.matcher, f.Has(tc.matcher), f.Excludes(tc.matcher, tc.values))
			}
		})
	}
}
