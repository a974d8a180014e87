package shop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The paths that the shop serves. Faults hit the checkout only.
const (
	checkoutPath = "/checkout"
	metricsPath  = "/metrics"
)

// Shop is a running shop. All its methods may be called by several goroutines.
type Shop struct {
	url      string
	server   *http.Server
	served   chan error
	log      log
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// Open starts a shop on an address; with port 0 on a free one. Nothing fails there until Fail is
// called.
func Open(ctx context.Context, address string) (*Shop, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the shop: %w", err)
	}
	registry := prometheus.NewRegistry()
	s := &Shop{
		url:    "http://" + listener.Addr().String(),
		served: make(chan error, 1),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by route and status code.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time that answering a request took, by route.", Buckets: prometheus.DefBuckets,
		}, []string{"route"}),
	}
	registry.MustRegister(
		s.requests, s.duration,
		collectors.NewGoCollector(),
		// process_start_time_seconds
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+checkoutPath, s.checkout)
	mux.Handle("GET "+metricsPath, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// URL is the shop's address, without a slash at its end.
func (s *Shop) URL() string { return s.url }

// MetricsURL is where Prometheus finds the shop's metrics.
func (s *Shop) MetricsURL() string { return s.url + metricsPath }

// Address is the shop's host and port.
func (s *Shop) Address() string { return s.url[len("http://"):] }

// Fail makes a share of all checkouts fail from now on, with status 500: 0 for none, 1 for all.
// They are spread evenly: with 0.25, for example, every fourth fails.
func (s *Shop) Fail(share float64) { s.log.fail(share) }

// Count is what the shop served in (from, to], by its own clock and its own count.
func (s *Shop) Count(from, to time.Time) Counts { return s.log.count(from, to) }

// Close stops the shop. Requests that are under way are cut off.
func (s *Shop) Close() error {
	err := s.server.Close()
	if serveErr := <-s.served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// checkout answers a request, and counts it in the metric and in the shop's own log at the same
// moment.
func (s *Shop) checkout(w http.ResponseWriter, _ *http.Request) {
	start := time.Now()
	code := s.log.serve(func(code string) { s.requests.WithLabelValues(checkoutPath, code).Inc() })
	if code == codeFailed {
		http.Error(w, "the payment service does not answer", http.StatusInternalServerError)
	} else {
		_, _ = w.Write([]byte("thank you\n")) // the customer may have gone
	}
	s.duration.WithLabelValues(checkoutPath).Observe(time.Since(start).Seconds())
}
