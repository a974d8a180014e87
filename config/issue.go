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

// repository reads the name of a repository at GitHub.
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

// readPostMortemAt reads from which share of the error budget issues have the form of the analysis.
func readPostMortemAt(f field) float64 {
	share, _ := f.share()
	return share.Float()
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
