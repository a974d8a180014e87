package postmortem

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestSubjectOfAQuotedLabel has a label whose name PromQL quotes.
func TestSubjectOfAQuotedLabel(t *testing.T) {
	w := alert.Window{Objective: slo.Objective{Service: "shop"}, Labels: slo.NewLabels(map[string]string{"service.name": "cart"})}
	if got, want := Escape(subject(w)), `shop ("service.name"="cart")`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestThreshold(t *testing.T) {
	for _, tc := range []struct {
		latency time.Duration
		want    string
	}{
		{2500 * time.Millisecond, "2.5 s"},
		{500 * time.Millisecond, "500 ms"},
		{1500 * time.Microsecond, "1.5 ms"},
		{250 * time.Microsecond, "250 µs"},
		{2500 * time.Nanosecond, "2.5 µs"},
		{100 * time.Nanosecond, "100 ns"},
	} {
		if got := threshold(tc.latency); got != tc.want {
			t.Errorf("%s is written %q, want %q", tc.latency, got, tc.want)
		}
	}
}
