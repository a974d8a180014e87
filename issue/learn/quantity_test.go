package learn

import (
	"regexp"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	pattern := regexp.MustCompile(`(?i)` + DurationPattern)
	for text, want := range map[string]time.Duration{
		"41 minutes":                41 * time.Minute,
		"2 hours 5 minutes":         125 * time.Minute,
		"2 hours and 5 minutes":     125 * time.Minute,
		"3 hours and lost it":       3 * time.Hour,
		"2h":                        2 * time.Hour,
		"90 s":                      90 * time.Second,
		"two hours":                 2 * time.Hour,
		"an hour and a half":        90 * time.Minute,
		"half an hour":              30 * time.Minute,
		"three quarters of an hour": 45 * time.Minute,
		"1.5 hours":                 90 * time.Minute,
		"2 days":                    48 * time.Hour,
		"and as a day's work":       24 * time.Hour,
	} {
		if got := ParseDuration(pattern.FindString(text)); got != want {
			t.Errorf("%s: got %v of %q, want %v", text, got, pattern.FindString(text), want)
		}
	}
}

func TestParseNumber(t *testing.T) {
	pattern := regexp.MustCompile(`(?i)` + NumberPattern)
	for text, want := range map[string]float64{
		"15,337": 15337, "0.1": 0.1, "15 000": 15000, "15k": 15000, "1.2 million": 1.2e6, "12": 12, "1,2": 1,
	} {
		if got := ParseNumber(pattern.FindString(text)); got != want {
			t.Errorf("%s: got %v of %q, want %v", text, got, pattern.FindString(text), want)
		}
	}
}
