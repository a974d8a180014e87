package web

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxValue is how many characters of an untrusted value are shown.
const maxValue = 300

// shown is an untrusted value as people may see it: control, bidi and other invisible characters
// could make it look like another one, and a long one fills the page. html/template does the
// escaping.
func shown(value string) string {
	value = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, "\ufffd"))
	if runes := []rune(value); len(runes) > maxValue {
		return string(runes[:maxValue]) + "…"
	}
	return value
}

// link is an address that may be linked to; empty where it is none of the web, or names a user and
// may hold a password.
func link(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// count is a number of events. Parts of events come of interpolation only.
func count(x float64) string {
	if x > 0 && x < 1 {
		return "less than 1"
	}
	return thousands(x)
}

// thousands is a whole number with separators: "15,337".
func thousands(x float64) string {
	text := strconv.FormatFloat(math.Abs(math.Round(x)), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if math.Round(x) < 0 {
		return "\u2212" + text
	}
	return text
}

// many is a number of things: "1 tick", "2,000 ticks".
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(float64(n)) + " " + noun + "s"
}

// percent is a ratio in per cent with sensible digits. What is not all is never rounded to all, and
// what is not nothing not to nothing.
func percent(ratio float64) string {
	p := ratio * 100
	switch {
	case p < 0:
		return "\u2212" + percent(-ratio)
	case p == 0:
		return "0\u00a0%"
	case p < 0.01:
		return "<0.01\u00a0%"
	case p < 0.995:
		return trimmed(p, 2) + "\u00a0%"
	case p < 99.95:
		return trimmed(p, 1) + "\u00a0%"
	case p < 100:
		return ">99.9\u00a0%"
	}
	return thousands(p) + "\u00a0%"
}

// times is a burn rate: "14.4×".
func times(x float64) string {
	switch {
	case x < 9.995:
		return trimmed(x, 2) + "×"
	case x < 99.95:
		return trimmed(x, 1) + "×"
	}
	return thousands(x) + "×"
}

// trimmed is a number with at most that many decimals.
func trimmed(x float64, decimals int) string {
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// lasting is a length of time in the two units that matter: "2 d 3 h", "5 min", "41 s".
func lasting(d time.Duration) string {
	for _, u := range []struct {
		whole, part time.Duration
		name, rest  string
	}{
		{24 * time.Hour, time.Hour, "d", "h"},
		{time.Hour, time.Minute, "h", "min"},
		{time.Minute, time.Second, "min", "s"},
	} {
		if d < u.whole {
			continue
		}
		text := strconv.FormatInt(int64(d/u.whole), 10) + "\u00a0" + u.name
		if n := int64(d % u.whole / u.part); n > 0 {
			text += " " + strconv.FormatInt(n, 10) + "\u00a0" + u.rest
		}
		return text
	}
	return strconv.FormatInt(int64(max(0, d)/time.Second), 10) + "\u00a0s"
}

// utc is a time for people, to the second where it is no whole minute.
func utc(t time.Time) string {
	if t.Second() == 0 {
		return t.UTC().Format("2006-01-02 15:04 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// windowName is an objective's window: "30d", "calendar month (Europe/Berlin)".
func windowName(w slo.Window) string {
	switch {
	case w.Calendar != "" && w.Timezone != "":
		return "calendar " + w.Calendar + " (" + w.Timezone + ")"
	case w.Calendar != "":
		return "calendar " + w.Calendar
	}
	return model.Duration(w.Rolling).String()
}

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
