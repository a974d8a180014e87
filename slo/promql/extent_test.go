package promql

import (
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// TestNext has a tick in which something happens to histograms, and others: how much is asked about the next one.
func TestNext(t *testing.T) {
	c, err := NewCounter(slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	little := len(c.SumQuery(Grid{Interval: time.Second}).arms)
	point := func(tag string, v float64) Point { return Point{Tag: tag, Value: v} }
	quick := func(all, good, seen float64, more ...Point) []Point {
		return append(more, point("total/0/packed", all*packUnit+100), point("good/0/packed", good*packUnit+90), point("total/0/seen", seen*seriesUnit))
	}
	full := func(all, good, seen float64, more ...Point) []Point {
		return append(more, point("total/0/packed", all*packUnit+100), point("good/0/sum", 90), point("total/0/seen", seen*seriesUnit),
			point("total/0/now", seen), point("total/0/before", seen), point("good/0/now", good), point("good/0/before", good))
	}
	for _, tc := range []struct {
		name   string
		points func(all, good, seen float64, more ...Point) []Point
		c      *Counter
	}{{"little", quick, c}, {"all", full, c.Whole()}} {
		t.Run(tc.name, func(t *testing.T) {
			for name, then := range map[string]struct {
				points []Point
				little bool
			}{
				"nothing":          {tc.points(3, 3, 3), true},
				"no data":          {nil, true},
				"one is odd":       {tc.points(2, 2, 3), false},
				"one has no good":  {tc.points(3, 2, 3), false},
				"one has no total": {tc.points(2, 3, 3), false},
				"one fell":         {tc.points(3, 3, 3, point("total/0/seen", 1)), false},
				"one is native":    {tc.points(3, 3, 3, point("total/0/native", 1)), false},
			} {
				if suffices := tc.c.Suffices(then.points); suffices != (then.little || tc.name == "all") {
					t.Errorf("%s: suffices: %v", name, suffices)
				}
				next, plain := tc.c.Next(then.points)
				if plain != then.little || next.IsSteady() != plain {
					t.Errorf("%s: plain: %v, and the next is steady: %v", name, plain, next.IsSteady())
				}
				if n := len(next.SumQuery(Grid{Interval: time.Second}).arms); tc.name == "all" && (n == little) != then.little {
					t.Errorf("%s: %d arms are asked next", name, n)
				}
			}
		})
	}
	if n := len(c.Whole().SumQuery(Grid{Interval: time.Second}).arms); n <= little {
		t.Errorf("%d arms at all, and %d where little is asked", n, little)
	}
}
