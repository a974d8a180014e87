package postmortem

import (
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

const day = 24 * time.Hour

// windowName names an objective's window before a noun: "30-day", "monthly".
func windowName(w slo.Window) string {
	if w.Calendar != "" {
		return w.Calendar + "ly"
	}
	return humanize.Adjective(w.Rolling)
}

// windowPeriod names an objective's window in a sentence: "30 days", "the calendar month".
func windowPeriod(w slo.Window) string {
	if w.Calendar != "" {
		return "the calendar " + w.Calendar
	}
	return humanize.Duration(w.Rolling)
}
