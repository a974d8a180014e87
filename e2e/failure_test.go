//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	metrics "github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// gateway sends customers on to a shop, and counts what became of them. It has another upstream,
// which never fails.
type gateway struct {
	*httptest.Server
	requests *metrics.CounterVec
	mu       sync.Mutex
	failed   []time.Time
}

func newGateway(t *testing.T, shop string) *gateway {
	t.Helper()
	registry := metrics.NewRegistry()
	g := &gateway{requests: metrics.NewCounterVec(
		metrics.CounterOpts{Name: "gateway_requests_total", Help: "Requests, by upstream and code."}, []string{"upstream", "code"},
	)}
	registry.MustRegister(g.requests)
	g.Server = httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(g.Close)
	go func() {
		ticker := time.NewTicker(time.Second / rate)
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
				g.send(shop)
			}
		}
	}()
	return g
}

// send sends a customer to each of the upstreams.
func (g *gateway) send(shop string) {
	client := http.Client{Timeout: time.Second}
	code := "200"
	resp, err := client.Post("http://"+shop+"/checkout", "text/plain", http.NoBody)
	if err == nil {
		resp.Body.Close()
	} else {
		code = "502"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests.WithLabelValues("shop", code).Inc()
	g.requests.WithLabelValues("pictures", "200").Inc()
	if code != "200" {
		g.failed = append(g.failed, time.Now())
	}
}

// failedIn is how many requests failed in (from, to].
func (g *gateway) failedIn(from, to time.Time) (n float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, at := range g.failed {
		if at.After(from) && !at.After(to) {
			n++
		}
	}
	return n
}

const failureSLOs = `
defaults:
  service: shop
  owner: "@acme/shop"
  target: 99%
  window: 5m
  links: {runbook: "https://wiki.example.org/shop"}
  incident:
    burn: [{rate: 5, long: 20s, short: 4s}]
    min_bad_events: 3
    hold: 5s
    merge_gap: 3s
    blind: {after: 4s, issue: true}
slos:
  - name: checkout
    indicator: {ratio: {bad: 'gateway_requests_total{code="502"}', total: gateway_requests_total}}
  - name: reachable
    indicator: {bool: 'min(up{job="shop"}) == 1'}
  - name: served
    indicator: {ratio: {bad: 'http_requests_total{job="shop",code=~"5.."}', total: 'http_requests_total{job="shop"}'}}
`

// TestOneFailureIsOneIncident kills the only server of three objectives for some seconds: customers
// get errors, it can't be reached, and its own counters are gone. That is one incident with one
// post-mortem, which has all that is known. When it is killed again, that is another one.
func TestOneFailureIsOneIncident(t *testing.T) {
	t.Parallel()
	s := newStage(t, failureSLOs)
	g := newGateway(t, s.shop.address)
	s.prometheus.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: shop, static_configs: [{targets: [%q]}]}
  - {job_name: gateway, static_configs: [{targets: [%q]}]}
`, s.shop.address, strings.TrimPrefix(g.URL, "http://")))
	s.prometheus.start()
	// With less than that, all of the past would be blind.
	s.prometheus.awaitResult("count_over_time(gateway_requests_total[1m]) > 6")
	s.postburn.start()
	s.settle()
	first := s.killShop()
	s.awaitIncidents(1)
	second := s.killShop()
	all := s.awaitIncidents(2)

	slices.SortFunc(all, func(a, b web.Incident) int { return a.Onset.Compare(b.Onset) })
	burns := []string{"checkout burn", "reachable burn", "served blind"}
	for n, want := range [][]string{append([]string{"checkout budget", "reachable budget"}, burns...), burns} {
		slices.Sort(want)
		var got []string
		for _, w := range all[n].Windows {
			got = append(got, w.SLO+" "+string(w.Kind))
			f := []*fault{first, second}[n]
			failed := g.failedIn(f.on.Add(-tick), f.off.Add(tick))
			// If no more failed in the first tick than the rule allows, the onset is after it.
			least := failed - 0.06*2*rate
			if w.SLO == "checkout" && w.Kind == alert.Burn && (w.BadEvents > failed || w.BadEvents < least) {
				t.Errorf("%v bad events; %v requests failed", w.BadEvents, failed)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("windows of incident %d (-want +got):\n%s", n+1, diff)
		}
		s.verifyFacts(all[n])
	}
	if n := len(s.postburn.postMortems()); n != 2 {
		t.Errorf("%d post-mortems", n)
	}
}

// killShop has the shop's server be gone for some seconds.
func (s *stage) killShop() *fault {
	s.t.Helper()
	f := &fault{on: time.Now()}
	s.shop.kill()
	f.until(9 * time.Second)
	s.shop = startServiceAt(s.t, s.shop.address)
	f.off = time.Now()
	return f
}

// awaitIncidents waits until there are so many incidents, all over. There must never be more.
func (s *stage) awaitIncidents(n int) (all []web.Incident) {
	s.t.Helper()
	await(s.t, patience, fmt.Sprintf("%d incidents to be over", n), func() (err error) {
		if all, err = s.postburn.incidents(); err != nil {
			return err
		}
		if len(all) > n {
			s.t.Fatalf("%d incidents, want %d: %+v", len(all), n, all)
		}
		if len(all) < n || slices.ContainsFunc(all, func(i web.Incident) bool { return i.State != "recovered" }) {
			err = fmt.Errorf("incidents are %+v", all)
		}
		return err
	})
	return all
}

// verifyFacts waits until an incident's post-mortem is complete, and looks for all that it tells.
func (s *stage) verifyFacts(i web.Incident) {
	s.t.Helper()
	path := s.postburn.path("postmortems/" + i.ID + ".md")
	var text string
	await(s.t, patience, "the post-mortem of "+i.ID, func() error {
		content, err := os.ReadFile(path)
		if text = string(content); err == nil && strings.Contains(text, " so far: ") {
			err = errNotYet
		}
		return err
	})
	for what, words := range map[string]string{
		"chart": "```mermaid\n", "place": "`upstream=\"shop\"`", "timeline": "| Onset: ",
		"owner": "@acme/shop", "runbook": "https://wiki.example.org/shop",
	} {
		if !strings.Contains(text, words) {
			s.t.Errorf("no %s in\n%s", what, text)
		}
	}
}
