package report

import (
	"fmt"
	"strings"

	"github.com/postburn/postburn/slo/humanize"
)

// mostTold is how many differences a sentence has.
const mostTold = 3

// sentences says what got better, what got worse, and what came back. name writes an untrusted name
// so that it fits the format.
func (r Report) sentences(name func(string) string) Sentences {
	var better, worse []string
	for _, t := range r.trends(name) {
		if t.better {
			better = append(better, t.text)
		} else {
			worse = append(worse, t.text)
		}
	}
	why := ""
	switch now, before := r.Incidents.Now.Count, r.Incidents.Before.Count; {
	case !r.isBeforeKnown():
		why = ": nothing is known of the time before that it could be compared with"
	case max(now, before) < leastIncidents:
		why = fmt.Sprintf(": %s, after %d, carry no trend", humanize.Plural(now, "incident"), before)
	}
	s := Sentences{Better: "Better: " + joined(better) + ".", Worse: "Worse: " + joined(worse) + ".", CameBack: r.cameBackText(name)}
	if len(better) == 0 {
		s.Better = "Nothing got clearly better" + why + "."
	}
	if len(worse) == 0 {
		s.Worse = "Nothing got clearly worse" + why + "."
	}
	return s
}

func joined(texts []string) string { return strings.Join(texts[:min(len(texts), mostTold)], "; ") }

// cameBackText says what came back most, and which incidents earlier follow-ups could have
// prevented.
func (r Report) cameBackText(name func(string) string) string {
	var told []string
	for _, c := range r.CameBack {
		if len(told) == mostTold {
			break
		}
		told = append(told, c.text(name))
	}
	if n := len(r.Repeats); n > 0 {
		told = append(told[:min(len(told), mostTold-1)], fmt.Sprintf("%s began while follow-ups of an earlier one were not done", humanize.Plural(n, "incident")))
	}
	if len(told) > 0 {
		return "Came back: " + strings.Join(told, "; ") + "."
	}
	count := r.Incidents.Now.Count
	switch {
	case count == 0:
		return "Nothing came back: there was no incident."
	case r.Labelled == 0:
		return fmt.Sprintf("Nothing came back, as far as is known: none of %s has a label cause:*, by which people say what kind of cause it had.", humanize.Plural(count, "incident"))
	}
	return fmt.Sprintf("Nothing came back, as far as is known: people gave a label cause:* to %d of %s.", r.Labelled, humanize.Plural(count, "incident"))
}

// text says how often something came back: "the cause deploy 3 times, after 1".
func (c CameBack) text(name func(string) string) string {
	text := "the " + c.Kind + " " + name(c.What)
	if c.Service != "" {
		text += " of " + name(c.Service)
	}
	text += " " + timesText(c.Count)
	if c.Before > 0 {
		text += fmt.Sprintf(", after %d", c.Before)
	}
	return text
}

func timesText(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return humanize.Number(float64(n)) + " times"
}
