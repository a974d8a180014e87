package daemon_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
)

// TestDaemonWithoutPrometheus starts the daemon while nothing listens where Prometheus should be.
func TestDaemonWithoutPrometheus(t *testing.T) {
	dir := t.TempDir()
	env, err := config.LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{
		"POSTBURN_PROMETHEUS_URL": "http://someone:hunter2@" + closedPort(t),
		"POSTBURN_STORE":          "sqlite:" + filepath.Join(dir, "postburn.db"),
		"POSTBURN_LOCAL_DIR":      filepath.Join(dir, "postmortems"),
		"POSTBURN_LISTEN":         "127.0.0.1:0",
		"POSTBURN_INTERVAL":       "1s",
		"POSTBURN_DELAY":          "0s",
	}))
	if err != nil {
		t.Fatal(err)
	}
	objective := slo.Objective{
		Name: "checkout", Service: "checkout", Target: slo.MustDecimal("99%"), Window: slo.Window{Rolling: time.Hour},
		Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `x_total{code="500"}`, Total: "x_total"}},
	}
	definition := config.Definition{Objective: objective, Policy: alert.Policy{Rules: alert.DefaultRules(time.Hour), Group: "checkout"}}
	var log daemon.LockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Environment: env, Definitions: []config.Definition{definition}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Listening: func(a net.Addr) { address <- a.String() },
		})
	}()
	var base string
	select {
	case base = <-address:
	case err := <-ended:
		t.Fatalf("the daemon ended: %v", err)
	}
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get("http://" + base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	eventually(t, "ready", func() bool { code, _ := get("/-/ready"); return code == http.StatusOK })
	eventually(t, "failed reads counted", func() bool {
		_, body := get("/metrics")
		return strings.Contains(body, "postburn_reads_failed_total") && !strings.Contains(body, "postburn_reads_failed_total 0\n")
	})
	if _, body := get("/api/v1/slos"); !strings.Contains(body, `"state":"blind"`) {
		t.Errorf("the objective is not blind: %s", body)
	}
	if code, body := get("/"); code != http.StatusOK || !strings.Contains(body, "<title>1 blind of 1 objective · postburn</title>") || strings.Contains(body, "hunter2") {
		t.Errorf("the page of a blind objective: %d %s", code, body)
	}
	_, metrics := get("/metrics")
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("metric %s: %s", p.Metric, p.Text)
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("not stopped within 5 s")
	}
	if n := strings.Count(log.String(), "no samples"); n != 1 {
		t.Errorf("%d lines about missing samples, want 1:\n%s", n, log.String())
	}
	if strings.Contains(log.String()+metrics, "hunter2") {
		t.Errorf("a password is shown:\n%s", log.String())
	}
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s after 30 s", what)
		}
	}
}
