package people

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue"
)

// Bounds of what comments add to a timeline, so that nobody can crowd out others.
const (
	maxTold  = 40  // rows by all authors together
	maxShare = 20  // rows by one author
	maxLine  = 500 // characters of a row
	maxAsked = 10  // authors to ask the tracker about

	// clockSkew is how far a time in a comment may be ahead of the tracker's clock.
	clockSkew = 10 * time.Minute

	// toldBefore and toldAfter are how long before the onset and after the end a line's time may
	// be: the day before may matter, and recovery goes on after the numbers are fine.
	toldBefore = 24 * time.Hour
	toldAfter  = 24 * time.Hour
)

// comments adds comment lines that begin with a time, and pasted chat, to the timeline, and their
// authors to the people. An author must be allowed to write to the repository, and the time must be
// near the incident. If there are too many lines, each author gets a share. One sentence says what
// is left out.
func comments(ctx context.Context, store issue.Store, reader issue.Reader, i alert.Incident, found *issue.Evidence) error {
	pub, ok, err := store.Publication(ctx, i.ID)
	if err != nil {
		return fromStore{fmt.Errorf("reading the incident's publication: %w", err)}
	}
	if !ok || pub.Kind != issue.Single || !pub.HasIssue() {
		return nil
	}
	of := pub.Writes[0].Ref
	all, more, err := reader.Comments(ctx, of)
	if errors.Is(err, issue.ErrNotFound) {
		return nil
	}
	var left leftOut
	lines := linesByAuthor{}
	trust := trust{reader: reader, of: of, known: map[string]bool{}}
	for _, c := range all {
		entries := chatOf(c, issue.Core(i).Onset())
		if len(entries) == 0 {
			entries = entriesOf(c)
		}
		if !c.Trusted && (len(entries) == 0 || c.Robot || !trust.has(ctx, c.Author)) {
			left.strangers += len(entries)
			continue
		}
		if !c.Robot {
			found.Add(issue.Evidence{People: []string{c.Author}})
		}
		for _, e := range entries {
			if !isNear(i, c, e.Time) {
				left.outside++
				continue
			}
			lines.add(e)
		}
	}
	rows, crowded := lines.share()
	left.crowded = crowded
	found.Timeline = append(found.Timeline, rows...)
	if text := left.String(); text != "" {
		found.LeftOut = append(found.LeftOut, text)
	}
	if more {
		found.LeftOut = append(found.LeftOut, fmt.Sprintf("Only the first %d comments were read.", len(all)))
	}
	return err
}

// isNear reports whether a time in a comment belongs to the incident: it is near the incident, and
// not later than the comment itself.
func isNear(i alert.Incident, c issue.Comment, at time.Time) bool {
	ended := issue.Ended(i)
	return !at.Before(issue.Core(i).Onset().Add(-toldBefore)) && !at.After(c.Time.Add(clockSkew)) &&
		(ended.IsZero() || !at.After(ended.Add(toldAfter)))
}

// trust asks the tracker about authors: each once, and only a few.
type trust struct {
	reader issue.Reader
	of     issue.Ref
	known  map[string]bool // by login
}

func (t trust) has(ctx context.Context, login string) bool {
	trusted, asked := t.known[login]
	if asked || len(t.known) >= maxAsked {
		return trusted
	}
	trusted, err := t.reader.Trusts(ctx, t.of, login)
	t.known[login] = err == nil && trusted
	return t.known[login]
}

// linesByAuthor returns each author's lines, with authors in the order of their first line.
type linesByAuthor [][]issue.Entry

func (l *linesByAuthor) add(e issue.Entry) {
	for n := range *l {
		if (*l)[n][0].Source == e.Source {
			(*l)[n] = append((*l)[n], e)
			return
		}
	}
	*l = append(*l, []issue.Entry{e})
}

// share returns the lines that fit, and how many do not. It takes each author's first line, then
// each one's second, and so on, so that prolific authors crowd out nobody.
func (l linesByAuthor) share() (rows []issue.Entry, left int) {
	for _, theirs := range l {
		left += len(theirs)
	}
	for n := range maxShare {
		for _, theirs := range l {
			if n < len(theirs) && len(rows) < maxTold {
				rows = append(rows, theirs[n])
			}
		}
	}
	return rows, left - len(rows)
}

// leftOut counts comment lines with a time that are not in the timeline, by reason: their author is
// not trusted, for example.
type leftOut struct{ strangers, outside, crowded int }

func (l leftOut) String() string {
	var why []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{l.strangers, "by accounts that may not write to the repository"},
		{l.outside, "with a time outside the incident's"},
		{l.crowded, "beyond an author's share"},
	} {
		if part.n > 0 {
			why = append(why, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if len(why) == 0 {
		return ""
	}
	return "Lines of comments not listed here: " + strings.Join(why, ", ") + "."
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxLine {
		return string(runes[:maxLine]) + "…"
	}
	return text
}

// timed matches a line that begins with a time of day, with or without a date: "09:14 restarted
// nginx", "- 2026-01-02 09:14:30 UTC: back".
var timed = lazyregexp.New(`^[ \t]*(?:[-*+][ \t]+)?(?:(\d{4}-\d\d-\d\d)[ T])?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:[ ]?(?:UTC|Z))?[ \t]*[-–—:,]?[ \t]+(\S.*)$`)

// entriesOf returns timeline rows from a comment that begins with a time: one for each line that
// does.
func entriesOf(c issue.Comment) (all []issue.Entry) {
	for n, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(c.Body, "\r\n", "\n")), "\n") {
		at, text, ok := timeOf(c, line)
		switch {
		case ok:
			all = append(all, issue.Entry{Time: at, Text: shortened(text), Source: c.Author, URL: c.URL, Person: true})
		case n == 0:
			return nil
		}
	}
	return all
}

// timeOf returns the time at the start of a line, and the rest. Without a date it is the last such
// time before the comment was written.
func timeOf(c issue.Comment, line string) (at time.Time, text string, ok bool) {
	found := timed.FindStringSubmatch(line)
	if found == nil {
		return at, "", false
	}
	var clock [3]int
	for i := range clock {
		clock[i], _ = strconv.Atoi(found[2+i])
	}
	written := c.Time.UTC()
	day := written
	if found[1] != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, found[1]); err != nil {
			return at, "", false
		}
	}
	at = time.Date(day.Year(), day.Month(), day.Day(), clock[0], clock[1], clock[2], 0, time.UTC)
	if found[1] == "" && at.After(written.Add(clockSkew)) {
		at = at.AddDate(0, 0, -1)
	}
	return at, found[5], true
}
