package drill

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// Key returns the key of an objective's drill on a day: there is one a day.
func Key(objective string, day time.Time) string {
	return "drill-" + objective + "-" + day.UTC().Format("20060102")
}

// IsKey reports whether a key is of a drill.
func IsKey(key string) bool { return strings.HasPrefix(key, "drill-") }

// facts is the heading of what postburn would have recorded, and beginning the sentence below it.
const (
	facts     = "## Facts\n"
	beginning = "postburn wrote this part from what Prometheus recorded."
)

// Write writes a drill. `recorded` is the text that postburn would have written of the scenario in
// the end, with the form for people.
func Write(s Scenario, sub Subject, c Course, recorded string) issue.Text {
	var b strings.Builder
	fmt.Fprintf(&b, "This is a drill. Nothing is broken, and nobody is being tested.\n\n")
	fmt.Fprintf(&b, "**%s**, told for %s of %s (%s) at its usual %s %ss a minute.\n\n", s.Title, sub.Objective, sub.Service, sub.Promise, perMinute(sub.PerMinute), sub.Noun)
	s.writeGuide(&b)
	for _, i := range s.Injects {
		known := factsAt(s, sub, c, i.At)
		text := told(joined(i.Text), known)
		for _, question := range i.Ask {
			text += "\n\n**" + told(joined(question), known) + "**"
		}
		box(&b, fmt.Sprintf("Minute %d: %s", i.At, html.EscapeString(strings.TrimSpace(i.Title))), text)
	}
	if behind := s.behind(factsAt(s, sub, c, s.Minutes)); behind != "" {
		box(&b, "In the end: what had been waiting", behind)
	}
	b.WriteString(noticed(sub, c) + "\n\n")
	if at := strings.Index(recorded, facts); at >= 0 {
		recorded = recorded[at:]
	}
	b.WriteString(strings.Replace(recorded, beginning, "None of this happened. It is what postburn would have written in the end.", 1))
	return issue.Text{Title: "Drill: " + s.Title, Body: b.String()}
}

func (s Scenario) writeGuide(b *strings.Builder) {
	b.WriteString("## Drill\n\n")
	fmt.Fprintf(b, "One of you leads, and opens one box after the other. The story takes %s; tell it faster if you like, but leave time to think.\n\n", humanize.Duration(time.Duration(s.Minutes)*time.Minute))
	b.WriteString("- Say what you would look at, and look: open the dashboard, find the page, try the login. \"I would check the logs\" is no answer before somebody has found them.\n")
	b.WriteString("- Write down what you could not find, could not do, or did not know. That is what a drill is for.\n")
	b.WriteString("- In the end, fill in the analysis below, as after an incident, and run `postburn lint` over it. The follow-ups are real.\n\n")
}

// box writes a text that opens when it is clicked on.
func box(b *strings.Builder, title, text string) {
	fmt.Fprintf(b, "<details>\n<summary>%s</summary>\n\n%s\n\n</details>\n\n", title, text)
}

// block matches a line that is a list's, a quotation's, a table's, a heading or code.
var block = regexp.MustCompile("^(?:\\s|[-*+>|#]|\\d+[.)]\\s|```)")

// joined makes each paragraph one line, as GitHub shows each line of an issue as one.
func joined(text string) string {
	var b strings.Builder
	open := false // the line before goes on
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line = strings.TrimRight(line, " \t")
		plain := line != "" && !block.MatchString(line)
		switch {
		case open && plain:
			b.WriteString(" ")
		case b.Len() > 0:
			b.WriteString("\n")
		}
		b.WriteString(line)
		open = plain
	}
	return b.String()
}

// behind says what had been waiting, and what to try.
func (s Scenario) behind(known map[string]string) string {
	text := told(joined(s.Behind), known)
	if len(s.Afterwards) == 0 {
		return text
	}
	text += "\n\nTry this week:\n"
	for _, a := range s.Afterwards {
		text += "\n- " + told(joined(a), known)
	}
	return strings.TrimSpace(text)
}

// noticed says what postburn would have noticed.
func noticed(sub Subject, c Course) string {
	if !c.Noticed {
		return "With the rules of " + sub.Objective + ", postburn would have noticed **nothing** of this. Is that as you want it?"
	}
	return "With the rules of " + sub.Objective + ", postburn would have noticed this " + humanize.Duration(c.Detected) + " after onset. Who would have known before?"
}
