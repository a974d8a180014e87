package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// serving starts a server with a limit of connections, whose pages wait at the gate.
func serving(t *testing.T, connections int, external string, gate *gate) (address string, registry *prometheus.Registry) {
	t.Helper()
	registry = prometheus.NewRegistry()
	h := web.NewHandler(slog.New(slog.DiscardHandler), registry)
	h.Ready(ready(gate))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, limited := web.NewServer(l, web.ServerOptions{
		Handler: h, ExternalURL: external, Connections: connections, Logger: slog.New(slog.DiscardHandler), Registerer: registry,
	})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limited) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return l.Addr().String(), registry
}

// gate holds up requests until it is opened.
type gate struct{ waiting, opened chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{})} }

// pass waits until somebody has noticed it, and then until the gate is opened.
func (g *gate) pass() {
	select {
	case g.waiting <- struct{}{}:
		<-g.opened
	case <-g.opened:
	}
}

// await returns once so many requests wait.
func (g *gate) await(requests int) {
	for range requests {
		<-g.waiting
	}
}

// ready is what a ready handler shows: nothing, once the gate is open. There may be no gate.
func ready(g *gate) web.Data {
	return web.Data{
		Statuses: func(time.Time) []alert.Status {
			if g != nil {
				g.pass()
			}
			return nil
		},
		Store: &memory{}, Reload: func(context.Context) error { return nil },
	}
}

// open opens a connection and sends something.
func open(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// statusOf asks for a path on a connection of its own.
func statusOf(t *testing.T, address, path string) int {
	t.Helper()
	c := open(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// TestFlood has clients that only hold connections, and such that never end a header: others are
// answered at once.
func TestFlood(t *testing.T) {
	for name, text := range map[string]string{
		"nothing sent":           "",
		"half a header":          "GET / HTTP/1.1\r\nHost: x\r\nX: ",
		"a request, and no more": "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, registry := serving(t, 8, "", nil)
			for range 50 {
				open(t, address, text)
				if code := statusOf(t, address, "/metrics"); code != http.StatusOK {
					t.Fatalf("status %d", code)
				}
			}
			if n := gauge(t, registry, "postburn_http_connections"); n > 8 {
				t.Errorf("%v connections, of 8", n)
			}
			if n := gauge(t, registry, "postburn_http_connections_evicted_total"); n < 40 {
				t.Errorf("%v connections evicted", n)
			}
		})
	}
}

// gauge is the value of a metric without labels.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

// TestBusy has all pages under way that may be: others wait and are told so, but probes and metrics
// are answered.
func TestBusy(t *testing.T) {
	t.Parallel() // it waits for seconds
	gate := newGate()
	address, registry := serving(t, 100, "", gate)
	defer close(gate.opened)
	for range 8 {
		open(t, address, "GET /api/v1/slos HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	gate.await(8)
	for path, want := range map[string]int{"/-/healthy": 200, "/-/ready": 200, "/metrics": 200, "/incidents": 503} {
		if got := statusOf(t, address, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if n := gauge(t, registry, "postburn_http_requests_rejected_total"); n != 1 {
		t.Errorf("%v requests rejected, want 1", n)
	}
}

// TestAllBusy has all connections under way that may be: one more waits, and is served once one is
// free.
func TestAllBusy(t *testing.T) {
	gate := newGate()
	address, _ := serving(t, 4, "", gate)
	for range 4 {
		open(t, address, "GET /api/v1/slos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}
	gate.await(4)
	time.AfterFunc(200*time.Millisecond, func() { close(gate.opened) })
	if code := statusOf(t, address, "/-/healthy"); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
}

// TestLongHeader has a client send a header that is longer than any.
func TestLongHeader(t *testing.T) {
	address, _ := serving(t, 4, "", nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", strings.Repeat("x", 40<<10))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", answer.StatusCode)
	}
}

// TestCrossSite sends what pages of others have a browser send.
func TestCrossSite(t *testing.T) {
	for _, tc := range []struct {
		name, host, origin, fetched string
		want                        int
	}{
		{"no browser", "postburn.example.org:9847", "", "", 200},
		{"another site", "10.0.0.5:9847", "http://evil.example", "", 403},
		{"another site, as browsers say it", "10.0.0.5:9847", "http://evil.example", "cross-site", 403},
		{"another port of the same site", "10.0.0.5:9847", "http://10.0.0.5:80", "same-site", 403},
		{"a name that was led to postburn", "evil.example:9847", "http://evil.example:9847", "", 403},
		{"its own page, by address", "10.0.0.5:9847", "http://10.0.0.5:9847", "", 200},
		{"its own page, by IPv6 address", "[::1]:9847", "http://[::1]:9847", "same-origin", 200},
		{"its own page, forwarded", "localhost:9847", "http://localhost:9847", "same-origin", 200},
		{"its own page, where people reach it", "burn.example.org", "https://burn.example.org", "same-origin", 200},
		{"its own page, behind a proxy that changes the host", "postburn:9847", "https://burn.example.org", "", 200},
		{"a sandboxed page", "10.0.0.5:9847", "null", "", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			address, _ := serving(t, 4, "https://burn.example.org/slo", nil)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/-/reload", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = tc.host
			for name, v := range map[string]string{"Origin": tc.origin, "Sec-Fetch-Site": tc.fetched} {
				if v != "" {
					request.Header.Set(name, v)
				}
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != tc.want {
				t.Errorf("status %d, want %d", answer.StatusCode, tc.want)
			}
		})
	}
}

// TestProbes asks the probes' own port for more than probes.
func TestProbes(t *testing.T) {
	h := web.NewHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, limited := web.NewProbeServer(l, h, slog.New(slog.DiscardHandler))
	defer server.Close()
	go func() { _ = server.Serve(limited) }()
	paths := map[string]int{"/-/healthy": 200, "/-/ready": 503, "/": 404, "/metrics": 404, "/api/v1/slos": 404, "/-/reload": 404}
	for path, want := range paths {
		if got := statusOf(t, l.Addr().String(), path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	h.Ready(ready(nil))
	if got := statusOf(t, l.Addr().String(), "/-/ready"); got != http.StatusOK {
		t.Errorf("ready: %d", got)
	}
}

func TestServerMetrics(t *testing.T) {
	_, registry := serving(t, 4, "", nil)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

// TestHeaders looks at what limits browsers, on answers of all kinds.
func TestHeaders(t *testing.T) {
	h := web.NewHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	h.Ready(ready(nil))
	for _, path := range []string{"/", "/incidents/x", "/api/v1/slos", "/metrics", "/-/healthy", "/nothing"} {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := r.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if policy := r.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
}
