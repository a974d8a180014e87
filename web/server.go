package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Limits of what clients may hold. Prometheus scrapes within 10 s unless told otherwise, and what
// is read of a page takes milliseconds.
const (
	headerTimeout  = 10 * time.Second // to send a request's header
	requestTimeout = 15 * time.Second // to send all of a request
	answerTimeout  = time.Minute      // to take an answer
	stallTimeout   = 10 * time.Second // to take any part of an answer
	idleTimeout    = 2 * time.Minute  // between two requests
	maxHeader      = 32 << 10         // bytes, with cookies of proxies; net/http adds 4 KiB
	maxStreams     = 16               // requests at a time on a connection of HTTP/2

	// maxPages and maxScrapes are how many requests are answered at a time, of pages and the API
	// and of metrics. With 5,000 objectives an answer takes a megabyte, and of metrics five.
	maxPages   = 8
	maxScrapes = 4
	gateWait   = 5 * time.Second // how long others wait
	maxProbes  = 8               // connections of probes
)

// ServerOptions are what a Server is made of. Handler, Logger and Registerer are required.
type ServerOptions struct {
	Handler     *Handler
	ExternalURL string // where people reach postburn; empty: not known
	Connections int    // at a time; default 256
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
}

// NewServer makes the server of pages, API and metrics, and wraps its listener to limit
// connections. Clients that are slow, or that hold idle connections, don't keep others out, and
// requests for pages don't delay those for metrics.
func NewServer(l net.Listener, o ServerOptions) (*http.Server, net.Listener) {
	if o.Connections <= 0 {
		o.Connections = 256
	}
	m := newMetrics(o.Registerer)
	limited := newConnections(l, o.Connections, stallTimeout, m)
	front := &front{
		next: o.Handler, external: hostOf(o.ExternalURL), logger: o.Logger, metrics: m,
		pages: make(chan struct{}, maxPages), scrapes: make(chan struct{}, maxScrapes),
	}
	return newServer(front.protected(o.ExternalURL), limited, o.Logger), limited
}

// NewProbeServer makes a server that answers /-/healthy and /-/ready alone, and its listener.
func NewProbeServer(l net.Listener, h *Handler, logger *slog.Logger) (*http.Server, net.Listener) {
	limited := newConnections(l, maxProbes, stallTimeout, newMetrics(prometheus.NewRegistry()))
	server := newServer(h.probes(), limited, logger)
	server.SetKeepAlivesEnabled(false)
	return server, limited
}

func newServer(h http.Handler, l *connections, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ConnState: l.stateChanged,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what clients do wrong
	}
}

// front limits how many requests are answered at a time, and refuses those that another site's page
// has a browser send.
type front struct {
	next           http.Handler
	external       string // host; empty: not known
	logger         *slog.Logger
	metrics        *metrics
	pages, scrapes chan struct{} // an element for each request under way
}

// protected refuses cross-site requests, such as a form on another site that posts to /-/reload.
// Requests from postburn's external URL are its own, even if a proxy changed the host.
func (f *front) protected(external string) http.Handler {
	protection := http.NewCrossOriginProtection()
	if u, err := url.Parse(external); err == nil && external != "" {
		// what is no origin is none of a browser's
		_ = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { f.refuse(w) }))
	return protection.Handler(f)
}

func (f *front) refuse(w http.ResponseWriter) {
	guard(w.Header())
	say(w, http.StatusForbidden, "This request comes from a page of another site. If it is yours, set POSTBURN_EXTERNAL_URL to where people reach postburn.\n")
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		failed := recover()
		if failed == nil {
			return
		}
		if err, is := failed.(error); !is || !errors.Is(err, http.ErrAbortHandler) {
			f.logger.Error("answering a request", "path", r.URL.Path, "panic", failed, "stack", string(debug.Stack()))
		}
		panic(http.ErrAbortHandler) // net/http closes the connection, and says no more
	}()
	if !safe(r.Method) && r.Header.Get("Origin") != "" && !f.isOwn(r.Host) {
		f.refuse(w)
		return
	}
	gate := f.pages
	switch {
	case strings.HasPrefix(r.URL.Path, "/-/"):
		f.next.ServeHTTP(w, r)
		return
	case r.URL.Path == "/metrics":
		gate = f.scrapes
	}
	waited := time.NewTimer(gateWait)
	defer waited.Stop()
	select {
	case gate <- struct{}{}:
		defer func() { <-gate }()
	case <-r.Context().Done():
		return
	case <-waited.C:
		f.metrics.rejected.Inc()
		guard(w.Header())
		w.Header().Set("Retry-After", "5")
		say(w, http.StatusServiceUnavailable, "Too many requests are under way. Try again in some seconds.\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	f.next.ServeHTTP(w, r.WithContext(ctx))
}

// isOwn reports whether a browser may reach postburn under a host name. A public name is refused
// unless it is the external URL's: its owner may let it resolve to postburn's address (DNS
// rebinding), so that a page of theirs has the same origin.
func (f *front) isOwn(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	_, err := netip.ParseAddr(host)
	return err == nil || !strings.Contains(host, ".") || host == f.external
}

// hostOf returns the host of a URL without its port, such as "burn.example.org"; empty if there is
// none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
