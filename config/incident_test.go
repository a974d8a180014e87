package config

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestMinBadEventsOfSampled has indicators whose events have no size of their own.
func TestMinBadEventsOfSampled(t *testing.T) {
	for text, want := range map[string]float64{
		"indicator: {sampled: {error_ratio: x}}":                                   0,
		"indicator: {sampled: {error_ratio: x}}, incident: {min_bad_events: 0}":    0,
		"indicator: {sampled: {error_ratio: x}}, incident: {min_bad_events: 3}":    3,
		"indicator: {bool: x < 1}":                                                 10,
		"indicator: {ratio: {bad: x_total, total: y_total}}, incident: {hold: 1m}": 10,
	} {
		definitions, problems := Native([]byte("slos: [{name: a, service: s, target: 99%, "+text+"}]\n"), "slo.yaml")
		if len(problems) > 0 || definitions[0].Policy.MinBadEvents != want {
			t.Errorf("%s: min_bad_events is %v, want %v; %v", text, definitions[0].Policy.MinBadEvents, want, problems)
		}
	}
}

// TestQuiet has what is not said of `quiet` be the default.
func TestQuiet(t *testing.T) {
	for text, want := range map[string]alert.QuietPolicy{
		"hold: 1m":                             alert.DefaultQuiet(),
		"quiet: {}":                            alert.DefaultQuiet(),
		"quiet: {issue: true}":                 {Below: slo.MustDecimal("10%"), After: 15 * time.Minute, Issue: true},
		"quiet: {below: 25%}":                  {Below: slo.MustDecimal("25%"), After: 15 * time.Minute},
		"quiet: {below: 0%}":                   {After: 15 * time.Minute},
		"quiet: {after: 1h, below: 0.05}":      {Below: slo.MustDecimal("5%"), After: time.Hour},
		"quiet: {issue: false, after: 10m30s}": {Below: slo.MustDecimal("10%"), After: 630 * time.Second},
	} {
		indicator := "indicator: {ratio: {bad: x_total, total: y_total}}"
		definitions, problems := Native([]byte("slos: [{name: a, service: s, target: 99%, "+indicator+", incident: {"+text+"}}]\n"), "slo.yaml")
		if len(problems) > 0 || definitions[0].Policy.Quiet.OrDefault() != want {
			t.Errorf("%s: %+v, want %+v; %v", text, definitions[0].Policy.Quiet, want, problems)
		}
	}
}
