package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestGoodless has targets count requests and no good ones: because none are good, because the
// counter has another name, or because something else counts them.
func TestGoodless(t *testing.T) {
	const startedA, startedB = `started_total{job="shop",instance="a",region="eu"} 0+10x8`, `started_total{job="shop",instance="b",region="us"} 0+20x8`
	const handled = `handled_total{job="shop",instance=`
	for _, tc := range []struct {
		name    string
		groupBy []string
		series  []string
		want    []string
	}{
		{
			name:   "every target counts both",
			series: []string{startedA, startedB, handled + `"a",code="OK"} 0+9x8`, handled + `"b",code="OK"} 0+20x8`},
			want:   []string{"1m0s: 60 bad 2"},
		},
		{
			name:   "all fail at one",
			series: []string{startedA, startedB, handled + `"a",code="Unavailable"} 0+10x8`, handled + `"b",code="OK"} 0+20x8`},
			want:   []string{"1m0s: 60 bad 20"},
		},
		{
			name:   "all fail everywhere",
			series: []string{startedA, startedB, handled + `"a",code="Unavailable"} 0+10x8`, handled + `"b",code="Unavailable"} 0+20x8`},
			want:   []string{"1m0s: 60 bad 60"},
		},
		{
			name:   "one has it by another name",
			series: []string{startedA, startedB, `new_` + handled + `"a",code="OK"} 0+9x8`, handled + `"b",code="OK"} 0+19x8`},
			want:   []string{"1m0s: 40 bad 2; no_good 1 (20)"},
		},
		{
			name:   "all have it by another name",
			series: []string{startedA, startedB, `new_` + handled + `"a",code="OK"} 0+9x8`, `new_` + handled + `"b",code="OK"} 0+20x8`},
			want:   []string{"1m0s: blind; no_good 2 (60)"},
		},
		{
			name: "one has it by another name, and has just started",
			series: []string{
				`started_total{job="shop",instance="a",region="eu"} 500 510 520 10 20`, startedB, `new_` + handled + `"a",code="OK"} _ _ _ 10 20`,
				handled + `"a",code="OK"} 500 510 520 stale`, handled + `"b",code="OK"} 0+20x8`,
			},
			want: []string{"1m0s: 40 bad 0; no_good 1"},
		},
		{
			name:    "one of two label sets has it by another name",
			groupBy: []string{"region"},
			series:  []string{startedA, startedB, `new_` + handled + `"a",code="OK",region="eu"} 0+9x8`, handled + `"b",code="OK",region="us"} 0+19x8`},
			want:    []string{`{region="eu"}`, "1m0s: blind; no_good 1 (20)", `{region="us"}`, "1m0s: 40 bad 2"},
		},
		{
			name:   "the good ones are counted by other targets",
			series: []string{startedA, startedB, handled + `"proxy",code="OK"} 0+29x8`},
			want:   []string{"1m0s: 60 bad 2"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 15*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			c := client(t, prom.Options{URL: server.URL()})
			o := slo.Objective{GroupBy: tc.groupBy, Indicator: slo.Indicator{Ratio: &slo.Ratio{
				Good: `handled_total{job="shop",code="OK"}`, Total: `started_total{job="shop"}`,
			}}}
			at := zero.Add(time.Minute)
			got := c.Read(t.Context(), []slo.Objective{o}, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0]
			if diff := cmp.Diff(tc.want, describe(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			checkInstants(t, c, o, slo.Ticks{First: at, Last: at.Add(time.Minute), Interval: 30 * time.Second})
		})
	}
}
