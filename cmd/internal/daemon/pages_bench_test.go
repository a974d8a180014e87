package daemon_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/web"
)

// What is watched while pages are measured: 5,000 objectives.
const (
	benchSLOs   = 500
	benchSeries = 10        // of each
	benchWindow = time.Hour // short, so that the past is soon read
)

// BenchmarkPages measures how long pages and the API take over HTTP, with an engine that watches
// 5,000 objectives, and with few and with many incidents. It shows the median and the 99th
// percentile of the requests' times, and the CPU time of one, which is the client's and the
// engine's too, and tells more on a busy machine.
func BenchmarkPages(b *testing.B) {
	for _, incidents := range []int{200, 20_000} {
		b.Run(fmt.Sprintf("incidents=%d", incidents), func(b *testing.B) {
			base := startBench(b, benchSLOs, incidents, 30*time.Second)
			middle := benchOnset(incidents / 2).Format(time.RFC3339)
			for _, path := range []string{
				"/", "/?q=service-07", "/incidents", "/incidents?q=service-07", "/incidents?end=" + middle, "/incidents/" + benchID(0),
				"/api/v1/incidents", "/api/v1/incidents?end=" + middle, "/api/v1/incidents?severity=1", "/api/v1/incidents/" + benchID(0),
				"/api/v1/slos", "/api/v1/slos/availability-000", "/api/v1/status", "/api/v1/openapi.json", "/metrics",
			} {
				name, _, _ := strings.Cut(path, "=")
				b.Run("path="+strings.ReplaceAll(name, "/", "|"), func(b *testing.B) { benchPage(b, base+path) })
			}
		})
	}
}

// benchPage asks for a page again and again.
func benchPage(b *testing.B, url string) {
	var took []time.Duration
	size, before := 0, cpuTime(b)
	for b.Loop() {
		begun := time.Now()
		size = fetch(b, url)
		took = append(took, time.Since(begun))
	}
	used := cpuTime(b) - before
	slices.Sort(took)
	milliseconds := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1)+0.5)].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op") // the mean says little
	b.ReportMetric(milliseconds(0.5), "p50-ms")
	b.ReportMetric(milliseconds(0.99), "p99-ms")
	b.ReportMetric(float64(used.Microseconds())/1000/float64(len(took)), "cpu-ms")
	b.ReportMetric(float64(size)/1024, "KiB")
}

// cpuTime returns how long the process has computed.
func cpuTime(b testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fetch asks as Prometheus 3 asks for metrics, and returns the size of the answer.
func fetch(b *testing.B, url string) int {
	ask, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	ask.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", url, answer.Status, err)
	}
	return len(body)
}

// startBench starts an engine that watches the objectives, and the handler of the pages over it and
// over a store with so many incidents. It returns the handler's address once it knows how all
// objectives stand, and has read their past.
func startBench(b testing.TB, slos, incidents int, interval time.Duration) (base string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "postburn.db")
	fillBenchStore(b, path, incidents)
	database, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	registry, logger := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	watcher := engine.NewEngine(engine.Options{
		Definitions: benchDefinitions(slos), Interval: interval, Source: benchSource, Store: database, Logger: logger, Registerer: registry,
	})
	if err := watcher.RecoverAll(b.Context(), database); err != nil {
		b.Fatal(err)
	}
	handler := web.NewHandler(logger, registry)
	handler.Ready(web.Data{
		Statuses: watcher.Statuses, Details: watcher.Details, Graph: promql.Graph, Store: database, Reload: func(context.Context) error { return nil },
	})
	server := httptest.NewUnstartedServer(nil)
	server.Config, server.Listener = web.NewServer(server.Listener, web.ServerOptions{Handler: handler, Logger: logger, Registerer: registry})
	server.Start()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx) }()
	b.Cleanup(func() {
		server.Close()
		stop()
		if err := errors.Join(<-ended, database.Close()); err != nil {
			b.Error(err)
		}
	})
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) {
		seen := 0
		for _, s := range watcher.Statuses(time.Now()) {
			if s.State == alert.OK && s.Unread == 0 {
				seen++
			}
		}
		if seen == slos*benchSeries {
			return server.URL
		}
		if time.Now().After(deadline) {
			all := watcher.Statuses(time.Now())
			b.Fatalf("%d of %d objectives have samples; the first is %+v", seen, len(all), all[0])
		}
	}
}

func benchDefinitions(slos int) (all []alert.Definition) {
	for n := range slos {
		all = append(all, alert.Definition{
			Objective: benchObjective(n),
			Policy:    alert.Policy{Rules: alert.DefaultRules(benchWindow), Group: fmt.Sprintf("service-%02d", n%50)},
		})
	}
	return all
}

func benchObjective(n int) slo.Objective {
	selector := fmt.Sprintf(`slo="%d"`, n)
	return slo.Objective{
		Name: fmt.Sprintf("availability-%03d", n), Service: fmt.Sprintf("service-%02d", n%50), Description: "Requests succeed.",
		Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: benchWindow}, GroupBy: []string{"region"},
		Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code="500",` + selector + `}`, Total: `requests_total{` + selector + `}`}},
	}
}

// benchSource has ten label sets of each objective, all well.
func benchSource(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i := range readings {
		for n := range benchSeries {
			s := slo.Series{Labels: slo.NewLabels(map[string]string{"region": fmt.Sprint("region-", n)})}
			for t := range ticks.Len() {
				s.Samples = append(s.Samples, slo.Sample{Tick: ticks.At(t), Counts: slo.Counts{Total: 10_000, Bad: 1}})
			}
			readings[i].Series = append(readings[i].Series, s)
		}
	}
	return readings
}

// benchOnset is when the n-th incident began, the newest being the first. There is one an hour.
func benchOnset(n int) time.Time {
	return time.Now().UTC().Truncate(time.Hour).Add(-time.Duration(n+1) * time.Hour * 17 / 20)
}

func benchID(n int) string { return fmt.Sprintf("service-%02d-%06d", n%50, n) }

// fillBenchStore makes a store with so many incidents that are over, and twenty that are open. All
// are published, with texts as long as real ones.
func fillBenchStore(b testing.TB, path string, incidents int) {
	b.Helper()
	database, err := sqlite.Open(b.Context(), path, sqlite.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer database.Close()
	fence, err := database.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	batch := alert.Batch{Lane: "bench", Fence: fence, Tick: time.Now().Truncate(time.Second)}
	for n := range incidents + 20 {
		i := benchIncident(n)
		if n%(incidents/20) == 0 {
			i.Windows[0].Ended = time.Time{}
		}
		batch.Incidents = append(batch.Incidents, i)
	}
	if err := database.Commit(b.Context(), []alert.Batch{batch}); err != nil {
		b.Fatal(err)
	}
	forgetBenchLane(b, path)
	long := strings.Repeat("| 2026-03-02 09:00 UTC | requests began to fail | postburn |\n", 150)
	for _, i := range batch.Incidents {
		body := long
		p := issue.Publication{Key: i.ID, Group: i.Group, Parts: []issue.Part{{Incident: i.ID, Posted: i.Revision, Onset: i.Onset()}}}
		for _, stage := range []issue.Stage{issue.Opening, issue.Progress, issue.Recovery} {
			p.Writes = append(p.Writes, issue.Write{
				Key: i.ID + string(stage), Stage: stage, Delivery: issue.Delivery{State: issue.Posted}, Revision: i.Revision, Text: issue.Text{Title: i.Group, Body: body},
				Ref: issue.Ref{Number: 17, URL: "https://github.com/acme/shop/issues/17"},
			})
			body = body[:len(body)/2]
		}
		if err := database.Save(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

// forgetBenchLane takes away the lane that the incidents were committed with, which is none of the
// daemon's.
func forgetBenchLane(b testing.TB, path string) {
	b.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(b.Context(), "DELETE FROM samples; DELETE FROM lanes"); err != nil {
		b.Fatal(err)
	}
}

func benchIncident(n int) alert.Incident {
	group := fmt.Sprintf("service-%02d", n%50)
	i := alert.Incident{ID: benchID(n), Revision: 3, Group: group}
	onset := benchOnset(n)
	for w := range 2 {
		v := alert.Window{
			Objective: benchObjective(n%50 + 50*w),
			Labels:    slo.NewLabels(map[string]string{"region": "region-1"}), Kind: alert.Burn,
			Rule:  &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
			Onset: onset, Detected: onset.Add(90 * time.Second), Ended: onset.Add(25 * time.Minute), PeakBurnRate: 512.3,
			Counts: slo.Counts{Total: 15337, Bad: 7700.5}, BudgetSpent: 0.301, BudgetLeft: 0.375, Severity: 2,
			Caveats: []slo.Caveat{{Kind: slo.NoData, Count: 4}, {Kind: slo.Reset, Count: 1}},
		}
		for p := range 4 {
			from := onset.Add(time.Duration(p) * 6 * time.Minute)
			v.Phases = append(v.Phases, alert.Phase{Kind: alert.Outage, Span: slo.Span{Start: from, End: from.Add(5 * time.Minute)}, Counts: slo.Counts{Total: 9000, Bad: 7000}})
		}
		i.Windows = append(i.Windows, v)
	}
	return i
}
