package pyrra

import (
	"time"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// rules are those of Pyrra for a window: its four of 28 days, scaled to it and rounded to minutes,
// without their "for". They are at
// https://github.com/pyrra-dev/pyrra/blob/main/slo/slo.go, func Windows.
func rules(window time.Duration) []foreign.Rule {
	scaled := func(of28Days time.Duration) time.Duration {
		return (window / (28 * 24 * time.Hour / of28Days)).Round(time.Minute)
	}
	const day = 24 * time.Hour
	return []foreign.Rule{
		{Rate: "14", Long: scaled(time.Hour), Short: scaled(5 * time.Minute)},
		{Rate: "7", Long: scaled(6 * time.Hour), Short: scaled(30 * time.Minute)},
		{Rate: "2", Long: scaled(day), Short: scaled(2 * time.Hour)},
		{Rate: "1", Long: scaled(4 * day), Short: scaled(6 * time.Hour)},
	}
}

// alerting reads which rules there are, and whether missing data is worth an issue.
func alerting(s *config.SLO, n config.Node, target string, window time.Duration, from config.Node) {
	m := n.Mapping("disabled", "burnrates", "absent", "name", "absentName", "severities")
	off := m.Get("disabled").Truth()
	if off {
		from = m.Get("disabled")
	}
	if f := m.Get("burnrates"); f.Exists() && !f.Truth() {
		off, from = true, f
	}
	found := []foreign.Rule{}
	if !off {
		for _, rule := range rules(window) {
			rule.From = from
			found = append(found, rule)
		}
	}
	foreign.Burn(s, found, target, window, from)
	if absent := m.Get("absent"); absent.Truth() && !m.Get("disabled").Truth() {
		s.Set("incident.blind.issue", true, absent)
	}
}
