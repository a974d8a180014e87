package slo

import (
	"testing"
	"time"
)

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 500 * time.Millisecond: "500ms", 90 * time.Second: "1m30s", time.Hour: "1h", 25 * time.Hour: "1d1h", 30 * day: "30d",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%d ns are written %q, want %q", d, got, want)
		}
	}
}
