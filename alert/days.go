package alert

import "github.com/postburn/postburn/slo"

// Days are an objective's days, oldest first, for reports over months. They outlive its history,
// which is as long as its window.
type Days struct {
	slo.ID
	Service  string
	Target   slo.Decimal // the newest
	Measures string      // what is counted: if it changes, days before count other events
	Days     []slo.Day
}
