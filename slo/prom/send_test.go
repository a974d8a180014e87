package prom_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// TestTooLarge has a server announce an answer of 61 MiB: nothing of it is read, and the error says
// how large it is and which query it is about.
func TestTooLarge(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(61<<20))
		w.WriteHeader(http.StatusOK)
	}))
	defer server.Close()
	_, err := client(t, prom.Options{URL: server.URL}).Traces(t.Context(), `up{job="`+strings.Repeat("x", 300)+`"}`, oneTick)
	want := "prometheus' answer is too large: it has 61 MiB and may have 32 MiB; select fewer series in " + `up{job="` + strings.Repeat("x", 192) + "..."
	if !errors.Is(err, slo.ErrBadAnswer) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestTooLong has an answer of nothing but spaces: it takes no memory, and time.
func TestTooLong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, noData, strings.Repeat(" ", 5000))
	}))
	defer server.Close()
	err := client(t, prom.Options{URL: server.URL, MaxAnswer: 4000}).Ping(t.Context())
	if want := "prometheus' answer is too large: it takes more than 4 KiB; select fewer series in vector(1)"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestManyLabels has an answer that is short on the wire and large in memory.
func TestManyLabels(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`+strings.Repeat(`{"metric":{},"value":[1,"2"]},`, 5000)+`{}]}}`)
	}))
	defer server.Close()
	_, err := client(t, prom.Options{URL: server.URL, MaxAnswer: 1 << 20}).Traces(t.Context(), "up", oneTick)
	if !errors.Is(err, slo.ErrBadAnswer) || !strings.Contains(err.Error(), "it takes more than 1 MiB") {
		t.Errorf("got %v", err)
	}
}

// TestGzip has a server send a compressed answer, which was not asked for: it is not unpacked.
func TestGzip(t *testing.T) {
	var asked atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Header.Get("Accept-Encoding") != "")
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.WriteString(packed, strings.Repeat(" ", 100<<20))
		_ = packed.Close()
	}))
	defer server.Close()
	err := client(t, prom.Options{URL: server.URL}).Ping(t.Context())
	if !errors.Is(err, slo.ErrBadAnswer) || asked.Load() {
		t.Errorf("got %v, compression asked for: %t", err, asked.Load())
	}
}

// TestTrickle has a server send a byte now and then, for ever: the caller may give up at any time.
func TestTrickle(t *testing.T) {
	begun := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			select {
			case begun <- struct{}{}:
			default:
			}
			time.Sleep(time.Millisecond)
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	if err := client(t, prom.Options{URL: server.URL}).Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	err := client(t, prom.Options{URL: server.URL, Timeout: 50 * time.Millisecond}).Ping(t.Context())
	if !errors.Is(err, slo.ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("got %v", err)
	}
}

// TestOnlyGET has a server, or a proxy, that lets queries pass in the URL alone.
func TestOnlyGET(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(status)
				return
			}
			if q := r.URL.Query(); q.Get("query") != "vector(1)" || q.Get("dedup") != "true" || q.Get("tenant") != "a" || r.URL.Path != "/select/api/v1/query" {
				t.Errorf("asked %s", r.URL)
			}
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
		}))
		if err := client(t, prom.Options{URL: server.URL + "/select/?tenant=a"}).Ping(t.Context()); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}

// TestRedirects has a server redirect to another port: no credentials go there. Without any, the
// redirect is followed, and so is one to the same server.
func TestRedirects(t *testing.T) {
	var asked, authorized atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization")+r.Header.Get("X-Api-Key") != "" {
			authorized.Add(1)
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
	}))
	defer elsewhere.Close()
	var target atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/moved") {
			elsewhere.Config.Handler.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, *target.Load()+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "http.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	withPassword := strings.Replace(server.URL, "//", "//me:hunter2@", 1)
	for _, tc := range []struct {
		name, to string
		o        prom.Options
		refused  bool
	}{
		{"a password, another port", elsewhere.URL, prom.Options{URL: withPassword}, true},
		{"a password, another scheme", strings.Replace(server.URL, "http:", "https:", 1), prom.Options{URL: withPassword}, true},
		{"a token, another port", elsewhere.URL, prom.Options{URL: server.URL, ConfigFile: file("{authorization: {credentials: hunter2}, follow_redirects: true}")}, true},
		{"a header, another port", elsewhere.URL, prom.Options{URL: server.URL, ConfigFile: file("{http_headers: {X-Api-Key: {secrets: [hunter2]}}, follow_redirects: true}")}, true},
		{"a password, the same server", server.URL + "/moved", prom.Options{URL: withPassword}, false},
		{"nothing secret, another port", elsewhere.URL, prom.Options{URL: server.URL}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked.Store(0)
			authorized.Store(0)
			target.Store(&tc.to)
			err := client(t, tc.o).Ping(t.Context())
			if !tc.refused {
				if err != nil || asked.Load() != 1 {
					t.Errorf("got %v after %d answers", err, asked.Load())
				}
				return
			}
			want := "it redirects to " + tc.to + ", where the credentials aren't sent: set the URL to where it answers"
			if !errors.Is(err, slo.ErrBadAnswer) || !strings.HasSuffix(err.Error(), want) || asked.Load() != 0 {
				t.Errorf("got %v after %d answers, %d with credentials; want %s", err, asked.Load(), authorized.Load(), want)
			}
		})
	}
}
