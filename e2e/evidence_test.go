//go:build e2e

package e2e

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	metrics "github.com/prometheus/client_golang/prometheus"
)

// instance is one of a shop's processes: real counters behind a real HTTP server, with its own
// traffic.
type instance struct {
	*httptest.Server
	mu       sync.Mutex
	registry *metrics.Registry
	requests *metrics.CounterVec
	version  *metrics.GaugeVec
	broken   string // the route that fails
}

// routes are the shop's, with the requests that each gets every 100 ms.
var routes = map[string]float64{"/": 1, "/cart": 3, "/checkout": 1}

func newInstance(t *testing.T) *instance {
	t.Helper()
	i := &instance{
		registry: metrics.NewRegistry(),
		requests: metrics.NewCounterVec(metrics.CounterOpts{Name: "http_requests_total", Help: "Requests, by route and code."}, []string{"route", "code"}),
		version:  metrics.NewGaugeVec(metrics.GaugeOpts{Name: "shop_build_info", Help: "1, by version."}, []string{"version"}),
	}
	i.registry.MustRegister(i.requests, i.version)
	i.version.WithLabelValues("1.0.0").Set(1)
	i.Server = httptest.NewServer(promhttp.HandlerFor(i.registry, promhttp.HandlerOpts{}))
	t.Cleanup(i.Close)
	return i
}

// serve counts requests until the test ends.
func (i *instance) serve(t *testing.T) {
	go func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
			}
			i.mu.Lock()
			for route, n := range routes {
				code := "200"
				if route == i.broken {
					code = "500"
				}
				i.requests.WithLabelValues(route, code).Add(n)
			}
			i.mu.Unlock()
		}
	}()
}

func (i *instance) breakRoute(route string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = route
}

func (i *instance) address() string { return strings.TrimPrefix(i.URL, "http://") }

// TestEvidenceNamesRouteAndInstance breaks one route of one instance of five, just after that one
// got a new version.
func TestEvidenceNamesRouteAndInstance(t *testing.T) {
	t.Parallel()
	var shop []*instance
	var targets []string
	for range 5 {
		i := newInstance(t)
		shop = append(shop, i)
		targets = append(targets, fmt.Sprintf("%q", i.address()))
	}
	p := newPrometheus(t, shop[0].address())
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" +
		"  - {job_name: shop, static_configs: [{targets: [" + strings.Join(targets, ", ") + "]}]}\n"
	p.configure(config)
	s := &stage{t: t, prometheus: p, postburn: newPostburn(t, p.url(), onlyBurns()), began: time.Now().Add(-tick)}
	for _, i := range shop {
		i.serve(t)
	}
	s.prometheus.start()
	s.postburn.start()
	await(t, patience, "good traffic", func() error {
		o, err := s.postburn.objective()
		if err == nil && o.TotalEvents < 1500 {
			err = fmt.Errorf("%v events", o.TotalEvents)
		}
		return err
	})

	bad := shop[3]
	bad.version.Reset()
	bad.version.WithLabelValues("1.1.0").Set(1)
	s.prometheus.awaitResult(`shop_build_info{version="1.1.0"}`)
	pass(3 * tick)
	bad.breakRoute("/cart")
	s.awaitOpened()
	pass(10 * time.Second)
	bad.breakRoute("")
	i := s.awaitRecovered()
	text := s.verifyPostMortem(i)

	for _, want := range []string{"```mermaid\n", `All of the requests that failed had `, "`route=\"/cart\"` (1 of 3)", "`instance=\"" + bad.address() + "\"` (1 of 5)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the post-mortem does not say %q", want)
		}
	}
	version, onset := strings.Index(text, "| Job shop: version 1.1.0 appeared; before, it was 1.0.0 |"), strings.Index(text, "| Onset: ")
	if version < 0 || onset < version {
		t.Errorf("the new version is at %d, the onset at %d", version, onset)
	}
	if strings.Contains(text, "could not be found out") {
		t.Error("something could not be found out")
	}
	if t.Failed() {
		t.Log(text)
	}
}
