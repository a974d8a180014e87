package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

func TestNativeIndicators(t *testing.T) {
	tests := []struct {
		value    string // of indicator, in line 2
		want     slo.Indicator
		problems []string
	}{
		{
			value: `{latency: {histogram: 'd_seconds{job="x"}', threshold: 500ms}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: `d_seconds{job="x"}`, Threshold: 500 * time.Millisecond}},
		},
		{
			value: `{latency: {histogram: d_milliseconds, threshold: 1m, unit: milliseconds}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_milliseconds", Threshold: time.Minute, Unit: time.Millisecond}},
		},
		{
			value: `{latency: {histogram: d_seconds, threshold: 250us}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 250 * time.Microsecond}},
		},
		{
			value: `{latency: {histogram: d_seconds, threshold: 500µs}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 500 * time.Microsecond}},
		},
		{
			value: `{latency: {histogram: d_seconds, threshold: 100ns}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 100}},
		},
		{
			value: `{latency: {histogram: d_seconds, threshold: 1.5ms}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 1500 * time.Microsecond}},
		},
		{
			value: `{latency: {histogram: d_seconds, threshold: 1d}}`,
			want:  slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 24 * time.Hour}},
		},
		{value: `{latency: {histogram: d_seconds, threshold: -1ms}}`, problems: []string{
			`2:56: indicator.latency.threshold must be a duration like 500ms, not "-1ms"`,
		}},
		{
			value: `{bool: max(queue_length) < 100}`,
			want:  slo.Indicator{Bool: "max(queue_length) < 100"},
		},
		{
			value: `{sampled: {error_ratio: 'job:errors:ratio5m{job="x"}'}}`,
			want:  slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: `job:errors:ratio5m{job="x"}`}},
		},
		{
			value: `{sampled: {bad: count(up == 0) or vector(0), total: count(up)}}`,
			want:  slo.Indicator{Sampled: &slo.Sampled{Bad: "count(up == 0) or vector(0)", Total: "count(up)"}},
		},
		{value: `{sampled: {}}`, problems: []string{
			"2:22: indicator.sampled.error_ratio is missing; give it PromQL that is between 0 and 1, like job:errors:ratio_rate5m, or give bad and total",
		}},
		{value: `{sampled: {bad: x}}`, problems: []string{
			"2:22: indicator.sampled.total is missing; give it PromQL that has a number at a time, like sum(rate(http_requests_total[5m]))",
		}},
		{value: `{sampled: {total: x}}`, problems: []string{
			"2:22: indicator.sampled.bad is missing; give it PromQL that has a number at a time, like sum(rate(http_requests_total[5m]))",
		}},
		{value: `{sampled: {bad: x, error_ratio: y}}`, problems: []string{
			"2:31: indicator.sampled has error_ratio and another key; give error_ratio alone, or bad and total",
		}},
		{value: `{sampled: {error_ratio: ''}}`, problems: []string{
			"2:36: indicator.sampled.error_ratio is empty; give it PromQL that is between 0 and 1, like job:errors:ratio_rate5m",
		}},
		{value: `{sampled: {error_ratio: 'rate(x)'}}`, problems: []string{
			`2:42: indicator.sampled.error_ratio: it does not parse as PromQL: expected type range vector in call to function "rate", got instant vector`,
		}},
		{value: `{sampled: {error_ratio: '1 - x[5m]'}}`, problems: []string{
			`2:41: indicator.sampled.error_ratio: it does not parse as PromQL: binary expression must contain only scalar and instant vector types`,
		}},
		{value: `{sampled: {ratio: x}}`, problems: []string{
			"2:22: indicator.sampled.error_ratio is missing; give it PromQL that is between 0 and 1, like job:errors:ratio_rate5m, or give bad and total",
			`2:23: unknown key "ratio"; indicator.sampled has bad, total, error_ratio`,
		}},
		{value: `{}`, problems: []string{"2:12: indicator.ratio is missing; give it bad and total, or good and total; or give latency, bool or sampled"}},
		{value: `{bool: x, latency: {histogram: d, threshold: 1s}}`, problems: []string{"2:13: indicator has latency and bool; give one of them"}},
		{value: `{bool: ''}`, problems: []string{"2:19: indicator.bool is empty; give it PromQL that is true or false, like max(queue_length) < 100"}},
		{value: `{bool: "up[5m]"}`, problems: []string{"2:20: indicator.bool: a range vector is neither true nor false: compare something, as in max(queue_length) < 100"}},
		{value: `{bool: [x]}`, problems: []string{"2:19: indicator.bool must be PromQL that is true or false, like max(queue_length) < 100, not a list"}},
		{value: `{latency: d_seconds}`, problems: []string{`2:22: indicator.latency must be a mapping of keys to values, not "d_seconds"`}},
		{value: `{latency: {}}`, problems: []string{
			`2:22: indicator.latency.histogram is missing; give it a selector like http_request_duration_seconds{job="checkout"}`,
			"2:22: indicator.latency.threshold is missing; say how long is still good, with a duration like 500ms",
		}},
		{value: `{latency: {histogram: d_seconds_bucket, threshold: 1s}}`, problems: []string{
			"2:34: indicator.latency.histogram: d_seconds_bucket is a part of a histogram: give the histogram's own name, d_seconds",
		}},
		{value: `{latency: {histogram: 'sum(d_seconds_count)', threshold: 1s}}`, problems: []string{
			"2:35: indicator.latency.histogram: sum() is not needed: all series are counted together; give the histogram itself: d_seconds_count",
		}},
		{value: `{latency: {histogram: 'd{le="5"}', threshold: 1s}}`, problems: []string{
			"2:35: indicator.latency.histogram: le has no place here: the threshold says which bucket is meant",
		}},
		{value: `{latency: {histogram: d_seconds, threshold: 0s}}`, problems: []string{
			"2:56: indicator.latency.threshold must be longer than 0: it is a duration like 500ms up to which events are good",
		}},
		{value: `{latency: {histogram: d_seconds, threshold: 0.5}}`, problems: []string{
			`2:56: indicator.latency.threshold must be a duration like 500ms, not "0.5"`,
		}},
		{value: `{latency: {histogram: d_seconds, threshold: 1s, unit: ms}}`, problems: []string{
			`2:66: indicator.latency.unit must be seconds, milliseconds, microseconds or nanoseconds, not "ms"`,
		}},
		{value: `{ratio: {bad: 'a{code="5.."}', total: a}}`, problems: []string{
			`2:27: warning: indicator.ratio.bad: code="5.." is compared as text: a pattern is written code=~"5.."`,
		}},
		{value: `{bool: '1 - absent(up)'}, exclude: 'max(b{code="5.."}) == 1'`, problems: []string{
			"2:24: warning: indicator.bool: absent() is 1 or has no value, and no value is no data, never false: compare a count, as in (count(up) or vector(0)) > 0",
			`2:52: warning: exclude: code="5.." is compared as text: a pattern is written code=~"5.."`,
		}},
		{value: `{latency: {histogram: d_seconds, treshold: 1s}}`, problems: []string{`2:45: unknown key "treshold"; did you mean threshold?`}},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			doc := "slos: [{name: a, service: s, target: 99%,\nindicator: " + test.value + "}]\n"
			definitions, problems := Native([]byte(doc), "slo.yaml")
			agrees(t, doc, problems)
			if diff := cmp.Diff(test.problems, lines(problems)); diff != "" {
				t.Fatalf("problems (-want +got):\n%s", diff)
			}
			if len(problems) > 0 {
				return
			}
			if diff := cmp.Diff(test.want, definitions[0].Objective.Indicator); diff != "" {
				t.Errorf("indicator (-want +got):\n%s", diff)
			}
		})
	}
}
