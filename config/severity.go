package config

import (
	"strconv"

	"github.com/postburn/postburn/alert"
)

// readSeverities reads the thresholds of each level, worst first.
func readSeverities(f field) []alert.Severity {
	found, ok := f.mapping(schema{of: "severity", path: "incident.severity."})
	if !ok {
		return nil
	}
	for name, level := range found {
		if n, err := strconv.Atoi(name); err != nil || n < 1 || n > alert.MaxSeverity || name != strconv.Itoa(n) {
			level.wrongKey("a severity is a number from 1, the worst, to %d, not %s", alert.MaxSeverity, quote(name))
		}
	}
	severities := []alert.Severity{}
	for n := 1; n <= alert.MaxSeverity; n++ {
		if level, ok := found[strconv.Itoa(n)]; ok {
			severities = append(severities, readSeverity(level, n))
		}
	}
	return severities
}

func readSeverity(f field, level int) alert.Severity {
	severity := alert.Severity{Level: level}
	s := schemaOf("incident.severity", "a severity")
	s.path += strconv.Itoa(level) + "."
	found, ok := f.mapping(s)
	if !ok {
		return severity
	}
	if len(found) == 0 {
		f.errorf("a severity needs a threshold, like {outage: 5m} or {budget_spent: 10%%}")
	}
	if f, ok := found["outage"]; ok {
		length, ok := f.duration()
		if ok && length == 0 {
			f.errorf("%s must be longer than 0", f.path)
		}
		severity.Outage = length
	}
	if f, ok := found["budget_spent"]; ok {
		var ok bool
		severity.BudgetSpent, ok = f.share()
		if ok && severity.BudgetSpent.IsZero() {
			f.errorf("%s must be more than 0", f.path)
		}
	}
	return severity
}
