package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestReplayAsksNothing replays once, then with other targets and rules while Prometheus answers no
// query: what was read is enough, and the result is that of a replay without a cache.
func TestReplayAsksNothing(t *testing.T) {
	outage := past(t)
	target, err := url.Parse(outage.URL())
	if err != nil {
		t.Fatal(err)
	}
	var silent atomic.Bool
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() && strings.Contains(r.URL.Path, "query") {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	dir := t.TempDir()
	replay := func(server, text string, flags ...string) (string, error) {
		t.Helper()
		file := filepath.Join(dir, "slos.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"--prometheus=" + server, "replay", "--start=2026-03-02T01:00:00Z", "--end=2026-03-02T05:30:00Z", "--output=json"}, flags...)
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), append(args, file), envconfig.MapLookuper(nil), &stdout, &stderr)
		if err == nil && strings.Contains(stderr.String(), "samples will be read again") {
			t.Error(stderr.String())
		}
		return stdout.String(), err
	}
	const slos = `
slos:
  - name: shop-availability
    service: shop
    target: 99.9%
    group_by: [instance]
    indicator: {ratio: {bad: 'requests_total{job="shop",code="500"}', total: 'requests_total{job="shop"}'}}
`
	cache := "--cache=" + filepath.Join(dir, "samples")
	if _, err := replay(proxy.URL, slos, cache, "--every-tick"); err != nil {
		t.Fatal(err)
	}
	silent.Store(true)
	if _, err := replay(proxy.URL, slos, "--no-cache"); err == nil {
		t.Fatal("Prometheus answers")
	}
	for _, change := range [][2]string{
		{"99.9%", "99.9%"},
		{"99.9%", "99%"},
		{"99.9%", "99.99%"},
		{"group_by", "incident: {burn: [{rate: 2, long: 30m, short: 5m}]}\n    group_by"},
		{"group_by", "window: 7d\n    group_by"},
		{"group_by", "incident: {burn: [{rate: 2, long: 12d, short: 1d}]}\n    window: 14d\n    group_by"},
	} {
		changed := strings.Replace(slos, change[0], change[1], 1)
		want, err := replay(outage.URL(), changed, "--no-cache")
		if err != nil {
			t.Fatal(err)
		}
		got, err := replay(proxy.URL, changed, cache)
		if err != nil {
			t.Errorf("%s: %v", change[1], err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", change[1], diff)
		}
	}
}

// TestReplayOfAForwardedPort replays the past of one server, then that of another which has got the
// same address.
func TestReplayOfAForwardedPort(t *testing.T) {
	outage, other := past(t), promtest.Start(t)
	if err := other.Load(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 15*time.Second, `requests_total{job="shop",code="200"} 0+150x1440`); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]bool{"that says when it started": true, "that does not": false} {
		t.Run(name, func(t *testing.T) {
			var forward atomic.Pointer[httputil.ReverseProxy]
			to := func(text string) {
				u, err := url.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				forward.Store(httputil.NewSingleHostReverseProxy(u))
			}
			port := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !says && strings.HasSuffix(r.URL.Path, "/runtimeinfo") {
					http.NotFound(w, r)
					return
				}
				forward.Load().ServeHTTP(w, r)
			}))
			defer port.Close()
			dir := t.TempDir()
			file := filepath.Join(dir, "slos.yaml")
			const slos = `slos: [{name: shop, service: shop, target: 99.9%, indicator: {ratio: {bad: 'requests_total{job="shop",code="500"}', total: 'requests_total{job="shop"}'}}}]`
			if err := os.WriteFile(file, []byte(slos), 0o600); err != nil {
				t.Fatal(err)
			}
			incidents := func() int {
				var stdout, stderr bytes.Buffer
				args := []string{"--prometheus=" + port.URL, "replay", "--start=2026-03-02T01:00:00Z", "--end=2026-03-02T05:30:00Z", "--output=json", "--cache=" + filepath.Join(dir, "samples"), file}
				if err := run(t.Context(), args, envconfig.MapLookuper(nil), &stdout, &stderr); err != nil {
					t.Fatalf("%v\n%s", err, stderr.String())
				}
				return strings.Count(stdout.String(), `"onset"`)
			}
			to(outage.URL())
			if incidents() == 0 {
				t.Fatal("there was no incident")
			}
			if to(other.URL()); incidents() != 0 {
				t.Error("the other server has the incident of the first")
			}
		})
	}
}
