package learn

import (
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
)

var numbered = lazyregexp.New(`^[\d.]+[.)]?\s+`)

// kindOf returns what the section under a heading is for, in postburn's form and in others.
func kindOf(heading string) Kind {
	name := strings.ToLower(strings.TrimSpace(numbered.ReplaceAllString(strings.TrimSpace(heading), "")))
	switch strings.TrimSpace(strings.TrimRight(name, ":?")) {
	case "facts", "impact", "no data", "how it went", "where it happened", "earlier incidents":
		return Facts
	case "how it was resolved", "resolution", "resolved", "how was it resolved", "recovery", "mitigation":
		return Resolved
	case "timeline", "chronology", "sequence of events":
		return Timeline
	case "analysis", "lessons learned", "lessons":
		return Analysis
	case "trigger", "triggers", "what triggered it":
		return Trigger
	case "causes", "cause", "root cause", "root causes", "root cause(s)", "root cause analysis", "contributing factors", "contributing causes",
		"causes and contributing factors", "root cause and contributing factors", "root cause and trigger", "why it happened", "why did it happen":
		return Causes
	case "what went well", "what worked", "things that went well":
		return Well
	case "where we got lucky", "where we were lucky":
		return Lucky
	case "what went poorly", "what went wrong", "what went badly", "what did not go well", "what didn't go well", "things that went poorly",
		"what could have gone better":
		return Poorly
	case "follow-up actions", "follow-ups", "follow ups", "follow up actions", "followups", "follow-up", "action items", "actions", "next steps",
		"remediation", "corrective actions", "preventive actions", "action plan", "tasks":
		return FollowUps
	case "short term", "short-term", "short term actions", "short-term actions", "immediate", "immediate actions":
		return ShortTerm
	case "long term", "long-term", "long term actions", "long-term actions":
		return LongTerm
	case "for the record":
		return Brief
	case "summary", "overview", "what happened", "background", "executive summary":
		return Summary
	}
	return Other
}

// formBegins are how the sentences begin that postburn's form has for people, or had.
func formBegins() []string {
	return []string{
		"This part is for people to write.",
		status,
		"Label the issue with the kinds of cause",
		"Write them as tasks, like", // in the first form
		oneTask,
		"postburn could not set ",
		"The template of this objective can't be used",
		"Not resolved as of ",
		"Changes from two hours before the onset are listed, too.",
		unresolved,
	}
}

const (
	// status begins the line that says whether the analysis is a draft or final.
	status = "Status:"
	// oneTask begins how follow-ups are to be written.
	oneTask = "One task a line:"
)

// footer is how the last paragraph of the form begins. No section goes on after it.
const footer = "Blameless: everyone did what made sense"

// What begins lists by postburn in sections that people go on writing in.
const (
	hints      = "This changed around that time; it may or may not have helped:"
	unresolved = "What could not be found out:"
)

// ended matches postburn's sentence that an incident is over.
var ended = lazyregexp.New(`at \d\d:\d\d(:\d\d)? UTC on \d{4}-\d\d-\d\d, .* after onset\.`)

// isForm reports whether a paragraph is of postburn's form, or its own sentence in a section that
// people go on writing in.
func isForm(in Kind, text string) bool {
	for _, begin := range formBegins() {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return in == Resolved && ended.MatchString(text)
}
