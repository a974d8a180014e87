package github

import (
	"strings"

	"github.com/postburn/postburn/issue"
)

const markerStart = "<!-- postburn "

// encode is a body as it is sent: the marker's line, and a text in which no line can be taken for one.
func encode(marker string, text issue.Text) string {
	body := strings.ReplaceAll(normal(text.Body), markerStart, "&lt;!-- postburn ")
	return marker + "\n" + fitBody(body, maxBody-len([]rune(marker))-1)
}

// decode finds the marker's line in a body, and what the text is without it. A person may have written above it.
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

// same compares bodies as they are shown: line ends and white space at the ends aside.
func same(a, b string) bool { return strings.TrimSpace(normal(a)) == strings.TrimSpace(normal(b)) }

// sameTitle compares titles as GitHub stores them; a comment has none.
func sameTitle(have, want string) bool {
	return want == "" || strings.TrimSpace(have) == strings.TrimSpace(fitTitle(want))
}

func normal(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
