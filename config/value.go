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
)

// Bounds of what an SLO file may say.
const (
	maxName        = 63
	maxShortText   = 63
	maxDescription = 1000

	day      = 24 * time.Hour
	maxDelay = time.Hour
)

// objectiveName reads a name. What is no name is returned as well, so that it can be compared with
// others.
func (d *document) objectiveName(f field) string {
	text, ok := d.scalar(f, "a name like checkout-availability")
	switch {
	case !ok:
	case len(text) > maxName:
		d.errorf(f.value, "name must have at most %d characters, not %d", maxName, utf8.RuneCountInString(text))
	case !isName(text):
		d.errorf(f.value, "name must be made of a-z, 0-9 and -, not %s", quote(text))
	}
	return text
}

func isName(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// shortText reads a line of text that is shown in titles and tables.
func (d *document) shortText(f field, like string) string {
	text, ok := d.scalar(f, like)
	if ok && !isShortText(text) {
		d.errorf(f.value, "%s must have 1 to %d printable characters, not %s", f.path, maxShortText, quote(text))
	}
	return text
}

func isShortText(text string) bool {
	n := utf8.RuneCountInString(text)
	unprintable := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	return n > 0 && n <= maxShortText && !unprintable && strings.TrimSpace(text) != ""
}

func (d *document) longText(f field) string {
	text, ok := d.scalar(f, "text")
	if n := utf8.RuneCountInString(text); ok && n > maxDescription {
		d.errorf(f.value, "%s must have at most %d characters, not %d", f.path, maxDescription, n)
	}
	return text
}

// target reads "99.9%" or 0.999. It returns 0 where there is no usable one.
func (d *document) target(f field) (target slo.Decimal) {
	text, ok := d.scalar(f, "a percentage like 99.9%")
	if !ok {
		return target
	}
	one, hundred := slo.MustDecimal("1"), slo.MustDecimal("100")
	target, err := slo.ParseDecimal(text)
	negative := strings.HasPrefix(strings.TrimSpace(text), "-")
	switch {
	case errors.Is(err, slo.ErrPrecision):
		d.errorf(f.value, "target must have at most 5 decimal places in per cent, not %s", shorten(text))
	case err != nil && !negative:
		d.errorf(f.value, "target must be a percentage like 99.9%% or a ratio like 0.999, not %s", quote(text))
	case err == nil && target.Cmp(one) == 0:
		d.errorf(f.value, "target of 100 %% never holds: a single bad event misses it; take less, like 99.9%%")
	case err == nil && target.Cmp(one) > 0 && target.Cmp(hundred) < 0 && !strings.Contains(text, "%"):
		d.errorf(f.value, "target must be between 0 and 100 %%, not %s: write %q", shorten(text), shorten(text)+"%")
	case err != nil || target.IsZero() || target.Cmp(one) > 0:
		d.errorf(f.value, "target must be between 0 and 100 %%, not %s: write it like \"99.9%%\" or 0.999", shorten(text))
	default:
		return target
	}
	return slo.Decimal{}
}

// groupBy reads the names of labels; an objective has one history for each set of their values.
func (d *document) groupBy(f field) (names []string) {
	items, ok := d.list(f, "label names")
	if ok && len(items) == 0 {
		d.errorf(f.value, "%s is empty; name a label, as in [region], or leave it out", f.path)
	}
	for _, item := range items {
		name, ok := d.scalar(field{path: f.path, key: item, value: item}, "a label's name")
		switch {
		case !ok:
		case !isLabelName(name):
			d.errorf(item, "%s: a label's name is like region or service.name, not %s", f.path, quote(name))
		case slices.Contains(names, name):
			d.errorf(item, "%s names %s twice", f.path, name)
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

// delay reads how long after a tick its sample is taken.
func (d *document) delay(f field) time.Duration {
	delay, ok := d.duration(f, "a duration like 2m")
	if ok && (delay == 0 || delay > maxDelay) {
		d.errorf(f.value, "delay must be longer than 0 and at most 1h, not %s; leave it out for POSTBURN_DELAY", shorten(f.value.Value))
		return 0
	}
	return delay
}

// duration reads Prometheus' form: 5m, 1h30m, 30d.
func (d *document) duration(f field, like string) (time.Duration, bool) {
	text, ok := d.scalar(f, like)
	if !ok {
		return 0, false
	}
	length, err := model.ParseDuration(text)
	if err != nil {
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(text))
		return 0, false
	}
	return time.Duration(length), true
}

// shortDuration is like duration, and also takes Go's form, which has units below a millisecond and
// decimal fractions: 250us, 500µs, 100ns, 1.5ms.
func (d *document) shortDuration(f field, like string) (time.Duration, bool) {
	text, ok := d.scalar(f, like)
	if !ok {
		return 0, false
	}
	length, err := time.ParseDuration(text)
	if err != nil || strings.HasPrefix(text, "-") {
		return d.duration(f, like)
	}
	return length, true
}

// number reads a number that is not negative and no percentage.
func (d *document) number(f field, like string) (slo.Decimal, bool) {
	text, ok := d.scalar(f, like)
	if !ok {
		return slo.Decimal{}, false
	}
	number, err := slo.ParseDecimal(text)
	if err != nil || strings.Contains(text, "%") {
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(text))
		return slo.Decimal{}, false
	}
	return number, true
}

// truth reads true or false.
func (d *document) truth(f field) bool {
	text, ok := d.scalar(f, "true or false")
	if ok && !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		d.errorf(f.value, "%s must be true or false, not %s", f.path, quote(text))
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
