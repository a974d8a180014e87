package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/web"
)

// TestExcludedIncidentEverywhere excludes an incident of a daemon while it goes on, and takes that
// back. The page, the metrics and the API agree on the budget, and the incident says who and why.
func TestExcludedIncidentEverywhere(t *testing.T) {
	server := promtest.Start(t)
	now := time.Now().UTC().Truncate(time.Second)
	const series = `
up{job="shop"} 1x4800
x_total{job="shop",code="200"} 0+100x2400 240000+0x2400
x_total{job="shop",code="500"} 0+0x2400 100+100x2400
`
	// 100 events a second; all fail from a minute ago on
	if err := server.Load(now.Add(-2460*time.Second), time.Second, strings.TrimSpace(series)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env, err := config.LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{
		"POSTBURN_PROMETHEUS_URL": server.URL(), "POSTBURN_STORE": "sqlite:" + filepath.Join(dir, "postburn.db"),
		"POSTBURN_LOCAL_DIR": filepath.Join(dir, "postmortems"), "POSTBURN_LISTEN": "127.0.0.1:0", "POSTBURN_INTERVAL": "1s", "POSTBURN_DELAY": "0s",
	}))
	if err != nil {
		t.Fatal(err)
	}
	objective := slo.Objective{
		Name: "shop", Service: "shop", Target: slo.MustDecimal("99%"), Window: slo.Window{Rolling: time.Hour},
		Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `x_total{code="500"}`, Total: "x_total"}},
	}
	definition := config.Definition{Objective: objective, Policy: alert.Policy{Rules: alert.DefaultRules(time.Hour), Group: "shop"}}
	var log daemon.LockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Environment: env, Definitions: []config.Definition{definition}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Listening: func(a net.Addr) { address <- a.String() },
		})
	}()
	site := &site{t, "http://" + <-address}

	eventually(t, "opened", func() bool { return len(site.incidents()) == 1 })
	file := filepath.Join(dir, "postmortems", site.incidents()[0].ID+".md")
	var before []byte
	eventually(t, "written", func() bool { before, err = os.ReadFile(file); return err == nil })
	eventually(t, "overspent everywhere", func() bool { return site.left(func(left float64) bool { return left < 0 }, "overspent by ") })
	write := func(content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(append(append([]byte{}, before...), "\npostburn:exclude by Ada\npostburn: a <b>load test</b>\n"...))
	excluded := time.Now()
	eventually(t, "left out everywhere", func() bool { return site.left(func(left float64) bool { return left == 1 }, "100 % left") })
	if took := time.Since(excluded); took > time.Minute {
		t.Errorf("the budget followed after %s", took)
	}
	if x := site.incidents()[0].Excluded; x == nil || x.By != "Ada" || x.Reason != "a <b>load test</b>" || x.At.Before(excluded.Add(-2*time.Second)) {
		t.Errorf("the API says %+v", x)
	}
	page := site.get("/incidents/" + site.incidents()[0].ID)
	for _, want := range []string{"Excluded: its time does not count", "by <bdi>Ada</bdi>", "a &lt;b&gt;load test&lt;/b&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the incident's page does not say %q", want)
		}
	}
	write(before)
	eventually(t, "counted again everywhere", func() bool { return site.left(func(left float64) bool { return left < 0 }, "overspent by ") })
	if x := site.incidents()[0].Excluded; x != nil {
		t.Errorf("the API says %+v", x)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v:\n%s", err, log.String())
	}
}

// site is a daemon's pages, metrics and API.
type site struct {
	t    *testing.T
	base string
}

func (s *site) get(path string) string {
	s.t.Helper()
	answer, err := http.Get(s.base + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func (s *site) incidents() []web.Incident {
	s.t.Helper()
	var answer struct{ Incidents []web.Incident }
	if err := json.Unmarshal([]byte(s.get("/api/v1/incidents")), &answer); err != nil {
		return nil // it is starting
	}
	return answer.Incidents
}

var remaining = regexp.MustCompile(`(?m)^postburn_slo_error_budget_remaining_ratio\{[^}]*\} (\S+)$`)

// left reports whether the API and the metrics show a budget as wanted, and the page has it in
// these words.
func (s *site) left(is func(float64) bool, words string) bool {
	s.t.Helper()
	var api struct{ SLOs []web.Objective }
	if err := json.Unmarshal([]byte(s.get("/api/v1/slos")), &api); err != nil || len(api.SLOs) != 1 {
		return false
	}
	found := remaining.FindStringSubmatch(s.get("/metrics"))
	var metric float64
	if found == nil || json.Unmarshal([]byte(found[1]), &metric) != nil {
		return false
	}
	return is(api.SLOs[0].BudgetRemainingRatio) && is(metric) && strings.Contains(strings.ReplaceAll(s.get("/"), "\u00a0", " "), words)
}
