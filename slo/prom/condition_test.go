package prom_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestBool(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		groupBy     []string
		series      []string // in steps of 30 s
		want        []string // of the ticks at 1m, 1m30s and 2m
		err         string   // in their place
	}{
		{
			name: "a comparison is one event a tick, true or false", query: `max(age_seconds) < 60`,
			series: []string{`age_seconds{queue="a"} 10 10 10 70 20`, `age_seconds{queue="b"} 1x5`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 0"},
		},
		{
			name: "a comparison that has bool already, in parentheses", query: `(max(age_seconds) < bool 60)`,
			series: []string{`age_seconds 10 10 10 70 20`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 0"},
		},
		{
			name: "empty is blind, never false", query: `max(age_seconds) < 60`,
			series: []string{`age_seconds 10 10 10 stale 20`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: blind", "2m0s: 1 bad 0"},
		},
		{
			name: "two conditions multiplied", query: `(max(age_seconds) < bool 60) * (max(depth) < bool 5)`,
			series: []string{`age_seconds 10 10 10 10 70`, `depth 1 1 1 7 1`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 1"},
		},
		{
			name: "a vector of 0 and 1", query: `probe_success`,
			series: []string{`probe_success 1 1 1 0 1`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 0"},
		},
		{
			name: "a number", query: `scalar(probe_success)`,
			series: []string{`probe_success 1 1 1 0 1`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 0"},
		},
		{
			name: "what is not a number is no data", query: `probe_success`,
			series: []string{`probe_success 1 1 1 NaN 1`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: blind; not_a_number 1", "2m0s: 1 bad 0"},
		},
		{
			name: "0/0 of an idle service is no outage", query: `sum(rate(errors_total[1m])) / sum(rate(all_total[1m])) < 0.01`,
			series: []string{`errors_total 0 0 0 0 9`, `all_total 0 9 18 18 27`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: blind", "2m0s: 1 bad 1"},
		},
		{
			name: "infinity is a number", query: `max(age_seconds) < 60`,
			series: []string{`age_seconds 10 10 -Inf +Inf NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "infinity compared with infinity", query: `max(age_seconds) < +Inf`,
			series: []string{`age_seconds 10 10 -Inf +Inf NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "NaN is not what it differs from", query: `age_seconds != 60`,
			series: []string{`age_seconds 10 10 10 60 NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "a number and a vector", query: `60 > max(age_seconds)`,
			series: []string{`age_seconds 10 10 10 70 NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "a vector and a number that is NaN", query: `max(age_seconds) < scalar(limit)`,
			series: []string{`age_seconds 10 10 10 70 20`, `limit 60 60 60 60 stale`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind; not_a_number 1"},
		},
		{
			name: "a number that is NaN and a vector", query: `(scalar(limit) > max(age_seconds))`,
			series: []string{`age_seconds 10 10 10 70 20`, `limit 60 60 60 60 NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind; not_a_number 1"},
		},
		{
			name: "two numbers, the left one NaN", query: `scalar(age_seconds) < bool scalar(limit)`,
			series: []string{`age_seconds 10 10 10 70 NaN`, `limit 60x5`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind; not_a_number 1"},
		},
		{
			name: "two numbers, the right one NaN", query: `-60 + 2 * 60 > bool scalar(age_seconds)`,
			series: []string{`age_seconds 10 10 10 70 NaN`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind; not_a_number 1"},
		},
		{
			name: "two vectors, the left one NaN", query: `errors / total < limit`,
			series: []string{`errors 1 1 1 9 0`, `total 10 10 10 10 0`, `limit 0.5x5`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "two vectors with on()", query: `max by (queue, zone) (age_seconds) < on (queue) limit`, groupBy: []string{"queue"},
			series: []string{`age_seconds{queue="a",zone="x"} 10 10 10 70 20`, `limit{queue="a",by="ops"} 60 60 60 60 NaN`},
			want:   []string{`{queue="a"}`, "1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "two vectors with ignoring()", query: `age_seconds < ignoring (by) limit`,
			series: []string{`age_seconds{queue="a"} 10 10 10 70 NaN`, `limit{queue="a",by="ops"} 60x5`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "two vectors with group_left", query: `age_seconds < on (zone) group_left (by) limit`, groupBy: []string{"queue"},
			series: []string{
				`age_seconds{queue="a",zone="x"} 10 10 10 70 20`, `age_seconds{queue="b",zone="x"} 10 10 10 NaN 20`, `limit{zone="x",by="ops"} 60 60 60 60 NaN`,
			},
			want: []string{
				`{queue="a"}`, "1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind",
				`{queue="b"}`, "1m0s: 1 bad 0", "1m30s: blind", "2m0s: blind",
			},
		},
		{
			name: "two vectors with group_right", query: `limit > on (zone) group_right () age_seconds`, groupBy: []string{"queue"},
			series: []string{`age_seconds{queue="a",zone="x"} 10 10 10 70 NaN`, `limit{zone="x"} 60x5`},
			want:   []string{`{queue="a"}`, "1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "comparisons that are multiplied", query: `(max(age_seconds) < bool 60) * ((max(depth) < bool scalar(limit)))`,
			series: []string{`age_seconds 10 10 10 10 NaN`, `depth 1 1 1 7 1`, `limit 5x5`},
			want:   []string{"1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: blind"},
		},
		{
			name: "one event a label set", query: `age_seconds < 60`, groupBy: []string{"queue"},
			series: []string{`age_seconds{queue="a"} 10 10 10 70 20`, `age_seconds{queue="b"} 1x2 stale`},
			want: []string{
				`{queue="a"}`, "1m0s: 1 bad 0", "1m30s: 1 bad 1", "2m0s: 1 bad 0",
				`{queue="b"}`, "1m0s: 1 bad 0", "1m30s: blind", "2m0s: blind",
			},
		},
		{
			name: "several series", query: `age_seconds < 60`,
			series: []string{`age_seconds{queue="a"} 10x5`, `age_seconds{queue="b"} 10x5`},
			err:    "bool: it has several series where one is needed: aggregate them, as in max(...) < 100, or name their labels in group_by",
		},
		{
			name: "several series of one label set", query: `age_seconds < 60`, groupBy: []string{"zone"},
			series: []string{`age_seconds{zone="x",queue="a"} 10x5`, `age_seconds{zone="x",queue="b"} 10x5`},
			err:    `bool: it has several series with the labels {zone="x"}: aggregate them by the labels of group_by, as in max by (zone) (...) < 100`,
		},
		{
			name: "neither 0 nor 1", query: `max(age_seconds)`,
			series: []string{`age_seconds 10 10 7x5`},
			err:    "bool: the value 7 is neither 0 nor 1: compare it, as in max(queue_length) < 100",
		},
		{
			name: "a native histogram", query: `sum(age_seconds)`,
			series: []string{`age_seconds {{schema:0 count:3 sum:6 buckets:[2 1]}}x5`},
			err:    "bool: a native histogram is neither true nor false: compare a number, as in max(queue_length) < 100",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 30*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "queue", Indicator: slo.Indicator{Bool: tc.query}, GroupBy: tc.groupBy}
			c := client(t, prom.Options{URL: server.URL()})
			ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(2 * time.Minute), Interval: 30 * time.Second}
			checkInstants(t, c, o, ticks)
			reading := c.Read(t.Context(), []slo.Objective{o}, ticks)[0]
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
