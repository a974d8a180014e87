package lint

import (
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
)

var (
	clockTime = lazyregexp.New(`\b\d{1,2}:\d\d\b`)
	byItself  = lazyregexp.New(`(?i)\b(?:by itself|by themselves|on its own|on their own|automatic\w*|nobody|no one|self-heal\w*|nothing was done)\b`)
	firstOnes = lazyregexp.New(`\b(?:I|we|We)\b`)
)

// withoutPeople finds a timeline of postburn's form in which nobody did anything, if the text does
// not tell it elsewhere.
func withoutPeople(r *reading) []Finding {
	s, ok := r.Section(learn.Timeline)
	if !ok || !r.has(learn.Causes) || len(r.Record.Rows) == 0 {
		return nil
	}
	for _, b := range s.Blocks {
		switch {
		case b.Shape != learn.Row && !b.Form && b.Shape != learn.Heading:
			return nil // told in another form
		case b.Shape == learn.Row && !b.HasColumn("source"):
			return nil
		case b.Shape == learn.Row && isPersonal(b):
			return nil
		}
	}
	for _, b := range r.Of(learn.Resolved, learn.Causes, learn.Poorly, learn.Well, learn.Lucky, learn.Trigger) {
		if byItself.MatchString(b.Text) || clockTime.MatchString(b.Text) && (r.names(b.Text) || firstOnes.MatchString(b.Text)) {
			return nil
		}
	}
	for _, b := range r.Of(learn.Resolved) {
		if r.names(b.Text) || firstOnes.MatchString(b.Text) || clockTime.MatchString(b.Text) {
			return nil
		}
	}
	after, rest := r.detected()
	return []Finding{{Line: s.Line, Text: s.Title, Example: ask(
		[]string{"It was detected %s after onset and over %s later. Who noticed, what did it look like, and what was tried in between?", after, rest},
		[]string{"It lasted %s. Who noticed, what did it look like, and what was tried?", r.lasted()})}}
}

// isPersonal reports whether a row was written or filled in by a person.
func isPersonal(b learn.Block) bool {
	what := b.Cell("what happened")
	switch {
	case strings.TrimSpace(what) == "":
		return false
	case b.Cell("time (utc)") == "" && b.Cell("source") == "" && strings.HasSuffix(what, "(fill in)"):
		return false
	}
	return !learn.IsMachine(b.Cell("source"))
}

// names reports whether a text names somebody who is known.
func (r *reading) names(text string) bool {
	for _, w := range words(text) {
		for _, name := range r.people {
			if w == name || w == name+"'s" {
				return true
			}
		}
	}
	return false
}
