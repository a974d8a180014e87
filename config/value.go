package config

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Bounds of what an SLO file may say.
const (
	maxName        = 63
	maxShortText   = 63
	maxDescription = 1000
	maxQuery       = 10_000 // bytes

	day      = 24 * time.Hour
	maxDelay = time.Hour
)

// readName reads an objective's name. What is no name is returned as well, so that it can be
// compared with others.
func readName(f field) string {
	text, ok := f.scalar()
	switch {
	case !ok:
	case len(text) > maxName:
		f.errorf("name must have at most %d characters, not %d", maxName, utf8.RuneCountInString(text))
	case !isName(text):
		f.errorf("name must be made of a-z, 0-9 and -, not %s", quote(text))
	}
	return text
}

// readSourceName reads the name of a source. Which there are, the environment says.
func readSourceName(f field) string {
	text, ok := f.scalar()
	if ok && (!isName(text) || len(text) > maxName) {
		f.errorf("source must be made of a-z, 0-9 and -, at most %d of them, not %s", maxName, quote(text))
	}
	if text == slo.DefaultSource {
		return ""
	}
	return text
}

func isName(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// shortText reads a line of text that is shown in titles and tables.
func (f field) shortText() string {
	text, ok := f.scalar()
	if ok && !isShortText(text) {
		f.errorf("%s must have 1 to %d printable characters, not %s", f.path, maxShortText, quote(text))
	}
	return text
}

func isShortText(text string) bool {
	n := utf8.RuneCountInString(text)
	unprintable := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	return n > 0 && n <= maxShortText && !unprintable && strings.TrimSpace(text) != ""
}

func (f field) longText() string {
	text, ok := f.scalar()
	if n := utf8.RuneCountInString(text); ok && n > maxDescription {
		f.errorf("%s must have at most %d characters, not %d", f.path, maxDescription, n)
	}
	return text
}

// readTarget reads "99.9%" or 0.999. It returns 0 if there is no usable one.
func readTarget(f field) (target slo.Decimal) {
	text, ok := f.scalar()
	if !ok {
		return target
	}
	one, hundred := slo.MustDecimal("1"), slo.MustDecimal("100")
	target, err := slo.ParseDecimal(text)
	negative := strings.HasPrefix(strings.TrimSpace(text), "-")
	switch {
	case errors.Is(err, slo.ErrPrecision):
		f.errorf("target must have at most 5 decimal places in per cent, not %s", shorten(text))
	case err != nil && !negative:
		f.errorf("target must be a percentage like 99.9%% or a ratio like 0.999, not %s", quote(text))
	case err == nil && target.Cmp(one) == 0:
		f.errorf("target of 100 %% never holds: a single bad event misses it; take less, like 99.9%%")
	case err == nil && target.Cmp(one) > 0 && target.Cmp(hundred) < 0 && !strings.Contains(text, "%"):
		f.errorf("target must be between 0 and 100 %%, not %s: write %q", shorten(text), shorten(text)+"%")
	case err != nil || target.IsZero() || target.Cmp(one) > 0:
		f.errorf("target must be between 0 and 100 %%, not %s: write it like \"99.9%%\" or 0.999", shorten(text))
	default:
		return target
	}
	return slo.Decimal{}
}

// readGroupBy reads the names of labels; an objective has one history for each set of their values.
func readGroupBy(f field) (names []string) {
	items, ok := f.list()
	if ok && len(items) == 0 {
		f.errorf("%s is empty; name a label, as in [region], or leave it out", f.path)
	}
	for _, item := range items {
		item.like = "a label's name"
		name, ok := item.scalar()
		switch {
		case !ok:
		case !isLabelName(name):
			item.errorf("%s: a label's name is like region or service.name, not %s", f.path, quote(name))
		case slices.Contains(names, name):
			item.errorf("%s names %s twice", f.path, name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// isLabelName reports whether an objective can be grouped by a label of that name. Prometheus 3
// takes any text; one with white space is more likely a list whose commas were left out.
func isLabelName(name string) bool {
	odd := strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	return model.UTF8Validation.IsValidLabelName(name) && !odd && !strings.HasPrefix(name, "__") && name != model.BucketLabel
}

// readDelay reads how long after a tick its sample is taken.
func readDelay(f field) time.Duration {
	delay, ok := f.duration()
	if ok && (delay == 0 || delay > maxDelay) {
		f.errorf("delay must be longer than 0 and at most 1h, not %s; leave it out for POSTBURN_DELAY", shorten(f.value.Value))
		return 0
	}
	return delay
}

// duration reads Prometheus' form: 5m, 1h30m, 30d.
func (f field) duration() (time.Duration, bool) {
	text, ok := f.scalar()
	if !ok {
		return 0, false
	}
	length, err := model.ParseDuration(text)
	if err != nil {
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
		return 0, false
	}
	return time.Duration(length), true
}

// shortDuration is like duration, and also takes Go's form, which has units below a millisecond and
// decimal fractions: 250us, 500µs, 100ns, 1.5ms.
func (f field) shortDuration() (time.Duration, bool) {
	text, ok := f.scalar()
	if !ok {
		return 0, false
	}
	length, err := time.ParseDuration(text)
	if err != nil || strings.HasPrefix(text, "-") {
		return f.duration()
	}
	return length, true
}

// number reads a number that is not negative and no percentage.
func (f field) number() (slo.Decimal, bool) {
	text, ok := f.scalar()
	if !ok {
		return slo.Decimal{}, false
	}
	number, err := slo.ParseDecimal(text)
	if err != nil || strings.Contains(text, "%") {
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
		return slo.Decimal{}, false
	}
	return number, true
}

// share reads a share of an error budget, which may be more than all of it.
func (f field) share() (slo.Decimal, bool) {
	text, ok := f.scalar()
	if !ok {
		return slo.Decimal{}, false
	}
	share, err := slo.ParseDecimal(text)
	switch {
	case err != nil:
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
	case !strings.Contains(text, "%") && share.Cmp(slo.MustDecimal("1")) > 0:
		f.errorf("%s must be %s, not %s: write %q", f.path, f.like, shorten(text), shorten(text)+"%")
	default:
		return share, true
	}
	return share, false
}

// query reads PromQL as text.
func (f field) query() string {
	text, ok := f.scalar()
	f.keep()
	switch {
	case ok && strings.TrimSpace(text) == "":
		f.errorf("%s is empty; give it %s", f.path, f.like)
	case len(text) > maxQuery:
		f.errorf("%s must have at most %d characters, not %d", f.path, maxQuery, len(text))
	}
	return text
}

// keep notes where the field's value is, for what is only found out later.
func (f field) keep() { f.doc.kept = append(f.doc.kept, keptPlace{Place: Place{f.path, f.at()}}) }

// addPromQL reports problems of the field's PromQL, at their places in the file.
func (f field) addPromQL(severity Severity, problems []promql.Problem) {
	for _, p := range problems {
		f.doc.add(Problem{Position: f.doc.inside(f.value, p.Offset), Severity: severity, Text: f.path + ": " + p.Text})
	}
}

// truth reads true or false.
func (f field) truth() bool {
	text, ok := f.scalar()
	if ok && !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		f.errorf("%s must be true or false, not %s", f.path, quote(text))
	}
	return strings.EqualFold(text, "true")
}

// isWebURL reports whether text is an absolute URL of http or https.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// shorten is a number as it was written, fit for a line of a report.
func shorten(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 30 {
		return quote(text)
	}
	return text
}
