package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestCheckSlow names an objective that takes most of the time between two ticks.
func TestCheckSlow(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(time.Now().Add(-10*time.Minute), 15*time.Second, `
		quick_total{job="a",instance="a"} 0+600x40
		slow_total{job="a",instance="a"} 0+600x40
		errors_total{job="a",instance="a"} 0x40
	`); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	const interval = time.Second
	proxy := httputil.NewSingleHostReverseProxy(to)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("slow_total")) && strings.HasSuffix(r.URL.Path, "/query") {
			time.Sleep(interval * 3 / 4) // what the server takes, not what the test waits for
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	file := filepath.Join(t.TempDir(), "slo.yaml")
	if err := os.WriteFile(file, []byte(`slos:
  - {name: quick, service: s, target: 99%, indicator: {ratio: {bad: errors_total, total: quick_total}}}
  - {name: slow, service: s, target: 99%, indicator: {ratio: {bad: errors_total, total: slow_total}}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	environment := envconfig.MapLookuper(map[string]string{"POSTBURN_INTERVAL": interval.String()})
	if err := run(t.Context(), []string{"check", "--online", "--prometheus", slow.URL, file}, environment, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if said := stderr.String(); !strings.Contains(said, "slo.yaml:3:89: warning: reading slow takes ") || !strings.Contains(said, " of the 1s between two ticks: select fewer series") {
		t.Errorf("of an objective that takes long it is said:\n%s", said)
	}
}
