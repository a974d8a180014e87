package shop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/cmd/internal/shop"
)

func TestControl(t *testing.T) {
	s := open(t)
	ask := func(method, target string, answer any) int {
		t.Helper()
		w := httptest.NewRecorder()
		s.Control().ServeHTTP(w, httptest.NewRequest(method, target, http.NoBody))
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
				t.Fatal(err)
			}
		}
		return w.Code
	}
	buy(t, s, 5)
	var broke time.Time
	if code := ask(http.MethodPost, "/fail?share=1", &broke); code != http.StatusOK || time.Since(broke).Abs() > time.Minute {
		t.Errorf("got %d, %s", code, broke)
	}
	buy(t, s, 3)
	var got shop.Counts
	stretch := url.Values{"from": {broke.Format(time.RFC3339Nano)}, "to": {time.Now().Format(time.RFC3339Nano)}}
	if code := ask(http.MethodGet, "/count?"+stretch.Encode(), &got); code != http.StatusOK {
		t.Errorf("got %d", code)
	}
	if diff := cmp.Diff(shop.Counts{Total: 3, Failed: 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, target := range []string{"/count?from=now", "/count?from=2026-01-01T00:00:00Z"} {
		if code := ask(http.MethodGet, target, nil); code != http.StatusBadRequest {
			t.Errorf("%s: got %d", target, code)
		}
	}
	if code := ask(http.MethodPost, "/fail?share=all", nil); code != http.StatusBadRequest {
		t.Errorf("got %d for a share that is no number", code)
	}
}
