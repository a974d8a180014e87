package shop_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/cmd/internal/shop"
)

func open(t *testing.T) *shop.Shop {
	t.Helper()
	s, err := shop.Open(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func buy(t *testing.T, s *shop.Shop, count int) {
	t.Helper()
	if err := (shop.Load{URL: s.URL(), Rate: 2000, Count: count}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func metrics(t *testing.T, s *shop.Shop) string {
	t.Helper()
	resp, err := http.Get(s.MetricsURL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShopCountsWhatItServes(t *testing.T) {
	s := open(t)
	begin := time.Now()
	buy(t, s, 40)
	broke := time.Now()
	s.Fail(1)
	buy(t, s, 30)
	s.Fail(0.25)
	buy(t, s, 40)
	s.Fail(0)
	mended := time.Now()
	buy(t, s, 20)
	now := time.Now()
	for name, tc := range map[string]struct {
		from, to time.Time
		want     shop.Counts
	}{
		"before":     {begin.Add(-time.Hour), begin, shop.Counts{}},
		"well":       {begin, broke, shop.Counts{Total: 40}},
		"broken":     {broke, mended, shop.Counts{Total: 70, Failed: 40}},
		"mended":     {mended, now, shop.Counts{Total: 20}},
		"everything": {begin, now, shop.Counts{Total: 130, Failed: 40}},
	} {
		if diff := cmp.Diff(tc.want, s.Count(tc.from, tc.to)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	text := metrics(t, s)
	for _, want := range []string{
		`http_requests_total{code="200",route="/checkout"} 90`,
		`http_requests_total{code="500",route="/checkout"} 40`,
		`http_request_duration_seconds_count{route="/checkout"} 130`,
		"process_start_time_seconds ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
}

func TestErrorsHaveNoSeriesBeforeTheFirst(t *testing.T) {
	s := open(t)
	buy(t, s, 1)
	if text := metrics(t, s); strings.Contains(text, `code="500"`) {
		t.Errorf("the series of errors is there before the first error:\n%s", text)
	}
}

func TestLoadKeepsItsRateAndEnds(t *testing.T) {
	s := open(t)
	begin := time.Now()
	if err := (shop.Load{URL: s.URL(), Rate: 100, Length: time.Second}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("ended after %s", took)
	}
	if got := s.Count(begin, time.Now()).Total; got < 50 || got > 101 {
		t.Errorf("%d requests in a second at 100 a second", got)
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (shop.Load{URL: s.URL(), Rate: 100}).Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestLoadNeedsAShop(t *testing.T) {
	s := open(t)
	url := s.URL()
	closed, err := shop.Open(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (shop.Load{URL: closed.URL(), Rate: 100, Count: 10}).Run(t.Context()); err == nil {
		t.Errorf("no error where nobody listens")
	}
	if _, err := shop.Open(t.Context(), strings.TrimPrefix(url, "http://")); err == nil {
		t.Errorf("two shops at %s", url)
	}
}
