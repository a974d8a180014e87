package prom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// sumsOf returns the queries of ratios with these matchers in their selectors.
func sumsOf(t *testing.T, matchers ...string) (queries []query) {
	t.Helper()
	for _, m := range matchers {
		c, err := newCounter(slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad: "requests_total{code=~\"5..\"," + m + "}", Total: "requests_total{" + m + "}",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, c.sumQuery(grid{Interval: 30 * time.Second}))
	}
	return queries
}

func TestFamilies(t *testing.T) {
	for _, tc := range []struct {
		name     string
		matchers []string
		arms     int      // of 2 that one query has
		has      []string // parts of the joint query
	}{
		{"one alone", []string{`job="a"`}, 2, []string{`resets(requests_total{job="a"}[`, `sum by (code) `, `sum by (job) `}},
		{"one label differs", []string{`job="a"`, `job="b"`, `job="c+"`}, 2, []string{`requests_total{job=~"a|b|c\\+"}`, "by (code, job)"}},
		{"the same twice", []string{`job="a"`, `job="a"`}, 2, []string{`requests_total{job="a"}`}},
		{"one of two labels differs", []string{`job="a",env="x"`, `env="x",job="b"`}, 2, []string{`env="x"`, `job=~"a|b"`}},
		{"two differ: no more is selected than was asked for", []string{`job="a",env="x"`, `job="b",env="x"`, `job="b",env="y"`}, 4, []string{`job="a"`, `env=~"x|y",job="b"`, "by (code, env)", "by (env, job)"}},
		{"other labels", []string{`job="a"`, `service="a"`}, 4, nil},
		{"not equality", []string{`job=~"a"`, `job=~"b"`}, 4, nil},
		{"one label has two matchers", []string{`job="a",job!="c"`, `job="b",job!="c"`}, 4, nil},
		{"no label at all", []string{`job=""`, `job=""`}, 4, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			query := join(sumsOf(t, tc.matchers...)).String()
			if n := strings.Count(query, markLabel); n != tc.arms {
				t.Errorf("%d arms, want %d:\n%s", n, tc.arms, query)
			}
			for _, part := range tc.has {
				if !strings.Contains(query, part) {
					t.Errorf("no %s in\n%s", part, query)
				}
			}
		})
	}
}

func TestSplit(t *testing.T) {
	queries := append(sumsOf(t, `job="a"`, `job="b"`, `job="a"`), startQuery(grid{Interval: time.Second}, []string{"a"}))
	joint := join(queries)
	value := func(tag, job string, v float64) point {
		return point{Tag: tag, Labels: map[string]string{"job": job}, Value: v}
	}
	got, err := joint.split([]point{value("0/bad/0/sum", "b", 1), value("0/bad/0/sum", "a", 2), value("1/process", "z", 3)})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]point{{value("bad/0/sum", "a", 2)}, {value("bad/0/sum", "b", 1)}, {value("bad/0/sum", "a", 2)}, {value("process", "z", 3)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points by query (-want +got):\n%s", diff)
	}
	for _, p := range []point{value("0/bad/0/sum", "c", 1), value("2/process", "a", 1), value("bad/0/sum", "a", 1), value("0/", "a", 1), value("-1/x", "a", 1), {}} {
		if _, err := joint.split([]point{p}); !errors.Is(err, errAnswer) {
			t.Errorf("%v: got %v, want errAnswer", p, err)
		}
	}
}

// TestManyFamilies has objectives of every job and route: all of one job are asked together, or all
// of one route.
func TestManyFamilies(t *testing.T) {
	var matchers []string
	for job := range 2 {
		for route := range 10 {
			matchers = append(matchers, fmt.Sprintf(`job="j%d",route="r%d"`, job, route))
		}
	}
	query := join(sumsOf(t, matchers...)).String()
	if n := strings.Count(query, markLabel); n != 2*2 {
		t.Errorf("%d arms, want those of 2 queries", n)
	}
}

// FuzzQueries writes queries for indicators that pass Check: they are PromQL.
func FuzzQueries(f *testing.F) {
	for _, text := range []string{`a_total`, `rate(a[5m]) or {b="c"}`, `a @ end() offset -1h`, "\xff", `{"x y"}`, `a_total{b="\""} or a_total`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Good: text, Total: text}}}
		at := grid{Interval: time.Second, Phase: time.Duration(len(text)%2) * time.Millisecond}
		fresh := []map[string]string{{"job": strings.ToValidUTF8(text, "?")}} // as JSON has it
		var queries []query
		if c, err := newCounter(o); err == nil {
			queries = append(queries, c.sumQuery(at), c.pastQuery(narrowed(fresh), time.Hour))
		}
		o.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: text, Threshold: time.Second}}
		if c, err := newCounter(o); err == nil {
			queries = append(queries, c.sumQuery(at), c.pastQuery(narrowed(fresh), time.Hour), c.layoutQuery(time.Second))
		}
		for _, i := range []slo.Indicator{{Bool: text}, {Sampled: &slo.Sampled{Bad: text, Total: text}}} {
			o.Indicator = i
			if m, err := newMeasured(o); err == nil {
				queries = append(queries, query{arms: m.arms})
			}
		}
		for _, q := range queries {
			joined := join([]query{q, q}).String()
			if problems := promql.Check(slo.Indicator{Bool: joined}); len(problems) > 0 {
				t.Errorf("the query %s made of %q: %v", joined, text, problems)
			}
		}
	})
}
