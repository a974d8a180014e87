//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// exceptDetected leaves out when incidents were detected, which is later if data are late.
var exceptDetected = cmp.Options{cmpopts.IgnoreFields(web.Incident{}, "Detected"), cmpopts.IgnoreFields(web.Window{}, "Detected")}

// wire takes samples from one Prometheus to another, and can hold them back.
type wire struct {
	*httptest.Server
	mu   sync.RWMutex  // held for writing: nothing goes through
	late time.Duration // how long each request is kept
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.RLock()
		late := w.late
		w.mu.RUnlock()
		select {
		case <-time.After(late):
		case <-r.Context().Done():
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Server.CloseClientConnections)
	return w
}

// newRemoteStage is a stage whose Prometheus gets its samples from another one, by remote write.
func newRemoteStage(t *testing.T) (*stage, *wire) {
	t.Helper()
	s := newStage(t, onlyBurns())
	sender := s.prometheus
	s.prometheus = newPrometheus(t, s.shop.address)
	s.prometheus.configure("global: {scrape_interval: 1s}\n")
	s.prometheus.flags = []string{"--web.enable-remote-write-receiver"}
	s.postburn.env = append(s.postburn.env, "POSTBURN_PROMETHEUS_URL="+s.prometheus.url())
	w := newWire(t, s.prometheus.url())
	sender.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: shop
    static_configs: [{targets: [%q]}]
remote_write:
  - url: %s/api/v1/write
    remote_timeout: 5m
    queue_config: {max_shards: 1, batch_send_deadline: 100ms}
`, s.shop.address, w.URL))
	sender.start()
	return s, w
}

// TestRemoteWriteHeldBack has a whole outage come to Prometheus after it is over.
func TestRemoteWriteHeldBack(t *testing.T) {
	t.Parallel()
	s, w := newRemoteStage(t)
	s.start()
	w.mu.Lock()
	f := s.breakDown()
	f.until(8 * time.Second)
	s.repair(f)
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	s.noIncident(t)
	w.mu.Unlock()
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	s.verifyReplay(exceptDetected)
}

// TestRemoteWriteLagsFromStart has all samples come to Prometheus later than they are asked for,
// also those of the past that is read at first.
func TestRemoteWriteLagsFromStart(t *testing.T) {
	t.Parallel()
	s, w := newRemoteStage(t)
	w.late = 2 * delay
	s.shop.traffic()
	s.prometheus.start()
	s.prometheus.awaitResult(`count_over_time(http_requests_total{job="shop",code="200"}[1m]) > 5`)
	s.postburn.start()
	s.settle()
	f := s.breakDown()
	f.until(8 * time.Second)
	s.repair(f)
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	s.verifyReplay(exceptDetected)
}

// TestRemoteWriteLags has all samples come to Prometheus later than they are asked for.
func TestRemoteWriteLags(t *testing.T) {
	t.Parallel()
	s, w := newRemoteStage(t)
	s.start()
	w.mu.Lock()
	w.late = 2 * delay
	w.mu.Unlock()
	f := s.breakDown()
	f.until(8 * time.Second)
	s.repair(f)
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	s.verifyReplay(exceptDetected)
}

// TestPrometheusEmpty has Prometheus answer that there is nothing, for a long time in the middle of
// an outage.
func TestPrometheusEmpty(t *testing.T) {
	t.Parallel()
	const ticks = 45
	s := newStage(t, onlyBurns())
	faulty := newFaultyPrometheus(t, s.prometheus.url())
	s.postburn.env = append(s.postburn.env, "POSTBURN_PROMETHEUS_URL="+faulty.URL)
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	began := time.Now()
	mode := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := "vector"
		if strings.HasSuffix(r.URL.Path, "query_range") {
			kind = "matrix"
		}
		says(http.StatusOK, "application/json", `{"status":"success","data":{"resultType":"`+kind+`","result":[]}}`)(w, r)
	})
	faulty.mode.Store(&mode)
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	pass(time.Until(began.Add(ticks * tick)))
	faulty.mode.Store(nil)
	s.repair(f)
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	s.verifyReplay(exceptDetected)
}
