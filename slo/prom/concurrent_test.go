package prom_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestReadsOfOneObjectiveAtOnce reads an objective while another reading of it waits for its first
// answer, as when the past is read next to due ticks.
func TestReadsOfOneObjectiveAtOnce(t *testing.T) {
	server := promtest.Start(t)
	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if err := server.Load(begin, 15*time.Second, `
		up{job="shop",pod="a"} 1x20
		process_start_time_seconds{job="shop",pod="a"} 1772000000x20
		requests_total{job="shop",pod="a"} 0+10x20
		errors_total{job="shop",pod="a"} 0+1x20`); err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	waits, goOn := make(chan struct{}), make(chan struct{})
	proxy := httputil.NewSingleHostReverseProxy(target)
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			close(waits)
			<-goOn
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(gate.Close)
	client, err := prom.New(prom.Options{URL: gate.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	objectives := []slo.Objective{{Name: "shop", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "errors_total", Total: "requests_total"}}}}
	ticks := slo.Ticks{First: begin.Add(4 * time.Minute), Last: begin.Add(4 * time.Minute), Interval: 30 * time.Second}
	first := make(chan []slo.Reading)
	go func() { first <- client.Read(t.Context(), objectives, ticks) }()
	<-waits
	want := client.Read(t.Context(), objectives, ticks)
	close(goOn)
	got := <-first
	if want[0].Err != nil || want[0].Series[0].Samples[0].Total != 20 {
		t.Fatalf("%+v", want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reading that had to wait (-want +got):\n%s", diff)
	}
}
