package github

import (
	"strings"

	"github.com/postburn/postburn/issue"
)

const markerStart = "<!-- postburn "

// encode returns a body to send: the marker's line, and the text with no line that looks like a
// marker.
func encode(marker string, text issue.Text) string {
	body := strings.ReplaceAll(normal(text.Body), markerStart, "&lt;!-- postburn ")
	return marker + "\n" + fitBody(body, maxBody-len([]rune(marker))-1)
}

// decode returns the marker in a body, and the text without it. People may write above the marker.
func decode(body string) (m issue.Marker, line string, rest string, ok bool) {
	body = normal(body)
	offset := 0
	for l := range strings.Lines(body) {
		if m, ok := issue.ParseMarker(l); ok {
			return m, strings.TrimSuffix(l, "\n"), body[:offset] + body[offset+len(l):], true
		}
		offset += len(l)
	}
	return issue.Marker{}, "", body, false
}

// same compares bodies as shown, ignoring line ends and outer white space.
func same(a, b string) bool { return strings.TrimSpace(normal(a)) == strings.TrimSpace(normal(b)) }

// sameTitle compares titles as GitHub stores them; a comment has none.
func sameTitle(have, want string) bool {
	return want == "" || strings.TrimSpace(have) == strings.TrimSpace(fitTitle(want))
}

func normal(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
