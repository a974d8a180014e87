package web

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// maxValue is how many characters of an untrusted value are shown.
const maxValue = 300

// shown is an untrusted value as people may see it: control, bidi and other invisible characters
// could make it look like another one, and a long one fills the page. html/template does the
// escaping.
func shown(value string) string {
	value = printable(value)
	if runes := []rune(value); len(runes) > maxValue {
		return string(runes[:maxValue]) + "…"
	}
	return value
}

// printable leaves out of a text what is not to be seen, or turns text around.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// link is an address that may be linked to; empty if it is none of the web, or names a user and
// may hold a password.
func link(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// unbroken keeps a figure and its unit on one line of a page.
func unbroken(figure string) string { return strings.ReplaceAll(figure, " ", "\u00a0") }

// percent is a ratio in per cent.
func percent(ratio float64) string { return unbroken(humanize.Percent(ratio)) }

// kindText says what makes a breach window one of its kind.
func kindText(k alert.Kind) string {
	switch k {
	case alert.Burn:
		return "burn: the error budget burned faster than a rule allows"
	case alert.Budget:
		return "budget: more bad events in the whole window than the target allows"
	case alert.Blindness:
		return "blind: there was no data, so nobody knows how it went"
	case alert.Quietness:
		return "quiet: far less traffic than the day and the week before"
	}
	return string(k)
}

// triageText says what people made of an issue.
func triageText(t issue.Triage) string {
	switch t {
	case issue.Completed:
		return "closed as completed"
	case issue.Noise:
		return "closed as not planned: noise"
	case issue.Duplicate:
		return "a duplicate"
	case issue.Transferred:
		return "moved to another repository"
	case issue.Deleted:
		return "deleted"
	}
	return string(t)
}
