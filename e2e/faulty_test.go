//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

// faultyPrometheus stands between postburn and a real Prometheus. In a mode it answers in its
// stead.
type faultyPrometheus struct {
	*httptest.Server
	mode atomic.Pointer[http.HandlerFunc] // nil: Prometheus itself answers
	good http.Handler
}

func newFaultyPrometheus(t *testing.T, prometheusURL string) *faultyPrometheus {
	t.Helper()
	target, err := url.Parse(prometheusURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &faultyPrometheus{good: httputil.NewSingleHostReverseProxy(target)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mode := p.mode.Load(); mode != nil {
			(*mode)(w, r)
			return
		}
		p.good.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Server.CloseClientConnections)
	return p
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// TestPrometheusFaulty has Prometheus give each kind of senseless answer, with good answers in
// between.
func TestPrometheusFaulty(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	faulty := newFaultyPrometheus(t, s.prometheus.url())
	s.postburn.env = append(s.postburn.env, "POSTBURN_PROMETHEUS_URL="+faulty.URL)
	s.start()
	hanging := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, tc := range []struct {
		name   string
		reason string // label of postburn_prometheus_query_failures_total
		answer http.HandlerFunc
	}{
		{"an HTML page", "bad_answer", says(http.StatusOK, "text/html", "<html><h1>Sign in</h1></html>")},
		{"a refused query", "refused", says(http.StatusUnprocessableEntity, "application/json", `{"status":"error","errorType":"execution","error":"query processing would load too many samples"}`)},
		{"a warning", "incomplete", says(http.StatusOK, "application/json", `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store-1 did not answer"]}`)},
		{"garbage", "bad_answer", says(http.StatusOK, "application/json", "\x00\xff{]")},
		{"truncated JSON", "bad_answer", says(http.StatusOK, "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1`)},
		{"an overloaded server", "unreachable", says(http.StatusServiceUnavailable, "text/plain", "upstream connect error")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.faulty(t, faulty, tc.reason, tc.answer)
		})
	}
	// A query that hangs is no failure yet, but the objective is blind once its samples are late.
	mode := http.HandlerFunc(hanging)
	faulty.mode.Store(&mode)
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	s.noIncident(t)
	if code := s.postburn.stop(5 * time.Second); code != 0 {
		t.Errorf("exit code %d while a query hangs", code)
	}
	faulty.mode.Store(nil)
	s.postburn.start()
	s.settle()
	s.noIncident(t)
	s.verifyReplay()
}

// faulty has Prometheus fail in one way for a while.
func (s *stage) faulty(t *testing.T, faulty *faultyPrometheus, reason string, answer http.HandlerFunc) {
	failures := func() float64 {
		n, err := s.postburn.metric("postburn_prometheus_query_failures_total", "reason", reason)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const complaint, relief = "no samples; the objective is blind", "prometheus answers again"
	complaints, reliefs, before := s.postburn.said(complaint), s.postburn.said(relief), failures()
	faulty.mode.Store(&answer)
	await(t, patience, "three failures", func() error {
		if n := failures() - before; n < 3 {
			return fmt.Errorf("%v failures", n)
		}
		return nil
	})
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	faulty.mode.Store(nil)
	await(t, patience, "the objective to be seen again", func() error { return s.postburn.state(alert.OK) })
	s.postburn.awaitSaid(complaints+1, complaint)
	s.postburn.awaitSaid(reliefs+1, relief)
	s.noIncident(t)
}

func (s *stage) noIncident(t *testing.T) {
	t.Helper()
	all, err := s.postburn.incidents()
	if err != nil || len(all) != 0 {
		t.Errorf("incidents without a fault: %+v, %v", all, err)
	}
	if n := len(s.postburn.postMortems()); n != 0 {
		t.Errorf("%d post-mortems without a fault", n)
	}
}
