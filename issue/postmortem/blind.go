package postmortem

import (
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo/humanize"
)

// blindSummary is for a time without data: nobody knows what it did to users.
func blindSummary(w alert.Window, c humanize.Clock) string {
	name := Code(w.ID().String())
	if w.IsOpen() {
		return fmt.Sprintf("There has been no data for %s since %s. Nobody knows how %s is doing: it may be fine, or down.", name, c.In(w.Onset), Escape(subject(w)))
	}
	text := "There was no data for " + name + " for " + humanize.Duration(w.Ended.Sub(w.Onset))
	if w.Total < 1 {
		return text + ". Nobody knows how " + Escape(subject(w)) + " was doing then: it may have been fine, or down."
	}
	return fmt.Sprintf("%s. Counters that kept counting show at least %s in that time; %s %s.",
		text, events(w.Total, w), humanize.Count(w.Bad), wordsOf(w.Objective.Indicator).bad)
}

// blindEvents are the rows of a window without data.
func blindEvents(w alert.Window, add addRow) {
	name := Code(w.ID().String())
	add(w.Onset, began, "Onset: no data for %s from here on", name)
	add(w.Detected, detected, "Detected: %s had been without data for %s", name, humanize.Duration(w.Detected.Sub(w.Onset)))
	if !w.IsOpen() {
		add(w.Ended, over, "End: data for %s was back, %s after onset", name, humanize.Duration(w.Ended.Sub(w.Onset)))
	}
}
