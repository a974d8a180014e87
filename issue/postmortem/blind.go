package postmortem

import (
	"fmt"

	"github.com/postburn/postburn/alert"
)

// blindSummary is for a time without data: nobody knows what it did to users.
func blindSummary(w alert.Window, c clock) string {
	name := Code(w.ID().String())
	if w.IsOpen() {
		return fmt.Sprintf("There has been no data of %s since %s. How %s does is not known: it may be well, or down.", name, c.in(w.Onset), Escape(subject(w)))
	}
	text := "There was no data of " + name + " for " + duration(w.Ended.Sub(w.Onset))
	if w.Total < 1 {
		return text + ". How " + Escape(subject(w)) + " did in that time is not known: it may have been well, or down."
	}
	return fmt.Sprintf("%s. Counters that went on counting told afterwards of at least %s in that time, of which %s %s.",
		text, events(w.Total, w), count(w.Bad), wordsOf(w.Objective.Indicator).bad)
}

// blindEvents are the rows of a window without data.
func blindEvents(w alert.Window, add addRow) {
	name := Code(w.ID().String())
	add(w.Onset, began, "Onset: Prometheus had no data of %s from here on", name)
	add(w.Detected, detected, "%s without data for %s", name, duration(w.Detected.Sub(w.Onset)))
	if !w.IsOpen() {
		add(w.Ended, over, "End: there was data of %s again, %s after onset", name, duration(w.Ended.Sub(w.Onset)))
	}
}
