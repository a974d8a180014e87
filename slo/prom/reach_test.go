package prom_test

import (
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestReach asks for the newest sample of counters and histograms that are scraped, and of one that
// no longer is.
func TestReach(t *testing.T) {
	server := promtest.Start(t)
	last := time.Now().Truncate(time.Second).Add(-7 * time.Second).UTC()
	for _, s := range []struct {
		name, pod string
		at        time.Time
	}{
		{"requests_total", "a", last.Add(-40 * time.Second)},
		{"requests_total", "b", last},
		{"seconds_count", "a", last.Add(-time.Second)},
		{"old_total", "a", last.Add(-time.Hour)},
	} {
		if err := server.Append(promtest.Sample{Labels: map[string]string{"__name__": s.name, "pod": s.pod}, Time: s.at, Value: 1}); err != nil {
			t.Fatal(err)
		}
	}
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for name, tc := range map[string]struct {
		indicator slo.Indicator
		want      time.Time
	}{
		"ratio":     {slo.Indicator{Ratio: &slo.Ratio{Bad: "errors_total", Total: "requests_total"}}, last},
		"terms":     {slo.Indicator{Ratio: &slo.Ratio{Bad: "errors_total", Total: `requests_total{pod="a"} + old_total`}}, last.Add(-40 * time.Second)},
		"histogram": {slo.Indicator{Latency: &slo.Latency{Histogram: "seconds", Threshold: time.Second}}, last.Add(-time.Second)},
		"gone":      {slo.Indicator{Ratio: &slo.Ratio{Bad: "errors_total", Total: "old_total"}}, time.Time{}},
		"bool":      {slo.Indicator{Bool: "max(requests_total) > 1"}, time.Time{}},
	} {
		got, err := client.Reach(t.Context(), slo.Objective{Name: name, Indicator: tc.indicator})
		if err != nil || !got.Equal(tc.want) {
			t.Errorf("%s: %s, %v, want %s", name, got, err, tc.want)
		}
	}
}
