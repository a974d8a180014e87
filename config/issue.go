package config

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postburn/postburn/issue"
)

// maxLabel is how long a label's name may be at GitHub, in characters.
const maxLabel = 50

// readIssue reads how incidents are published.
func readIssue(s settings) issue.Settings {
	found := s.orDefaults(s.issue, "issue")
	postMortemAt, _ := found["post_mortem_at"].share()
	to := issue.Settings{Assign: readAssign(found["assign"]), PostMortemAt: postMortemAt.Float(), Lint: found["lint"].truth()}
	to.RemindAfter = readRemindAfter(found["remind_after"])
	to.Report = s.orDefaults(s.report, "report")["issue"].truth()
	if f, ok := found["repository"]; ok {
		to.Repository = f.repository()
	}
	if f, ok := found["labels"]; ok {
		to.Labels = readIssueLabels(f)
	}
	if f, ok := found["template"]; ok {
		to.Template.File = readTemplateName(f)
	}
	return to
}

func (f field) repository() string {
	text, ok := f.scalar()
	if ok && !repositoryName.MatchString(text) {
		f.errorf("%s must be owner/name, not %s", f.path, quoted(text)) // maybe a token
	}
	return text
}

// readIssueLabels reads the names of labels. Those that postburn keeps itself are not the user's to
// give.
func readIssueLabels(f field) (names []string) {
	items, _ := f.list()
	seen := map[string]bool{}
	for _, item := range items {
		item.like = "a label's name"
		name, ok := item.scalar()
		unprintable := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
		n, lower := utf8.RuneCountInString(name), strings.ToLower(name)
		switch {
		case !ok:
		case n > maxLabel || unprintable || strings.TrimSpace(name) == "":
			item.errorf("%s: a label's name must have 1 to %d printable characters, not %s", f.path, maxLabel, quote(name))
		case lower == "postburn" || hasPrefix(lower, "service:", "severity:", "status:"):
			item.errorf("%s: postburn sets the label %s itself; give it another name", f.path, quote(name))
		case seen[lower]:
			item.errorf("%s names %s twice", f.path, quote(name))
		default:
			seen[lower] = true
			names = append(names, name)
		}
	}
	return names
}

// readRemindAfter reads how long a follow-up is open until people are reminded; 0: they never are.
func readRemindAfter(f field) time.Duration {
	text, ok := f.scalar()
	if ok && (strings.EqualFold(text, "off") || strings.EqualFold(text, "false")) {
		return 0
	}
	after, ok := f.duration()
	if ok && after > 0 && after < day {
		f.errorf("%s must be at least 1d, or off, not %s", f.path, quote(text))
	}
	return after
}

func hasPrefix(text string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

func readAssign(f field) string {
	text, ok := f.scalar()
	switch {
	case !ok:
	case text != issue.AssignOwner && text != issue.AssignMention && text != issue.AssignNone:
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
	}
	return text
}
