package postmortem

import (
	"testing"
	"time"
)

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
