package config

import "testing"

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
