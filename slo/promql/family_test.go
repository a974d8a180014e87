package promql_test

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

// sumsOf are the queries of ratios whose selectors have these matchers.
func sumsOf(t *testing.T, matchers ...string) (queries []promql.Query) {
	t.Helper()
	for _, m := range matchers {
		c, err := promql.NewCounter(slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad: "requests_total{code=~\"5..\"," + m + "}", Total: "requests_total{" + m + "}",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, c.SumQuery(promql.Grid{Interval: 30 * time.Second}))
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
			query := promql.Join(sumsOf(t, tc.matchers...)).String()
			if n := strings.Count(query, promql.MarkLabel); n != tc.arms {
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
	queries := append(sumsOf(t, `job="a"`, `job="b"`, `job="a"`), promql.StartQuery(promql.Grid{Interval: time.Second}, []string{"a"}))
	joint := promql.Join(queries)
	point := func(tag, job string, v float64) promql.Point {
		return promql.Point{Tag: tag, Labels: map[string]string{"job": job}, Value: v}
	}
	got, err := joint.Split([]promql.Point{point("0/bad/0/sum", "b", 1), point("0/bad/0/sum", "a", 2), point("1/process", "z", 3)})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]promql.Point{{point("bad/0/sum", "a", 2)}, {point("bad/0/sum", "b", 1)}, {point("bad/0/sum", "a", 2)}, {point("process", "z", 3)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points by query (-want +got):\n%s", diff)
	}
	for _, p := range []promql.Point{point("0/bad/0/sum", "c", 1), point("2/process", "a", 1), point("bad/0/sum", "a", 1), point("0/", "a", 1), point("-1/x", "a", 1), {}} {
		if _, err := joint.Split([]promql.Point{p}); !errors.Is(err, promql.ErrAnswer) {
			t.Errorf("%v: got %v, want ErrAnswer", p, err)
		}
	}
}

// TestManyFamilies has objectives of every job and route: those of one job are asked together, or those of one route.
func TestManyFamilies(t *testing.T) {
	var matchers []string
	for job := range 2 {
		for route := range 10 {
			matchers = append(matchers, fmt.Sprintf(`job="j%d",route="r%d"`, job, route))
		}
	}
	query := promql.Join(sumsOf(t, matchers...)).String()
	if n := strings.Count(query, promql.MarkLabel); n != 2*2 {
		t.Errorf("%d arms, want those of 2 queries", n)
	}
}
