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

// shown makes an untrusted value fit to be read. It drops control, bidi and other invisible
// characters, which could make it look like another value, and cuts it if it is long. html/template
// does the escaping.
func shown(value string) string {
	value = printable(value)
	if runes := []rune(value); len(runes) > maxValue {
		return string(runes[:maxValue]) + "…"
	}
	return value
}

// printable drops characters that can't be seen, or that turn text around, such as U+202E.
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

// link returns an address if a page may link to it, and else nothing. It must be of http or https,
// such as https://runbooks.example/checkout, and name no user, as a password may follow.
func link(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// unbroken keeps a figure and its unit, such as "99.9 %", on one line of a page.
func unbroken(figure string) string { return strings.ReplaceAll(figure, " ", "\u00a0") }

// percent writes a ratio in per cent: 0.125 is "12.5 %".
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
