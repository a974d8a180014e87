package postmortem

import (
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo/humanize"
)

// What is usual is told only if it is so many events, and they were fewer by this share: traffic
// differs from day to day.
const (
	leastUsual = 100
	fewer      = 0.1
)

// missing says how many fewer events than usual there were in a window: "There were 9,000 fewer
// requests than usual (90 %)". It is empty if that is not known, or not much.
func missing(w alert.Window) string {
	if w.UsualEvents < leastUsual || w.Total > (1-fewer)*w.UsualEvents || w.Objective.Indicator.Bool != "" {
		return ""
	}
	less := w.UsualEvents - w.Total
	say := wordsOf(w.Objective.Indicator)
	return fmt.Sprintf("There were %s fewer %ss than usual%s (%s).", humanize.Count(less), say.noun, say.measured, humanize.Percent(less/w.UsualEvents))
}

// quietSummary is for a time with far less traffic than usual. Users who did not get through at all
// are not counted.
func quietSummary(w alert.Window, c humanize.Clock) string {
	noun := wordsOf(w.Objective.Indicator).noun
	fewer := "far fewer " + noun + "s than usual"
	text := fmt.Sprintf("%s had %s for %s", Escape(subject(w)), fewer, humanize.Duration(w.Ended.Sub(w.Onset)))
	if w.IsOpen() {
		text = fmt.Sprintf("%s has had %s since %s", Escape(subject(w)), fewer, c.In(w.Onset))
	}
	text += ": " + humanize.Count(w.Total)
	if w.UsualEvents > 0 {
		text += " instead of " + humanize.Count(w.UsualEvents)
	}
	return fmt.Sprintf("%s. Only %ss that arrive are counted: maybe nobody asked, maybe nobody got through.", text, noun)
}

// quietEvents are the rows of a window with far less traffic than usual.
func quietEvents(w alert.Window, add addRow) {
	name := Code(w.ID().String())
	add(w.Onset, began, "Onset: %s had far less traffic than usual from here on", name)
	add(w.Detected, detected, "Detected: %s had been quiet for %s", name, humanize.Duration(w.Detected.Sub(w.Onset)))
	if !w.IsOpen() {
		add(w.Ended, over, "End: %s had its usual traffic again, %s after onset", name, humanize.Duration(w.Ended.Sub(w.Onset)))
	}
}

// quietTitle is the title of an issue about too little traffic.
func quietTitle(name string, w alert.Window) string {
	if w.IsOpen() {
		return fmt.Sprintf("%s has far less traffic than usual (since %s)", name, humanize.Minute(w.Onset))
	}
	return fmt.Sprintf("%s had far less traffic than usual for %s %s", name, humanize.Duration(w.Ended.Sub(w.Onset)), onDate(w.Onset, w.Ended))
}
