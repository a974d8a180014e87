package prom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestFamily reads twenty objectives that differ in their job alone, of which some have a reset, a birth, an end, or no data: together, with
// one selector for all, and each alone.
func TestFamily(t *testing.T) {
	server := promtest.Start(t)
	var load strings.Builder
	var objectives []slo.Objective
	for i := range 20 {
		fails := []string{"0+1x20", "9+1x4 2+1x20", "_x4 1+1x20", "0+1x4 stale", "0+1x4 NaN 0+1x20", "1+0x3 1 5 -3 2 Inf 1+1x20"}[i%6]
		if i != 19 {
			fmt.Fprintf(&load, "requests_total{job=\"j%d\",instance=\"a\",code=\"200\"} 0+%dx20\nrequests_total{job=\"j%d\",instance=\"a\",code=\"500\"} %s\n"+
				"up{job=\"j%d\",instance=\"a\"} 1x20\n", i, 10+i, i, fails, i)
		}
		objectives = append(objectives, slo.Objective{Name: fmt.Sprint(i), Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad: fmt.Sprintf(`requests_total{job="j%d",code="500"}`, i), Total: fmt.Sprintf(`requests_total{job="j%d"}`, i),
		}}})
		if i%3 == 0 {
			objectives[i].GroupBy = []string{"code"}
		}
	}
	if err := server.Load(zero, 15*time.Second, load.String()); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	alone, together := c.Batched(1), c.Batched(20)
	for at := zero.Add(30 * time.Second); !at.After(zero.Add(4 * time.Minute)); at = at.Add(30 * time.Second) {
		ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
		if diff := cmp.Diff(alone.Read(t.Context(), objectives, ticks), together.Read(t.Context(), objectives, ticks)); diff != "" {
			t.Errorf("at %s (-alone +together):\n%s", at.Sub(zero), diff)
		}
	}
}

// TestOffGrid refuses ticks that are no multiples of their interval: a subquery's steps are such.
func TestOffGrid(t *testing.T) {
	c := client(t, prom.Options{URL: promtest.Start(t).URL()})
	at := zero.Add(time.Second)
	if r := c.Read(t.Context(), objectives(), slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}); r[0].Err == nil {
		t.Errorf("it was read: %+v", r)
	}
}
