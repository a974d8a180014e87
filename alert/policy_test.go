package alert

import (
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

func TestSeverity(t *testing.T) {
	policy := Policy{Severities: []Severity{
		{Level: 1, Outage: 5 * time.Minute},
		{Level: 3, BudgetSpent: slo.MustDecimal("10%"), Outage: time.Minute},
	}}
	at := time.Unix(0, 0)
	phase := func(kind PhaseKind, from, to time.Duration) Phase {
		return Phase{Kind: kind, Span: slo.Span{Start: at.Add(from), End: at.Add(to)}}
	}
	tests := []struct {
		name   string
		window Window
		want   int
	}{
		{"nothing is reached", Window{BudgetSpent: 0.0999}, 0},
		{"a threshold itself is reached", Window{BudgetSpent: 0.1}, 3},
		{"an outage in two phases", Window{BudgetSpent: 0.5, Phases: []Phase{
			phase(Outage, 0, 3*time.Minute), phase(Degraded, 3*time.Minute, 20*time.Minute), phase(Outage, 20*time.Minute, 22*time.Minute),
		}}, 1},
		{"a degradation is no outage", Window{Phases: []Phase{phase(Degraded, 0, time.Hour), phase(BlindGap, time.Hour, 2*time.Hour)}}, 0},
		{"one of two thresholds", Window{Phases: []Phase{phase(Outage, 0, time.Minute)}}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := policy.SeverityOf(test.window); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
	if got := (Incident{Windows: []Window{{}, {Severity: 3}, {Severity: 2}, {}}}).Severity(); got != 2 {
		t.Errorf("the incident's severity is %d, want 2", got)
	}
}

// TestMeasuresOfSources has another source measure something else, and the default one measure
// what it did before there were sources: stores know these texts.
func TestMeasuresOfSources(t *testing.T) {
	d := Definition{Objective: slo.Objective{Name: "a", Target: slo.MustDecimal("99%"), Indicator: slo.Indicator{Bool: "up == 1"}}}
	o := d.Objective
	if d.Measures() != digest(o.Indicator, o.GroupBy, o.Exclude) || d.Digest() != digest(o.Target, o.Window, o.Indicator, o.GroupBy, o.Delay, o.Exclude, d.Policy) {
		t.Error("the default source measures something else than before")
	}
	other := d
	other.Objective.Source = "payments"
	if d.Measures() == other.Measures() || d.Digest() == other.Digest() || d.SameEvents(other) {
		t.Error("another source measures the same")
	}
}
