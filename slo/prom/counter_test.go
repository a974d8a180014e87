package prom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// TestWithin has series of the total, some good or bad: only the sums of those count so.
func TestWithin(t *testing.T) {
	for _, tc := range []struct {
		name, total, bad string
		asked            bool // for by itself
		is               []string
		not              []string
	}{
		{"one label", `x{job="a"}`, `x{job="a",code=~"5.."}`, false, []string{"code=500", "code=503"}, []string{"code=200", "code=", "code=5000"}},
		{"two labels", `x`, `x{code=~"5..",route!="/health"}`, false, []string{"code=500 route=/", "code=500"}, []string{"code=500 route=/health", "code=200 route=/"}},
		{"either of two", `x`, `x{code="500"} or x{reason="timeout"}`, false, []string{"code=500", "code=200 reason=timeout", "code=500 reason=timeout"}, []string{"code=200"}},
		{"all", `x{job="a"}`, `x{job="a"}`, false, []string{"code=200", ""}, nil},
		{"of two selectors", `x{job="a"} or x{job="b"}`, `x{job="a",code="500"}`, false, []string{"code=500 job=a"}, []string{"code=500 job=b", "code=200 job=a"}},
		{"of two selectors each", `x{job="a",env="p"} or x{job="b",env="p"}`, `x{job="a",env="p",code="500"} or x{job="b",env="p",code="7"}`, false, []string{"code=500 job=a", "code=7 job=b"}, []string{"code=7 job=a", "code=500 job=b"}},
		{"the label is empty", `x`, `x{code=""}`, false, []string{"", "route=/"}, []string{"code=500"}},
		{"the total has less", `x{job="a"}`, `x{code="500"}`, true, nil, nil},
		{"other name", `x{job="a"}`, `y{job="a"}`, true, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := newCounter(slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: tc.bad, Total: tc.total}}})
			if err != nil {
				t.Fatal(err)
			}
			asked := false
			for _, a := range c.sumQuery(grid{Interval: time.Second}).arms {
				asked = asked || a.tag[:3] == "bad"
			}
			if asked != tc.asked {
				t.Errorf("asked for by itself: %v, want %v", asked, tc.asked)
			}
			for want, all := range map[float64][]string{8: tc.is, 0: tc.not} {
				for _, text := range all {
					if got := badOf(t, c, labelsIn(text)); got != want {
						t.Errorf("%q: %v bad events of 8, want %v", text, got, want)
					}
				}
			}
		})
	}
}

// badOf returns how many of 8 events of a series of the total are bad.
func badOf(t *testing.T, c *counter, series map[string]string) float64 {
	t.Helper()
	tally := &tally{counter: c, tick: time.Unix(60, 0)}
	err := tally.addSums([]point{{Tag: "total/0/" + packedArm, Labels: series, Value: packUnit + 8}, {Tag: "total/0/" + seenArm, Value: seriesUnit}})
	if err != nil || tally.isOdd {
		t.Fatalf("odd: %v, %v", tally.isOdd, err)
	}
	return tally.samples()[""].Bad
}

func labelsIn(text string) map[string]string {
	labels := map[string]string{}
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		labels[name] = value
	}
	return labels
}

// TestScattered has labels with so many values that bad events are better asked for separately.
func TestScattered(t *testing.T) {
	c, err := newCounter(slo.Objective{GroupBy: []string{"env"}, Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `x{user=~"a.*"}`, Total: `x`}}})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(users, environments int) (points []point) {
		for env := range environments {
			labels := map[string]string{"env": fmt.Sprint(env)}
			for range users {
				points = append(points, point{Tag: "total/0/" + packedArm, Labels: labels, Value: packUnit})
			}
			points = append(points, point{Tag: "total/0/" + seenArm, Labels: labels, Value: float64(users) * seriesUnit})
		}
		return points
	}
	for _, tc := range []struct {
		users, environments int
		want                bool
	}{{maxOutcomes, 1, false}, {maxOutcomes + 1, 1, true}, {maxOutcomes, 100, false}, {maxOutcomes + 1, 100, true}, {0, 0, false}} {
		next, _ := newSumAnswer(c, time.Time{}, answer(tc.users, tc.environments)).next()
		apart := len(next.sumQuery(grid{Interval: time.Second}).arms) > 2
		if apart != tc.want {
			t.Errorf("%d values in each of %d label sets: apart %v", tc.users, tc.environments, apart)
		}
	}
}

func TestUnpackFalls(t *testing.T) {
	for _, tc := range []struct{ series, falls float64 }{{1, 0}, {1, 3}, {40, 0}, {40, 40}, {1<<26 - 1, 1<<26 - 1}} {
		series, falls := unpackFalls(tc.falls + tc.series*seriesUnit)
		if series != tc.series || falls != tc.falls {
			t.Errorf("%v series that fell %v times are unpacked as %v and %v", tc.series, tc.falls, series, falls)
		}
	}
}

func TestUnpack(t *testing.T) {
	for _, tc := range []struct{ series, sum float64 }{
		{1, 0}, {1, 1}, {40, 1202}, {40, 1.0 / 1024}, {127, 3 + 1.0/1024}, {1000, 1e9}, {100_000, 12_345_678}, {3, packUnit - 1},
	} {
		series, sum := unpack(tc.series*packUnit + tc.sum)
		if series != tc.series || sum != tc.sum {
			t.Errorf("%v series with %v events are unpacked as %v with %v", tc.series, tc.sum, series, sum)
		}
	}
}
