package issue

import (
	"net/url"
	"strings"
	"time"
)

// Marker is the invisible line by which a tracker knows a text of postburn's again: an HTML comment, one line long.
type Marker struct {
	Key   string
	Kind  Kind
	Group string
	Onset time.Time
}

const (
	markerStart = "<!-- postburn "
	markerEnd   = " -->"
)

// sameOnset is how far apart the onsets of one incident may be found by two stores, at most: the
// default merge gap, within which no two incidents of a group begin. A shorter merge gap counts
// instead.
const sameOnset = 30 * time.Minute

// Marker is the one that a post's text carries. A comment's has its key only.
func (p Post) Marker() Marker {
	if p.Parent != nil {
		return Marker{Key: p.Key}
	}
	return Marker{p.Key, p.Kind, p.Group, p.Onset}
}

// String is the marker's line. No value can end the comment: what is not plain is percent-encoded.
func (m Marker) String() string {
	fields := "key=" + encode(m.Key)
	if m.Kind != Single {
		fields += " kind=" + encode(string(m.Kind))
	}
	if m.Group != "" {
		fields += " group=" + encode(m.Group)
	}
	if !m.Onset.IsZero() {
		fields += " onset=" + encode(m.Onset.UTC().Format(time.RFC3339))
	}
	return markerStart + fields + markerEnd
}

// encode leaves names and times readable, and lets nothing through that ends a comment or a field.
func encode(s string) string {
	s = strings.NewReplacer("+", "%20", "%3A", ":", "%2F", "/").Replace(url.QueryEscape(s))
	return strings.ReplaceAll(s, "--", "-%2D")
}

// ParseMarker reads a line that is a marker and nothing else, white space around it aside.
func ParseMarker(line string) (Marker, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(line, "\ufeff")), markerStart)
	if !ok {
		return Marker{}, false
	}
	rest, ok = strings.CutSuffix(rest, markerEnd)
	if !ok || strings.Contains(rest, "-->") {
		return Marker{}, false
	}
	var m Marker
	for field := range strings.FieldsSeq(rest) {
		name, value, _ := strings.Cut(field, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return Marker{}, false
		}
		switch name {
		case "key":
			m.Key = value
		case "kind":
			m.Kind = Kind(value)
		case "group":
			m.Group = value
		case "onset":
			if m.Onset, err = time.Parse(time.RFC3339, value); err != nil {
				return Marker{}, false
			}
		}
	}
	return m, m.Key != ""
}

// Marks reports whether the marked text is the post's: it has its key; or, for the issue of an incident, its group and nearly its
// onset, as when a store was lost and the incident was found anew. Of storms, the onset tells.
func (m Marker) Marks(p Post) bool {
	if m.Key == p.Key {
		return true
	}
	if p.Parent != nil || m.Kind != p.Kind || m.Group != p.Group || (m.Group == "" && m.Kind != Storm) || m.Onset.IsZero() || p.Onset.IsZero() {
		return false
	}
	within := sameOnset
	if p.MergeGap > 0 {
		within = min(within, p.MergeGap)
	}
	return m.Onset.Sub(p.Onset).Abs() < within
}
