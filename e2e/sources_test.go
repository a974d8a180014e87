//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// tenantOf is a server in front of a Prometheus that lets one tenant in, as Mimir does.
func tenantOf(t *testing.T, p *prometheus, name string) (address string, refused *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	refused = &atomic.Int64{}
	forward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Scope-OrgID") != name {
			refused.Add(1)
			http.Error(w, "no org id", http.StatusUnauthorized)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, refused
}

// sourceSLOs have objectives of both sources beside each other, and many of the one that freezes.
func sourceSLOs() string {
	text := strings.Builder{}
	text.WriteString(`
defaults:
  service: shop
  target: 99%
  window: 10m
  indicator: {ratio: {bad: 'http_requests_total{job="shop",code=~"5.."}', total: 'http_requests_total{job="shop"}'}}
  incident: {burn: [{rate: 5, long: 20s, short: 4s}], min_bad_events: 5, hold: 5s, merge_gap: 10s, budget: false}
slos:
  - name: checkout
  - {name: beside, source: second}
  - {name: alone, service: alone}
`)
	for i := range 20 {
		fmt.Fprintf(&text, "  - {name: other-%d, service: other-%d, source: second}\n", i, i)
	}
	return text.String()
}

// TestOneOfTwoSourcesIsFrozen stops one of two real Prometheus servers for a while, in which the
// shop fails: what the other one has is watched in time, and nothing is lost of either.
func TestOneOfTwoSourcesIsFrozen(t *testing.T) {
	t.Parallel()
	s := newStage(t, sourceSLOs())
	second := newPrometheus(t, s.shop.address)
	address, refused := tenantOf(t, second, "hunter2")
	config := s.postburn.path("config.yaml")
	text := fmt.Sprintf("prometheus:\n  second:\n    url: %s\n    headers: {X-Scope-OrgID: {file: tenant}}\n", address)
	for name, content := range map[string]string{config: text, s.postburn.path("tenant"): "hunter2\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.postburn.env = append(s.postburn.env, "POSTBURN_CONFIG_FILE="+config, "POSTBURN_LOG_LEVEL=debug")
	second.start()
	s.start()
	for _, name := range []string{"beside", "alone", "other-19"} {
		s.postburn.awaitPast(name)
	}

	signal := func(what syscall.Signal) {
		t.Helper()
		if err := second.cmd.Process.Signal(what); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	t.Cleanup(func() { _ = second.cmd.Process.Signal(syscall.SIGCONT) })
	pass(8 * time.Second) // by then all know that it hangs
	fault := s.breakDown()
	worst := time.Duration(0)
	for end := time.Now().Add(12 * time.Second); time.Now().Before(end); time.Sleep(tick / 4) {
		for _, name := range []string{"checkout", "alone"} {
			seconds, err := s.postburn.metric("postburn_slo_last_tick_timestamp_seconds", "slo", name)
			if err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(time.UnixMilli(int64(seconds*1000))))
		}
	}
	if most := delay + 4*tick; worst > most {
		t.Errorf("while the second source is frozen, the first one's ticks are up to %s old, at most %s are expected", worst, most)
	}
	for name, want := range map[string]alert.State{"checkout": alert.Burning, "alone": alert.Burning, "beside": alert.Blind, "other-0": alert.Blind} {
		if err := s.postburn.stateOf(name, want); err != nil {
			t.Error(err)
		}
	}
	s.verifyFrozen()
	s.repair(fault)
	signal(syscall.SIGCONT)

	var found []web.Incident
	await(t, 2*patience, "all to be over, of both", func() (err error) {
		if found, err = s.postburn.incidents(); err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, i := range found {
			for _, w := range i.Windows {
				seen[w.SLO] = true
				if w.Ended == nil {
					return fmt.Errorf("%s is open", w.SLO)
				}
			}
		}
		if len(seen) != 23 {
			return fmt.Errorf("incidents of %d objectives", len(seen))
		}
		return nil
	})
	windows := func(all []web.Incident) map[string]string {
		texts := map[string]string{}
		for _, i := range all {
			for _, w := range i.Windows {
				texts[w.SLO] += fmt.Sprintf("%s %s to %s, %v of %v bad\n", w.Kind, w.Onset, w.Ended, w.BadEvents, w.TotalEvents)
			}
		}
		return texts
	}
	last, err := s.postburn.lastTick()
	if err != nil {
		t.Fatal(err)
	}
	want, got := windows(s.postburn.replay(s.began.Truncate(tick), last)), windows(found)
	for name := range want {
		if want[name] != got[name] {
			t.Errorf("%s: a replay finds\n%sthe daemon found\n%s", name, want[name], got[name])
		}
	}
	if n := refused.Load(); n > 0 {
		t.Errorf("%d queries came without the tenant", n)
	}
	if strings.Contains(s.postburn.output(), "hunter2") {
		t.Error("the log shows the tenant")
	}
}

// verifyFrozen looks at what pages, API and metrics say of the source that is frozen.
func (s *stage) verifyFrozen() {
	s.t.Helper()
	for path, words := range map[string]string{
		"/status": "second", "/": "Source <bdi>second</bdi>", "/slos/beside": "second", "/api/v1/status": `"source":"second"`,
		"/metrics": `postburn_slo_source{slo="beside",source="second"} 1`,
	} {
		body, err := get(s.postburn.url + path)
		switch {
		case err != nil:
			s.t.Error(err)
		case !strings.Contains(string(body), words):
			s.t.Errorf("%s does not say %s:\n%s", path, words, body)
		case strings.Contains(string(body), "hunter2"):
			s.t.Errorf("%s shows the tenant:\n%s", path, body)
		}
	}
}
