//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// service is a shop in a process of its own.
type service struct {
	t *testing.T
	*process
	address string // host and port
	control string // URL
}

// counts are what the shop itself counted.
type counts struct{ Total, Failed float64 }

func startService(t *testing.T) *service {
	t.Helper()
	return startServiceAt(t, "127.0.0.1:"+freePort(t))
}

func startServiceAt(t *testing.T, address string) *service {
	t.Helper()
	s := &service{t: t}
	s.process = start(t, filepath.Join(t.TempDir(), "log"), nil, shopBinary, fmt.Sprintf("-rate=%d", rate), "-address="+address)
	await(t, patience, "the shop to open", func() error {
		var at struct{ Shop, Control string }
		line, _, ok := strings.Cut(s.output(), "\n")
		if !ok {
			return errNotYet
		}
		if err := json.Unmarshal([]byte(line), &at); err != nil {
			t.Fatal(err)
		}
		s.address, s.control = strings.TrimPrefix(at.Shop, "http://"), at.Control
		return nil
	})
	return s
}

// traffic sends customers to the shop until the test ends.
func (s *service) traffic() { s.t.Helper(); s.ask(http.MethodPost, "/traffic", nil) }

// fail makes a share of the shop's requests fail from now on, and returns when that is.
func (s *service) fail(share string) (at time.Time) {
	s.t.Helper()
	s.ask(http.MethodPost, "/fail?share="+share, &at)
	return at
}

// count is what the shop served in (from, to].
func (s *service) count(from, to time.Time) (c counts) {
	s.t.Helper()
	stretch := url.Values{"from": {from.Format(time.RFC3339Nano)}, "to": {to.Format(time.RFC3339Nano)}}
	s.ask(http.MethodGet, "/count?"+stretch.Encode(), &c)
	return c
}

func (s *service) ask(method, path string, answer any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.control+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("asking the shop: %v (%v)", err, s.alive())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("asking the shop: %s %v %s", resp.Status, err, body)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(body, answer); err != nil {
		s.t.Fatal(err)
	}
}
