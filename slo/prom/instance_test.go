package prom_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestInstance(t *testing.T) {
	first, second := promtest.Start(t), promtest.Start(t)
	instance := func(url string) string { return client(t, prom.Options{URL: url}).Instance(t.Context()) }
	if a := instance(first.URL()); a == "" || a != instance(first.URL()) || a == instance(second.URL()) {
		t.Errorf("one server is %q and %q, another is %q", a, instance(first.URL()), instance(second.URL()))
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if found := instance(other.URL); found != "" {
		t.Errorf("a server that does not say when it started is %q", found)
	}
}
