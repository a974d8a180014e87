package local

import (
	"bytes"
	"strings"

	"github.com/postburn/postburn/issue"
)

// A part of a file, an issue's text or a comment, is between a line with its marker and this line.
const partEnd = "<!-- postburn end -->"

const markerStart = "<!-- postburn "

// part is a piece of a file written by postburn.
type part struct {
	start, end int    // byte offsets of the lines between marker and end
	content    string // of those lines, line ends normalised
	whole      bool   // its end line is there
	crlf       bool
}

// newIssue returns the content of a new file.
func newIssue(m issue.Marker, text issue.Text) string {
	return m.String() + "\n" + encode(text) + partEnd + "\n"
}

// appendComment adds a comment under a rule line at the end of a file.
func appendComment(content []byte, m issue.Marker, text issue.Text) []byte {
	added := "\n---\n" + m.String() + "\n\n" + encode(text) + partEnd + "\n"
	if n := len(content); n > 0 && content[n-1] != '\n' {
		added = "\n" + added // a rule right under text would make it a heading
	}
	if bytes.Contains(content, []byte("\r\n")) {
		added = strings.ReplaceAll(added, "\n", "\r\n")
	}
	return append(content, added...)
}

// encode returns a text for a file: its title as a heading, and no line that looks like a marker.
func encode(text issue.Text) string {
	s := text.Body
	if text.Title != "" {
		s = "# " + strings.Join(strings.Fields(text.Title), " ") + "\n\n" + s
	}
	s = strings.ReplaceAll(normal(s), markerStart, "&lt;!-- postburn ")
	return strings.TrimRight(s, "\n") + "\n\n"
}

func normal(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// find returns the part under the key's marker.
func find(content []byte, key string) (part, bool) {
	var p part
	found := false
	offset := 0
	for line := range bytes.Lines(content) {
		offset += len(line)
		m, isMarker := issue.ParseMarker(string(line))
		switch {
		case !found && isMarker && m.Key == key:
			found = true
			p.start, p.end, p.crlf = offset, len(content), bytes.HasSuffix(line, []byte("\r\n"))
		case found && isMarker:
			p.end = offset - len(line)
			p.content = normal(string(content[p.start:p.end]))
			return p, true // a person removed its end line
		case found && string(bytes.TrimSpace(line)) == partEnd:
			p.end, p.whole = offset-len(line), true
			p.content = normal(string(content[p.start:p.end]))
			return p, true
		}
	}
	p.content = normal(string(content[p.start:p.end]))
	return p, found
}

// firstMarker returns the marker of the issue's text.
func firstMarker(content []byte) (issue.Marker, bool) {
	for line := range bytes.Lines(content) {
		if m, ok := issue.ParseMarker(string(line)); ok {
			return m, true
		}
	}
	return issue.Marker{}, false
}

// is reports whether the part is still the text as sent, ignoring outer blank lines.
func (p part) is(text issue.Text) bool {
	return p.whole && strings.Trim(p.content, "\n") == strings.Trim(encode(text), "\n")
}

// text returns what the part says now.
func (p part) text(titled bool) issue.Text {
	body := strings.Trim(p.content, "\n")
	var title string
	if titled {
		if first, rest, _ := strings.Cut(body, "\n"); strings.HasPrefix(first, "# ") {
			title, body = strings.TrimPrefix(first, "# "), strings.TrimLeft(rest, "\n")
		}
	}
	return issue.Text{Title: title, Body: body + "\n"}
}

// replace returns the content with another text in the part's place.
func (p part) replace(content []byte, text issue.Text) []byte {
	now := encode(text)
	if strings.HasPrefix(p.content, "\n") {
		now = "\n" + now
	}
	if p.crlf {
		now = strings.ReplaceAll(now, "\n", "\r\n")
	}
	return append(append(bytes.Clone(content[:p.start]), now...), content[p.end:]...)
}
