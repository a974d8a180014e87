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

// TestSums counts ratios whose fields are sums of counters.
func TestSums(t *testing.T) {
	series := []string{
		`requests_total{job="shop",code="200"} 0+10x10`, `requests_total{job="shop",code="500"} 0+1x10`,
		`requests_total{job="shop",code="502",source="proxy"} 0+2x10`, `timeouts_total{job="shop"} 0+3x10`,
	}
	for _, tc := range []struct {
		name  string
		ratio slo.Ratio
		want  []string
		err   string
	}{
		{
			name:  "two metrics",
			ratio: slo.Ratio{Bad: `requests_total{code="500"} + timeouts_total`, Total: `requests_total + timeouts_total`},
			want:  []string{"1m0s: 32 bad 8"},
		},
		{
			name:  "two parts of one metric, told by different labels",
			ratio: slo.Ratio{Bad: `requests_total{code="500"} + requests_total{source="proxy"}`, Total: `requests_total`},
			want:  []string{"1m0s: 26 bad 6"},
		},
		{
			name:  "a sum counts twice what is in both terms, and or counts it once",
			ratio: slo.Ratio{Bad: `requests_total{code=~"5.."} + (requests_total{code="500"} or requests_total{code="500"})`, Total: `requests_total`},
			want:  []string{"1m0s: 26 bad 8"},
		},
		{
			name:  "a total of two parts of one metric",
			ratio: slo.Ratio{Good: `requests_total{code="200"}`, Total: `requests_total{code="200"} + requests_total{code=~"5.."}`},
			want:  []string{"1m0s: 26 bad 6"},
		},
		{
			name:  "a difference",
			ratio: slo.Ratio{Bad: `requests_total - requests_total{code="200"}`, Total: `requests_total`},
			want:  []string{"1m0s: 26 bad 6"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 15*time.Second, strings.Join(series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "shop", Indicator: slo.Indicator{Ratio: &tc.ratio}}
			ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(time.Minute), Interval: 30 * time.Second}
			reading := client(t, prom.Options{URL: server.URL()}).Read(t.Context(), []slo.Objective{o}, ticks)[0]
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
