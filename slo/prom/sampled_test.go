package prom_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestSampled(t *testing.T) {
	for _, tc := range []struct {
		name    string
		sampled slo.Sampled
		groupBy []string
		series  []string // in steps of 30 s
		want    []string // of the ticks at 1m, 1m30s and 2m
		err     string   // in their place
	}{
		{
			name: "an error ratio is the bad part of one event a tick", sampled: slo.Sampled{ErrorRatio: `job:errors:ratio5m`},
			series: []string{`job:errors:ratio5m 0 0 0 0.25 1`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 0.25", "2m0s: 1 bad 1"},
		},
		{
			name: "a tick weighs by its total", sampled: slo.Sampled{Bad: `count(up == 0) or vector(0)`, Total: `count(up)`},
			series: []string{`up{instance="a"} 1 1 1 0 0`, `up{instance="b"} 1x3 0 0`, `up{instance="c"} 1x3 stale`},
			want:   []string{"1m0s: 3 bad 0", "1m30s: 3 bad 1", "2m0s: 2 bad 2"},
		},
		{
			name: "rates", sampled: slo.Sampled{Bad: `sum(rate(failed_total[1m])) # failed`, Total: `sum(rate(all_total[1m]))`},
			series: []string{`failed_total 100 100 100 130 160`, `all_total 0+60x5`},
			want:   []string{"1m0s: 2 bad 0", "1m30s: 2 bad 1", "2m0s: 2 bad 1"},
		},
		{
			name: "numbers", sampled: slo.Sampled{Bad: `scalar(failed)`, Total: `4`},
			series: []string{`failed 0 0 1 2 stale`},
			want:   []string{"1m0s: 4 bad 1", "1m30s: 4 bad 2", "2m0s: blind; not_a_number 1"},
		},
		{
			name: "NaN and empty are blind", sampled: slo.Sampled{ErrorRatio: `sum(failed) / sum(asked)`},
			series: []string{`failed 0 0 0 1 stale`, `asked 0 0 0 2 2`},
			want:   []string{"1m0s: blind; not_a_number 1", "1m30s: 1 bad 0.5", "2m0s: blind"},
		},
		{
			name: "bad or total alone is blind", sampled: slo.Sampled{Bad: `failed`, Total: `asked`},
			series: []string{`failed 0 0 1 1 stale`, `asked 0 0 stale _ 2`},
			want:   []string{"1m0s: blind", "1m30s: blind", "2m0s: blind"},
		},
		{
			name: "both are NaN, or one", sampled: slo.Sampled{Bad: `failed`, Total: `asked`},
			series: []string{`failed 0 0 NaN 1 0`, `asked 0 0 NaN NaN 0`},
			want:   []string{"1m0s: blind; not_a_number 2", "1m30s: blind; not_a_number 1", "2m0s: 0 bad 0"},
		},
		{
			name: "what extrapolation adds is cut", sampled: slo.Sampled{ErrorRatio: `ratio`},
			series: []string{`ratio 0 0 -0.0625 1.0000000001 1.0625`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 1; bad_above_total 1 (0.0625)"},
		},
		{
			name: "bad above the total is cut", sampled: slo.Sampled{Bad: `failed`, Total: `asked`},
			series: []string{`failed 0 0 -0.25 3 5`, `asked 4x5`},
			want:   []string{"1m0s: 4 bad 0", "1m30s: 4 bad 3", "2m0s: 4 bad 4; bad_above_total 1 (1)"},
		},
		{
			name: "one sample a label set", sampled: slo.Sampled{Bad: `failed`, Total: `asked`}, groupBy: []string{"queue"},
			series: []string{`failed{queue="a"} 1x5`, `asked{queue="a"} 2x5`, `failed{queue="b"} 1x5`, `asked{queue="b"} 4 4 4 NaN stale`},
			want: []string{
				`{queue="a"}`, "1m0s: 2 bad 1", "1m30s: 2 bad 1", "2m0s: 2 bad 1",
				`{queue="b"}`, "1m0s: 4 bad 1", "1m30s: blind; not_a_number 1", "2m0s: blind",
			},
		},
		{
			name: "a ratio in per cent", sampled: slo.Sampled{ErrorRatio: `ratio`},
			series: []string{`ratio 50x5`},
			err:    "error_ratio: the value 50 is not between 0 and 1: it must be the part of the events that is bad",
		},
		{
			name: "a ratio below 0", sampled: slo.Sampled{ErrorRatio: `ratio`},
			series: []string{`ratio -Inf -Inf -Inf`},
			err:    "error_ratio: the value -Inf is not between 0 and 1: it must be the part of the events that is bad",
		},
		{
			name: "bad below 0", sampled: slo.Sampled{Bad: `failed`, Total: `asked`},
			series: []string{`failed -1x5`, `asked 2x5`},
			err:    "bad: the value -1, of a total of 2, is no number of events: it must be finite and not below 0",
		},
		{
			name: "an infinite total", sampled: slo.Sampled{Bad: `failed`, Total: `asked / 0`},
			series: []string{`failed 1x5`, `asked 2x5`},
			err:    "total: the value +Inf is no number of events: it must be finite and not below 0",
		},
		{
			name: "several series", sampled: slo.Sampled{Bad: `sum(failed)`, Total: `failed`},
			series: []string{`failed{queue="a"} 1x5`, `failed{queue="b"} 1x5`},
			err:    "total: it has several series where one is needed: aggregate them, as in sum(...), or name their labels in group_by",
		},
		{
			name: "several series of one label set", sampled: slo.Sampled{ErrorRatio: `failed`}, groupBy: []string{"dead.letter", "zone"},
			series: []string{`failed{queue="a",zone="x"} 1x5`, `failed{queue="b",zone="x"} 1x5`},
			err:    `error_ratio: it has several series with the labels {zone="x"}: aggregate them by the labels of group_by, as in sum by ("dead.letter") (...)`,
		},
		{
			name: "a native histogram", sampled: slo.Sampled{Bad: `0`, Total: `sum(age)`},
			series: []string{`age {{schema:0 count:3 sum:6 buckets:[2 1]}}x5`},
			err:    "total: a native histogram is no number of events: take its count, as in histogram_count(...)",
		},
		{
			name: "half of it", sampled: slo.Sampled{Bad: `0`},
			series: []string{`up 1x5`},
			err:    "error_ratio must be given, or bad and total",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 30*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "queue", Indicator: slo.Indicator{Sampled: &tc.sampled}, GroupBy: tc.groupBy}
			c := client(t, prom.Options{URL: server.URL()})
			ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(2 * time.Minute), Interval: 30 * time.Second}
			checkInstants(t, c, o, ticks)
			before, _ := server.Asked()
			reading := c.Read(t.Context(), []slo.Objective{o}, ticks)[0]
			if after, _ := server.Asked(); after > before+1 {
				t.Errorf("%d queries, want one", after-before)
			}
			if tc.err != "" {
				if !errors.Is(reading.Err, slo.ErrRefused) || !strings.HasSuffix(reading.Err.Error(), tc.err) {
					t.Errorf("got %v, want %s", reading.Err, tc.err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, describe(t, reading)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSampledSmallRatios has constant ratios far below the smallest counted part of an event: they
// show over many ticks.
func TestSampledSmallRatios(t *testing.T) {
	const n = 2880
	server := promtest.Start(t)
	if err := server.Load(zero, 30*time.Second, "up 1x2880"); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(30 * time.Second), Last: zero.Add(n * 30 * time.Second), Interval: 30 * time.Second}
	for _, sampled := range []slo.Sampled{
		{ErrorRatio: "0.0001 * up"}, {ErrorRatio: "0.00049 * up"}, {ErrorRatio: "0.0009 * up"}, {Bad: "0.0001 * up", Total: "0.3333 * up"},
	} {
		o := slo.Objective{Name: "a", Indicator: slo.Indicator{Sampled: &sampled}}
		var got, want slo.Counts
		for _, s := range c.Read(t.Context(), []slo.Objective{o}, ticks)[0].Series[0].Samples {
			got = got.Add(s.Counts)
		}
		switch sampled.ErrorRatio {
		case "0.0001 * up":
			want = slo.Counts{Total: n, Bad: 0.0001 * n}
		case "0.00049 * up":
			want = slo.Counts{Total: n, Bad: 0.00049 * n}
		case "0.0009 * up":
			want = slo.Counts{Total: n, Bad: 0.0009 * n}
		default:
			want = slo.Counts{Total: 0.3333 * n, Bad: 0.0001 * n}
		}
		if math.Abs(got.Total-want.Total) > 0.01 || math.Abs(got.Bad-want.Bad) > 0.01 {
			t.Errorf("%+v: got %+v, want %+v", sampled, got, want)
		}
	}
}

// TestPerTickInSteps reads the past in steps of several ticks: each of them counts.
func TestPerTickInSteps(t *testing.T) {
	server := promtest.Start(t)
	series := []string{`age{queue="a"} 1 9 1 1 9 1 9 9 stale`, `age{queue="b"} _ _ _ _ 1 1 1 1 NaN`, `ratio 0 0 0.5 0.25 0.5 1 NaN`}
	if err := server.Load(zero, 30*time.Second, strings.Join(series, "\n")); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(2 * time.Minute), Last: zero.Add(6 * time.Minute), Interval: 2 * time.Minute, Each: 30 * time.Second}
	objectives := []slo.Objective{
		{Name: "bool", Indicator: slo.Indicator{Bool: "age < 5"}, GroupBy: []string{"queue"}},
		{Name: "sampled", Indicator: slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "ratio"}}},
	}
	want := [][]string{
		{`{queue="a"}`, "2m0s: 4 bad 2", "4m0s: 3 bad 2", "6m0s: blind", `{queue="b"}`, "2m0s: 1 bad 0", "4m0s: 3 bad 0", "6m0s: blind"},
		{"2m0s: 4 bad 1.25", "4m0s: 1 bad 1; not_a_number 3", "6m0s: blind; not_a_number 4"},
	}
	before, _ := server.Asked()
	readings := c.Read(t.Context(), objectives, ticks)
	if after, _ := server.Asked(); after != before+1 {
		t.Errorf("%d queries, want both objectives in one", after-before)
	}
	for i, r := range readings {
		if diff := cmp.Diff(want[i], describe(t, r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", objectives[i].Name, diff)
		}
	}
}
