package postmortem

import (
	"fmt"

	"github.com/postburn/postburn/alert"
)

// What is usual is told only if it is so many events, and they were fewer by this share: traffic
// differs from day to day.
const (
	leastUsual = 100
	fewer      = 0.1
)

// missing says how many events fewer than usual there were in a window: "There were 9,000 requests
// fewer than usual (90 %)". It is empty if that is not known, or not much.
func missing(w alert.Window) string {
	if w.UsualEvents < leastUsual || w.Total > (1-fewer)*w.UsualEvents || w.Objective.Indicator.Bool != "" {
		return ""
	}
	less := w.UsualEvents - w.Total
	return fmt.Sprintf("There were %s fewer than usual (%s).", events(less, w), percent(less/w.UsualEvents))
}

// quietSummary is for a time with far less traffic than usual: those who did not get through are not
// counted.
func quietSummary(w alert.Window, c clock) string {
	name, noun := Escape(subject(w)), wordsOf(w.Objective.Indicator).noun
	unknown := fmt.Sprintf("Whether nobody asked, or nobody got through, is not known: %ss that do not arrive are not counted.", noun)
	if w.IsOpen() {
		return fmt.Sprintf("%s has had far fewer %ss than usual since %s: %s, where %s would be usual. %s",
			name, noun, c.in(w.Onset), count(w.Total), count(w.UsualEvents), unknown)
	}
	text := fmt.Sprintf("%s had far fewer %ss than usual for %s: %s", name, noun, duration(w.Ended.Sub(w.Onset)), count(w.Total))
	if w.UsualEvents > 0 {
		text += fmt.Sprintf(", %s fewer than in the same hours of the day or the week before", count(w.UsualEvents-w.Total))
	}
	return text + ". " + unknown
}

// quietEvents are the rows of a window with far less traffic than usual.
func quietEvents(w alert.Window, add addRow) {
	name := Code(w.ID().String())
	add(w.Onset, began, "Onset: %s had far less traffic than usual from here on", name)
	add(w.Detected, detected, "%s was quiet for %s", name, duration(w.Detected.Sub(w.Onset)))
	if !w.IsOpen() {
		add(w.Ended, over, "End: the traffic of %s was back, %s after onset", name, duration(w.Ended.Sub(w.Onset)))
	}
}

// quietTitle is the title of an issue about too little traffic.
func quietTitle(name string, w alert.Window) string {
	if w.IsOpen() {
		return fmt.Sprintf("%s has far less traffic than usual (since %s UTC)", name, w.Onset.UTC().Format("2006-01-02 15:04"))
	}
	return fmt.Sprintf("%s had far less traffic than usual for %s on %s", name, duration(w.Ended.Sub(w.Onset)), w.Onset.UTC().Format("2006-01-02"))
}
