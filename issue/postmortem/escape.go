package postmortem

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxValue is how many characters of an untrusted value are shown.
const maxValue = 300

// breaker is a zero-width space. It is written as an entity, so that people see it in the source.
// GitHub looks for mentions, references and links in the text after entities and backslashes are
// resolved, so nothing else but a code span stops it there. What it looks for is listed as
// "Autolinked references and URLs" and "Basic writing and formatting syntax" in its documentation.
const breaker = "&#8203;"

// maxHex is how many hexadecimal digits GitHub never takes for a commit's name.
const maxHex = 6

// uncoded matches what can't stand in code: it could end the code or a table cell, or forge a
// marker in the source.
const uncoded = "`|<>\\"

// Escape makes an untrusted value inert in GitHub-flavoured Markdown, wherever on a line and in
// whatever table cell it is put: what is shown is the value's text and nothing else. Breakers
// aside, it shows the value with single spaces for white space, without control, bidi and other
// invisible characters, cut after 300 characters.
//
//   - Addresses and names of commits become code, in which nothing has an effect, so that they can
//     be copied as they are. Only what could end the code or a table cell is escaped as text.
//   - Markdown's own characters get a backslash; `<`, `>`, `&` and `|` become entities, so that no
//     HTML, no entity, no marker and no table cell can be forged, not even for a reader that
//     searches the source.
//   - A breaker after `@`, and after `#` or `GH-` before a number or name, ends mentions, e-mail
//     addresses and references to issues; one within a run of seven hexadecimal digits references
//     to commits; within `://` and `www.` links; within `:name:` emojis; after `$` formulas.
//   - What begins a list, a heading, a rule or a quotation at the start of a line gets a backslash
//     at the value's start.
//
// A number stays whole: if a commit's name happens to begin like it, GitHub links it, and no more.
// References that a repository's owner has defined (TICKET-123) are not known here and stay.
func Escape(value string) string {
	value = flatten(value)
	code := copied(value)
	var b strings.Builder
	hex, number := 0, false // of the run of hexadecimal digits that goes on
	for i := 0; i < len(value); {
		if n := code[i]; n > 0 {
			b.WriteString("`" + value[i:i+n] + "`")
			i, hex = i+n, 0
			continue
		}
		r, size := utf8.DecodeRuneInString(value[i:])
		switch {
		case !isHex(r):
			hex = 0
		case hex == 0:
			hex, number = 1, isDigits(hexRun(value[i:]))
		default:
			if hex++; hex > maxHex && !number {
				b.WriteString(breaker)
				hex = 1
			}
		}
		escapeRune(&b, value[:i], r, value[i+size:])
		i += size
	}
	return b.String()
}

// copied returns which parts of a value are shown as code, such as addresses: their length in
// bytes, by where they begin.
func copied(value string) map[int]int {
	all := map[int]int{}
	at := 0
	for word := range strings.SplitSeq(value, " ") {
		inner := strings.TrimLeft(word, `("'[{`)
		from := at + len(word) - len(inner)
		inner = strings.TrimRight(inner, `.,;:!?)]}"'`)
		if (isAddress(inner) || hasCommit(inner)) && !strings.ContainsAny(inner, uncoded) {
			all[from] = len(inner)
		}
		at += len(word) + 1
	}
	return all
}

// isAddress reports whether a word has an address that GitHub would link.
func isAddress(word string) bool {
	return strings.Contains(word, "://") || len(word) > len("www.") && strings.EqualFold(word[:len("www.")], "www.")
}

// hasCommit reports whether a word has what GitHub may take for a commit's name. A number does not
// count.
func hasCommit(word string) bool {
	for word != "" {
		run := hexRun(word)
		if len(run) > maxHex && !isDigits(run) {
			return true
		}
		_, size := utf8.DecodeRuneInString(word[len(run):])
		word = word[len(run)+size:]
	}
	return false
}

// hexRun returns the hexadecimal digits that a text begins with.
func hexRun(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789abcdefABCDEF"))] }

// escapeRune writes a character that stands between two texts.
func escapeRune(b *strings.Builder, before string, r rune, next string) {
	var escaped, broken, endsWWW bool // a backslash before it, a breaker after it or before it
	switch r {
	case '<', '>', '&':
		b.WriteString(html.EscapeString(string(r)))
		return
	case '|':
		b.WriteString("&#124;")
		return
	case '\\', '`', '*', '[', ']', '~':
		escaped = true
	case '_':
		escaped = !alnumBefore(before) || !alnumAfter(next)
	case '@':
		broken = true
	case '#', '$':
		escaped, broken = true, true
	case ':':
		broken = strings.HasPrefix(next, "/") || startsEmoji(next)
	case '.':
		escaped, endsWWW = isDigits(before), hasSuffixFold(before, "www")
	case ')':
		escaped = isDigits(before)
	case '-', '+', '=':
		escaped, broken = before == "", r == '-' && hasSuffixFold(before, "gh")
	}
	if endsWWW {
		b.WriteString(breaker)
	}
	if escaped {
		b.WriteByte('\\')
	}
	b.WriteRune(r)
	if broken {
		b.WriteString(breaker)
	}
}

// Code shows a name that people copy, such as a label set, as a code span, in which nothing has an
// effect. A value that could end the span or a table cell, or forge a marker in the source, is
// escaped as text instead.
func Code(value string) string {
	value = flatten(value)
	if value == "" || strings.ContainsAny(value, uncoded) {
		return Escape(value)
	}
	return "`" + value + "`"
}

// Link is a link with an untrusted text and address. Only http and https addresses are linked; else
// the text stands alone.
func Link(text, address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || flatten(address) != address {
		return Escape(text)
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= utf8.RuneSelf || strings.IndexByte("()<>[]{}|\\`\"'*_~^$@", c) >= 0 {
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return "[" + Escape(text) + "](" + strings.ReplaceAll(b.String(), "&", "&amp;") + ")"
}

// plain makes an untrusted value inert in a title, which is plain text at one tracker and a
// Markdown heading at another: characters with an effect in either become their full-width forms.
func plain(value string) string {
	value = flatten(value)
	var b strings.Builder
	for i, r := range value {
		next := value[i+utf8.RuneLen(r):]
		switch {
		case strings.ContainsRune("\\`*[]<>|~&$#@", r),
			r == '_' && (!alnumBefore(value[:i]) || !alnumAfter(next)),
			r == ':' && (strings.HasPrefix(next, "/") || startsEmoji(next)),
			r == '.' && hasSuffixFold(value[:i], "www"):
			r += '＀' - ' ' // the full-width block repeats ASCII in order
		}
		b.WriteRune(r)
	}
	return b.String()
}

// flatten makes a value one line of visible text.
func flatten(value string) string {
	value = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, "\ufffd"))
	value = strings.Join(strings.Fields(value), " ")
	if runes := []rune(value); len(runes) > maxValue {
		return strings.TrimRight(string(runes[:maxValue]), " ") + "…"
	}
	return value
}

// startsEmoji reports whether the text goes on as `name:` does.
func startsEmoji(s string) bool {
	name, _, ok := strings.Cut(s, ":")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-") == ""
}

func isHex(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func alnumBefore(s string) bool { return s != "" && isAlnum(s[len(s)-1]) }

func alnumAfter(s string) bool { return s != "" && isAlnum(s[0]) }

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}
