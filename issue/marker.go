package issue

import (
	"net/url"
	"strings"
	"time"
)

// Marker is the invisible line that identifies a text as postburn's: an HTML comment, for example
// `<!-- postburn key=checkout-20261014t104100z group=checkout onset=2026-10-14T10:41:00Z -->`.
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

// SameOnset is how far apart two stores may see the onset of one incident, at most. It is the
// default merge gap: no two incidents of a group begin closer together. A shorter merge gap
// replaces it.
const SameOnset = 30 * time.Minute

// Marker returns the marker for a post's text. A comment's has only the key.
func (p Post) Marker() Marker {
	if p.Parent != nil {
		return Marker{Key: p.Key}
	}
	return Marker{p.Key, p.Kind, p.Group, p.Onset}
}

// String returns the marker's line. No value can end the comment: special characters are
// percent-encoded.
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

// encode keeps names and times readable, and escapes what could end a comment or a field.
func encode(s string) string {
	s = strings.NewReplacer("+", "%20", "%3A", ":", "%2F", "/").Replace(url.QueryEscape(s))
	return strings.ReplaceAll(s, "--", "-%2D")
}

// ParseMarker reads a line that holds only a marker, ignoring white space around it.
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

// Marks reports whether the marked text is the post's. Either the keys match, or, for an incident's
// issue, the group matches and the onsets are close: a lost store finds the incident anew. For
// storms, the onset decides.
func (m Marker) Marks(p Post) bool {
	if m.Key == p.Key {
		return true
	}
	if p.Parent != nil || m.Kind != p.Kind || m.Group != p.Group || (m.Group == "" && m.Kind != Storm) || m.Onset.IsZero() || p.Onset.IsZero() {
		return false
	}
	within := SameOnset
	if p.MergeGap > 0 {
		within = min(within, p.MergeGap)
	}
	return m.Onset.Sub(p.Onset).Abs() < within
}
