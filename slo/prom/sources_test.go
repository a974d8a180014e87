package prom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// tenant is the header by which Mimir tells tenants apart.
const tenant = "X-Scope-OrgID"

// mimir has a Prometheus for each tenant, and answers nobody else.
func mimir(t *testing.T, tenants map[string]*promtest.Server) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		its := tenants[r.Header.Get(tenant)]
		if its == nil {
			http.Error(w, "no org id", http.StatusUnauthorized)
			return
		}
		forward(t, its, w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// forward sends a query on.
func forward(t *testing.T, to *promtest.Server, w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, to.URL()+r.URL.RequestURI(), r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	request.Header = r.Header
	resp, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		http.Error(w, "gone", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	_, _ = w.Write(body.Bytes())
}

// shopWith is a server with the events of a shop: so many good and bad ones in 15 s.
func shopWith(t *testing.T, good, bad int) *promtest.Server {
	t.Helper()
	s := promtest.Start(t)
	series := `requests_total{job="shop",instance="a",code="200"} 0+%dx60
requests_total{job="shop",instance="a",code="500"} 0+%dx60
`
	if err := s.Load(sourcesNoon.Add(-10*time.Minute), 15*time.Second, fmt.Sprintf(series, good, bad)); err != nil {
		t.Fatal(err)
	}
	return s
}

var sourcesNoon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ofSource(name, source string) slo.Objective {
	return slo.Objective{Name: name, Source: source, Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code="500"}`, Total: `requests_total`}}}
}

// TestSourcesAreTenants reads one objective of two tenants of one server and of a second server.
// Each has its own numbers, and nothing shows a header.
func TestSourcesAreTenants(t *testing.T) {
	server := mimir(t, map[string]*promtest.Server{"hunter2-payments": shopWith(t, 15, 2), "hunter2-search": shopWith(t, 150, 0)})
	file := filepath.Join(t.TempDir(), "tenant")
	if err := os.WriteFile(file, []byte("hunter2-search\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	registry := prometheus.NewRegistry()
	sources, err := prom.NewSources(map[string]prom.Options{
		"":         {URL: shopWith(t, 2, 1).URL()},
		"payments": {URL: server.URL, Headers: map[string]prom.Header{tenant: {Value: "hunter2-payments"}}},
		"search":   {URL: server.URL, Headers: map[string]prom.Header{tenant: {File: file}}},
		"nobody":   {URL: server.URL, Headers: map[string]prom.Header{tenant: {Value: "hunter2-nobody"}}},
	}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), registry)
	if err != nil {
		t.Fatal(err)
	}
	defer sources.Close()
	all := []slo.Objective{ofSource("a", "payments"), ofSource("b", ""), ofSource("c", "search"), ofSource("d", "nobody"), ofSource("e", "gone"), ofSource("f", "payments")}
	ticks := slo.Ticks{First: sourcesNoon, Last: sourcesNoon, Interval: time.Minute}
	readings := sources.Read(t.Context(), all, ticks)
	for i, want := range map[int]slo.Counts{0: {Total: 68, Bad: 8}, 1: {Total: 12, Bad: 4}, 2: {Total: 600}, 5: {Total: 68, Bad: 8}} {
		if r := readings[i]; r.Err != nil || r.Series[0].Samples[0].Counts != want {
			t.Errorf("%s: %+v, want %+v", all[i].Name, r, want)
		}
	}
	if err := readings[3].Err; !errors.Is(err, slo.ErrRefused) {
		t.Errorf("without a right tenant: %v", err)
	}
	if err := readings[4].Err; !errors.Is(err, slo.ErrRefused) || !strings.Contains(err.Error(), "there is no source gone") {
		t.Errorf("a source that is not there: %v", err)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	metrics := w.Body.String()
	for _, want := range []string{`queries_total{source=""}`, `queries_total{source="payments"}`, `query_failures_total{reason="refused",source="nobody"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	if shown := log.String() + metrics + fmt.Sprint(readings[3].Err); strings.Contains(shown, "hunter2") || !strings.Contains(shown, "source=search") {
		t.Errorf("a header is shown, or no source: %s", shown)
	}
	if err := os.WriteFile(file, []byte("hunter2-payments"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := sources.Read(t.Context(), all[2:3], ticks)[0]; r.Err != nil || r.Series[0].Samples[0].Total != 68 {
		t.Errorf("with another value in the file: %+v", r)
	}
}

// TestOneSourceHasNoLabel has the metrics of a default source alone as they were before there were
// others.
func TestOneSourceHasNoLabel(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := prom.NewSources(map[string]prom.Options{"": {URL: "http://127.0.0.1:1"}}, nil, registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) == 0 {
		t.Fatal(families, err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "source" {
					t.Errorf("%s has the label", f.GetName())
				}
			}
		}
	}
}

// TestASourceThatHangs has one of two sources take all queries that it may, and send nothing, or an
// answer without end: the other one is read meanwhile.
func TestASourceThatHangs(t *testing.T) {
	begin := func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
		for i := range 40_000 {
			fmt.Fprintf(w, `{"metric":{"instance":"%0100d"},"value":[1772452800,"1"]},`, i)
		}
		_ = http.NewResponseController(w).Flush() // it is larger than what a connection holds: the client has read of it
	}
	for name, tc := range map[string]struct {
		begin func(w http.ResponseWriter)
		taken int32 // queries that have all that there is
	}{
		"no answer":                 {func(http.ResponseWriter) {}, 4},
		"a large answer that stops": {begin, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			var taken atomic.Int32
			hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm() // so that the connection is watched
				tc.begin(w)
				taken.Add(1)
				<-r.Context().Done()
			}))
			defer hanging.Close()
			large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				fmt.Fprint(w, `{"metric":{"instance":"last"},"value":[1772452800,"1"]}]}}`)
			}))
			defer large.Close()
			sources, err := prom.NewSources(map[string]prom.Options{"": {URL: large.URL}, "hanging": {URL: hanging.URL}}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer sources.Close()
			ticks := slo.Ticks{First: sourcesNoon, Last: sourcesNoon, Interval: time.Minute}
			var reading sync.WaitGroup
			for i := range 10 {
				reading.Go(func() {
					_, err := sources.Of("hanging").Traces(ctx, fmt.Sprintf("up + %d", i), ticks)
					if err == nil {
						t.Error("it answered")
					}
				})
			}
			for taken.Load() < tc.taken {
				time.Sleep(time.Millisecond)
			}
			begun := time.Now()
			traces, err := sources.Of("").Traces(t.Context(), "up", ticks)
			if took := time.Since(begun); err != nil || len(traces) != 40_001 || took > 20*time.Second {
				t.Errorf("the other source: %d series, %v, after %s", len(traces), err, took)
			}
			stop()
			reading.Wait()
		})
	}
}
