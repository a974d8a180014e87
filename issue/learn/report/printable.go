package report

import (
	"strings"
	"unicode"
)

// unbroken keeps a number and its sign on one line.
func unbroken(text string) string { return strings.ReplaceAll(text, " %", "\u00a0%") }

// longest is how many characters of an untrusted text are shown.
const longest = 300

// printable drops what can't be seen from an untrusted text, such as characters that turn the
// direction of what follows, and cuts it.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}
