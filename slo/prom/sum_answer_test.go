package prom

import (
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// TestNext has ticks in which something happens to histograms, and others: how much the next one
// asks.
func TestNext(t *testing.T) {
	c, err := newCounter(slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	little := len(c.sumQuery(grid{Interval: time.Second}).arms)
	value := func(tag string, v float64) point { return point{Tag: tag, Value: v} }
	quick := func(all, good, seen float64, more ...point) []point {
		return append(more, value("total/0/packed", all*packUnit+100), value("good/0/packed", good*packUnit+90), value("total/0/seen", seen*seriesUnit))
	}
	full := func(all, good, seen float64, more ...point) []point {
		return append(more, value("total/0/packed", all*packUnit+100), value("good/0/sum", 90), value("total/0/seen", seen*seriesUnit),
			value("total/0/now", seen), value("total/0/before", seen), value("good/0/now", good), value("good/0/before", good))
	}
	for _, tc := range []struct {
		name   string
		points func(all, good, seen float64, more ...point) []point
		c      *counter
	}{{"little", quick, c}, {"all", full, c.asks(whole)}} {
		t.Run(tc.name, func(t *testing.T) {
			for name, then := range map[string]struct {
				points []point
				little bool
			}{
				"nothing":          {tc.points(3, 3, 3), true},
				"no data":          {nil, true},
				"one is odd":       {tc.points(2, 2, 3), false},
				"one has no good":  {tc.points(3, 2, 3), false},
				"one has no total": {tc.points(2, 3, 3), false},
				"one fell":         {tc.points(3, 3, 3, value("total/0/seen", 1)), false},
				"one is native":    {tc.points(3, 3, 3, value("total/0/native", 1)), false},
			} {
				if suffices := newSumAnswer(tc.c, time.Time{}, then.points).suffices(); suffices != (then.little || tc.name == "all") {
					t.Errorf("%s: suffices: %v", name, suffices)
				}
				next, plain := newSumAnswer(tc.c, time.Time{}, then.points).next()
				if plain != then.little || (next.extent == steady) != plain {
					t.Errorf("%s: plain: %v, and the next is steady: %v", name, plain, next.extent == steady)
				}
				if n := len(next.sumQuery(grid{Interval: time.Second}).arms); tc.name == "all" && (n == little) != then.little {
					t.Errorf("%s: %d arms are asked next", name, n)
				}
			}
		})
	}
	if n := len(c.asks(whole).sumQuery(grid{Interval: time.Second}).arms); n <= little {
		t.Errorf("%d arms at all, and %d where little is asked", n, little)
	}
}
