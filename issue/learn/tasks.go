package learn

import (
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue"
)

// Tasks returns the follow-ups of a post-mortem in order: boxes and items, and rows of a table with
// owners. It is an issue.TaskReader.
func Tasks(markdown string) []issue.Task { return Parse(markdown).Tasks() }

// Tasks returns the follow-ups in order.
func (d Document) Tasks() (all []issue.Task) {
	people := d.People()
	for _, s := range d.Sections {
		if !isFollowUp(s.Kind) {
			continue
		}
		for _, b := range s.Written() {
			if !b.isTask() || action(b) == "" {
				continue
			}
			t := issue.Task{Text: action(b), Done: b.IsDone(), Issue: issueOf(b), Term: b.Term(), Answers: b.Answers()}
			b.Text = lastReference.ReplaceAllString(b.Text, "") // an owner in brackets may be before it
			t.Owner, _ = b.Owner(people)
			switch s.Kind {
			case ShortTerm:
				t.Term = issue.ShortTerm
			case LongTerm:
				t.Term = issue.LongTerm
			}
			all = append(all, t)
		}
	}
	return all
}

var (
	// answers matches what a task says that it answers, after the brackets with its owner.
	answers = lazyregexp.New(`(?i)\)[\s,;:–—-]*\banswers\b:?\s+(.+)$`)
	// term matches a term in brackets.
	term = lazyregexp.New(`(?i)^(short|long)(?:[- ]term)?$`)
)

// Answers returns what a task says that it answers, such as a cause; empty if it does not say.
func (b Block) Answers() string {
	if b.Shape == Row {
		return b.Cell("answers", "cause")
	}
	if m := answers.FindStringSubmatch(b.Text); m != nil {
		return m[1]
	}
	return ""
}

// Term returns a task's term, issue.ShortTerm or issue.LongTerm, as it stands in brackets or in a
// column; empty if it does not say.
func (b Block) Term() string {
	all := bracketed(lastReference.ReplaceAllString(b.Text, ""))
	if b.Shape == Row {
		all = b.Cell("term")
	}
	for part := range strings.SplitSeq(all, ",") {
		if m := term.FindStringSubmatch(strings.TrimSpace(part)); m != nil {
			return strings.ToLower(m[1])
		}
	}
	return ""
}

// SaysTerms reports whether a section's form asks each task for its term.
func (s Section) SaysTerms() bool {
	for _, b := range s.Blocks {
		if b.Form && strings.HasPrefix(b.Text, oneTask) {
			return true
		}
	}
	return false
}

func (b Block) isTask() bool {
	return b.Shape == Item || b.Shape == Task || b.Shape == Row && b.HasColumn("owner", "owners", "assignee", "who", "dri")
}

// action is the text of what is to be done.
func action(b Block) string {
	if b.Shape == Row && len(b.Cells) > 0 {
		return b.Cells[0]
	}
	return b.Text
}

// isDone matches what people write where there is no box to tick, or beside it.
var isDone = lazyregexp.New(`(?i)\(done\b|\bdone[.!]?$|✅|☑|✔|^we(?:'ve| have) (?:already )?\pL+ed\b|^we (?:already )?(?:added|changed|fixed|moved|removed|raised|updated|created|implemented|tweaked)\b|\b(?:has|have) (?:already )?been \pL+(?:ed|n|t)\b|^(?:done|fixed|completed)\b`)

// IsDone reports whether a task is done: its box is ticked, or it says so.
func (b Block) IsDone() bool { return b.Done || isDone.MatchString(b.Text) }

var issueNumber = lazyregexp.New(`(?:^|[\s(\[])((?:[\w.-]+/[\w.-]+)?#\d+)\b`)

// lastReference matches an issue that is named at the end of a task.
var lastReference = lazyregexp.New(`(?i)[,;:.]?\s*[(\[]?(?:see(?: also)?|in|is|tracked in|issue)?\s*(?:(?:[\w.-]+/[\w.-]+)?#\d+|https?://\S+?)[)\]]?[.]?$`)

// issueOf returns the issue that a task names: the address of a link, or a reference; empty if
// there is none.
func issueOf(b Block) string {
	for _, l := range b.Links {
		if issue.IssueAddress(l, "") != "" {
			return l
		}
	}
	if m := issueNumber.FindStringSubmatch(b.Text); m != nil {
		return m[1]
	}
	return ""
}
