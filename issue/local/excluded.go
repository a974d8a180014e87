package local

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
)

// ListMarked lists the issues whose files changed since a time, and says which are excluded. It is
// an issue.MarkedLister. A file is excluded if a person wrote issue.ExcludeLabel on a line of its
// own, above or below what postburn wrote, perhaps followed by a name. A line there that begins
// with `postburn:` gives the reason.
func (t *Tracker) ListMarked(_ context.Context, _ string, since time.Time) (all []issue.Marked, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := list(root)
	if err != nil {
		return nil, fmt.Errorf("looking for excluded issues in %s: %w", t.dir, err)
	}
	for _, name := range names {
		if filepath.Ext(name) != extension {
			continue
		}
		info, err := root.Lstat(name)
		if err != nil || info.ModTime().Before(since) {
			continue // gone by now, or read already
		}
		content, err := read(root, name)
		if err != nil {
			t.tell(name, err)
			continue
		}
		delete(t.told, name)
		m, ok := firstMarker(content)
		if !ok {
			continue
		}
		all = append(all, issue.Marked{
			Key: m.Key, Ref: issue.Ref{URL: t.path(name)}, Updated: info.ModTime(), Exclusion: exclusionIn(byPeople(content)),
		})
	}
	return all, nil
}

// byPeople returns the lines of a file that are in no part of postburn's.
func byPeople(content []byte) string {
	var text strings.Builder
	inside := false
	for line := range bytes.Lines(content) {
		_, begins := issue.ParseMarker(string(line))
		switch {
		case begins:
			inside = true
		case string(bytes.TrimSpace(line)) == partEnd:
			inside = false
		case !inside:
			text.Write(line)
		}
	}
	return text.String()
}

// exclusionIn returns the exclusion that a text asks for; nil if it does not.
func exclusionIn(text string) *issue.Exclusion {
	for line := range strings.Lines(text) {
		label, by, _ := strings.Cut(strings.Join(strings.Fields(line), " "), " ")
		if strings.EqualFold(label, issue.ExcludeLabel) {
			return &issue.Exclusion{By: strings.TrimPrefix(by, "by "), Reason: issue.ReasonIn(text)}
		}
	}
	return nil
}
