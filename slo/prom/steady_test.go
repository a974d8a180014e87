package prom_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestSteadyTicks reads tick after tick. Once nothing happens, falls are looked for in the last
// scrapes alone; a series that is scraped less often than that does not make its ticks odd.
func TestSteadyTicks(t *testing.T) {
	const ok = `http_requests_total{job="shop",instance="a",code="200"} `
	const first = 6 * time.Minute // the first tick that is read
	for _, tc := range []struct {
		name    string
		step    time.Duration // of the scrapes
		series  string
		want    []string
		queries []int64 // of each tick; the first one learns the job
	}{
		{
			name: "scraped every 15 s", step: 15 * time.Second, series: ok + "0+10x60",
			want:    []string{"6m0s: 20 bad 0", "6m30s: 20 bad 0", "7m0s: 20 bad 0", "7m30s: 20 bad 0"},
			queries: []int64{2, 1, 1, 1},
		},
		{
			name: "a fall from the last scrape of a steady tick, climbed past at once", step: 5 * time.Second, series: ok + "0+1x84 3 40 60 80 90 95 100",
			want:    []string{"6m0s: 6 bad 0", "6m30s: 6 bad 0", "7m0s: 6 bad 0", "7m30s: 95 bad 0; reset 1 (3)"},
			queries: []int64{2, 1, 1, 3},
		},
		{
			name: "scraped every 3 minutes", step: 3 * time.Minute, series: ok + "0+80x10",
			want:    []string{"6m0s: 80 bad 0", "6m30s: 0 bad 0", "7m0s: 0 bad 0", "7m30s: 0 bad 0", "8m0s: 0 bad 0", "8m30s: 0 bad 0", "9m0s: 80 bad 0"},
			queries: []int64{2, 1, 1, 1, 2, 1, 1}, // the fifth learns that it has to look further back
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, tc.step, tc.series); err != nil {
				t.Fatal(err)
			}
			c := client(t, prom.Options{URL: server.URL()})
			var got []string
			var queries []int64
			for i := range tc.queries {
				at := zero.Add(first + time.Duration(i)*30*time.Second)
				before, _ := server.Asked()
				got = append(got, describe(t, c.Read(t.Context(), objectives(), slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0])...)
				after, _ := server.Asked()
				queries = append(queries, after-before)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.queries, queries); diff != "" {
				t.Errorf("queries of each tick (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRareIsForgotten reads ticks after a gap in the scrapes of two minutes, in which samples are
// looked for further back: a while later they no longer are. A gap in a past that is read makes no
// difference at all.
func TestRareIsForgotten(t *testing.T) {
	server := promtest.Start(t)
	series := `http_requests_total{job="shop",instance="a",code="200"} 0+10x20 _x8 290+10x60`
	if err := server.Load(zero, 15*time.Second, series); err != nil {
		t.Fatal(err)
	}
	tick := func(c *prom.Client, at, interval time.Duration) (samples int64) {
		ticks := slo.Ticks{First: zero.Add(at), Last: zero.Add(at), Interval: interval}
		_, before := server.Asked()
		describe(t, c.Read(t.Context(), objectives(), ticks)[0])
		_, after := server.Asked()
		return after - before
	}
	const interval = 30 * time.Second
	c := client(t, prom.Options{URL: server.URL()})
	usual := int64(0)
	for at := 3 * time.Minute; at <= 5*time.Minute; at += interval {
		usual = tick(c, at, interval)
	}
	var after []int64 // by tick
	for at := 6*time.Minute + 30*time.Second; at <= 10*time.Minute+2*interval; at += interval {
		after = append(after, tick(c, at, interval))
	}
	n := len(after)
	if after[n-4] <= usual {
		t.Errorf("just before 10 minutes a tick reads %d samples, usually %d; want more", after[n-4], usual)
	}
	if after[n-1] != usual {
		t.Errorf("then one reads %d samples, want %d: %d", after[n-1], usual, after)
	}

	const short = 5 * time.Second
	c = client(t, prom.Options{URL: server.URL()})
	for at := 12*time.Minute + short; at <= 13*time.Minute; at += short {
		usual = tick(c, at, short)
	}
	past := slo.Ticks{First: zero.Add(4 * time.Minute), Last: zero.Add(8 * time.Minute), Interval: short}
	c.Read(t.Context(), objectives(), past)
	tick(c, 13*time.Minute+short, short)
	tick(c, 13*time.Minute+2*short, short)
	if got := tick(c, 13*time.Minute+3*short, short); got != usual {
		t.Errorf("after reading the past a tick reads %d samples, want %d", got, usual)
	}
}
