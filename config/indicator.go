package config

import (
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// maxQuery bounds a query, in bytes.
const maxQuery = 10_000

func indicatorSchema() schema {
	return schema{of: "indicator", path: "indicator.", keys: []string{"ratio", "latency", "bool", "sampled"}}
}

func sampledSchema() schema {
	return schema{of: "indicator.sampled", path: "indicator.sampled.", keys: []string{"bad", "total", "error_ratio"}}
}

func ratioSchema() schema {
	return schema{of: "indicator.ratio", path: "indicator.ratio.", keys: []string{"bad", "good", "total"}}
}

func latencySchema() schema {
	return schema{of: "indicator.latency", path: "indicator.latency.", keys: []string{"histogram", "threshold", "unit"}}
}

// Examples of what an indicator takes.
const (
	likeSelector  = `a selector like http_requests_total{job="checkout"}`
	likeHistogram = `a selector like http_request_duration_seconds{job="checkout"}`
	likeCondition = `PromQL that is true or false, like max(queue_length) < 100`
	likeAmount    = `PromQL that has a number at a time, like sum(rate(http_requests_total[5m]))`
	likeRatio     = `PromQL that is between 0 and 1, like job:errors:ratio_rate5m`
	likeExclusion = `PromQL that is true while work is planned, like maintenance_mode == 1`
	likeThreshold = "a duration like 500ms"
	likeUnit      = "seconds, milliseconds, microseconds or nanoseconds"
)

// indicator reads what is measured: one of its keys.
func (d *document) indicator(f field) (indicator slo.Indicator) {
	before := len(d.problems)
	found, ok := d.mapping(f.value, indicatorSchema())
	if !ok {
		return indicator
	}
	var parts fields
	complete := false
	given := make([]field, 0, len(found))
	for _, k := range []struct {
		key  string
		read func(field)
	}{
		{"ratio", func(f field) { indicator.Ratio, parts, complete = d.ratio(f) }},
		{"latency", func(f field) { indicator.Latency, parts, complete = d.latency(f) }},
		{"bool", func(f field) {
			indicator.Bool, parts, complete = d.query(f, likeCondition), fields{"bool": f}, true
		}},
		{"sampled", func(f field) { indicator.Sampled, parts, complete = d.sampled(f) }},
	} {
		if one, ok := found[k.key]; ok {
			given = append(given, one)
			k.read(one)
		}
	}
	switch {
	case len(given) > 1:
		d.errorf(given[1].key, "indicator has %s and %s; give one of them", given[0].key.Value, given[1].key.Value)
	case len(given) == 0 && len(d.problems) == before:
		d.errorf(f.value, "indicator.ratio is missing; give it bad and total, or good and total; or give latency, bool or sampled")
	case complete && len(d.problems) == before:
		d.checkQueries(indicator, parts)
	}
	return indicator
}

// ratio reads good or bad events out of a total.
func (d *document) ratio(f field) (r *slo.Ratio, parts fields, complete bool) {
	parts, ok := d.mapping(f.value, ratioSchema())
	if !ok {
		return nil, nil, false
	}
	r = &slo.Ratio{}
	for key, query := range map[string]*string{"bad": &r.Bad, "good": &r.Good, "total": &r.Total} {
		if part, ok := parts[key]; ok {
			*query = d.query(part, likeSelector)
		}
	}
	return r, parts, d.completeRatio(f, parts)
}

// latency reads a histogram, the threshold up to which its events are good, and its unit.
func (d *document) latency(f field) (l *slo.Latency, parts fields, complete bool) {
	parts, ok := d.mapping(f.value, latencySchema())
	if !ok {
		return nil, nil, false
	}
	l = &slo.Latency{}
	histogram, complete := parts["histogram"]
	if complete {
		l.Histogram = d.query(histogram, likeHistogram)
	} else {
		d.errorf(f.value, "indicator.latency.histogram is missing; give it %s", likeHistogram)
	}
	if threshold, ok := parts["threshold"]; ok {
		l.Threshold, ok = d.shortDuration(threshold, likeThreshold)
		if ok && l.Threshold == 0 {
			d.errorf(threshold.value, "indicator.latency.threshold must be longer than 0: it is %s that is still good", likeThreshold)
		}
	} else {
		d.errorf(f.value, "indicator.latency.threshold is missing; say how long is still good, with %s", likeThreshold)
		complete = false
	}
	if unit, ok := parts["unit"]; ok {
		l.Unit = d.unit(unit)
	}
	return l, parts, complete
}

// sampled reads what is measured once a tick: an error ratio, or bad events and a total.
func (d *document) sampled(f field) (s *slo.Sampled, parts fields, complete bool) {
	parts, ok := d.mapping(f.value, sampledSchema())
	if !ok {
		return nil, nil, false
	}
	s = &slo.Sampled{}
	for _, k := range []struct {
		key, like string
		query     *string
	}{{"bad", likeAmount, &s.Bad}, {"total", likeAmount, &s.Total}, {"error_ratio", likeRatio, &s.ErrorRatio}} {
		if part, ok := parts[k.key]; ok {
			*k.query = d.query(part, k.like)
		}
	}
	_, bad := parts["bad"]
	_, total := parts["total"]
	ratio, whole := parts["error_ratio"]
	switch {
	case whole && (bad || total):
		d.errorf(ratio.key, "indicator.sampled has error_ratio and another key; give error_ratio alone, or bad and total")
	case !whole && !bad && !total:
		d.errorf(f.value, "indicator.sampled.error_ratio is missing; give it %s, or give bad and total", likeRatio)
	case !whole && !bad:
		d.errorf(f.value, "indicator.sampled.bad is missing; give it %s", likeAmount)
	case !whole && !total:
		d.errorf(f.value, "indicator.sampled.total is missing; give it %s", likeAmount)
	default:
		return s, parts, true
	}
	return s, parts, false
}

// exclude reads the condition under which work is planned.
func (d *document) exclude(f field) string {
	text := d.query(f, likeExclusion)
	if strings.TrimSpace(text) == "" {
		return ""
	}
	for _, p := range promql.CheckExclude(text) {
		d.problems = append(d.problems, Problem{Position: d.inside(f.value, p.Offset), Text: f.path + ": " + p.Text})
	}
	return text
}

// unit reads what 1 means in a histogram.
func (d *document) unit(f field) time.Duration {
	text, ok := d.scalar(f, likeUnit)
	unit := map[string]time.Duration{
		"seconds": time.Second, "milliseconds": time.Millisecond, "microseconds": time.Microsecond, "nanoseconds": time.Nanosecond,
	}[text]
	if ok && unit == 0 {
		d.errorf(f.value, "%s must be %s, not %s", f.path, likeUnit, quote(text))
	}
	return unit
}

func (d *document) query(f field, like string) string {
	text, ok := d.scalar(f, like)
	switch {
	case ok && strings.TrimSpace(text) == "":
		d.errorf(f.value, "%s is empty; give it %s", f.path, like)
	case len(text) > maxQuery:
		d.errorf(f.value, "%s must have at most %d characters, not %d", f.path, maxQuery, len(text))
	}
	return text
}

// completeRatio reports whether there is a total, and one of bad and good.
func (d *document) completeRatio(ratio field, parts fields) bool {
	_, bad := parts["bad"]
	good, both := parts["good"]
	_, total := parts["total"]
	switch {
	case bad && both:
		d.errorf(good.key, "indicator.ratio has bad and good; give one of them")
	case !bad && !both:
		d.errorf(ratio.value, "indicator.ratio.bad is missing; give bad or good")
	case !total:
		d.errorf(ratio.value, "indicator.ratio.total is missing; say which events there are in all")
	default:
		return true
	}
	return false
}

// checkQueries reports what is wrong in an indicator's PromQL, at its place in the file.
func (d *document) checkQueries(indicator slo.Indicator, parts fields) {
	for _, p := range promql.Check(indicator) {
		part := parts[p.Field]
		d.problems = append(d.problems, Problem{Position: d.inside(part.value, p.Offset), Text: part.path + ": " + p.Text})
	}
}

// inside is the position of the byte at an offset of a scalar's value. Where the value is not on one line as it is, that is the position
// of the scalar.
func (d *document) inside(n *yaml.Node, offset int) Position {
	at := d.at(n)
	if d.widths[at.Line-1] > maxQuery {
		return at // not worth going through again and again
	}
	raw := []rune(d.lines[at.Line-1])
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || at.Column > len(raw) || offset > len(n.Value) {
		return at
	}
	raw = raw[at.Column-1:]
	wanted := utf8.RuneCountInString(n.Value[:max(offset, 0)])
	switch {
	case n.Style == 0 && strings.HasPrefix(string(raw), n.Value):
		return d.position(at.Line, at.Column+wanted)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		if column, ok := quotedColumn(raw, wanted); ok {
			return d.position(at.Line, at.Column+column)
		}
	}
	return at
}

// quotedColumn is where the wanted character of a quoted scalar is, counted from its opening quote; ok is false where the scalar
// does not end on its line.
func quotedColumn(raw []rune, wanted int) (column int, ok bool) {
	if _, found := skip(raw, -1); !found {
		return 0, false
	}
	return skip(raw, wanted)
}

// skip goes over so many characters of a quoted scalar, or to its closing quote where the number is negative or too large.
func skip(raw []rune, characters int) (column int, ok bool) {
	delimiter := raw[0]
	for i := 1; i < len(raw); characters-- {
		closing := raw[i] == delimiter && (delimiter == '"' || i+1 == len(raw) || raw[i+1] != '\'')
		switch {
		case closing || characters == 0:
			return i, true
		case delimiter == '\'' && raw[i] == '\'':
			i += 2
		case delimiter == '"' && raw[i] == '\\' && i+1 < len(raw):
			i += 2 + map[rune]int{'x': 2, 'u': 4, 'U': 8}[raw[i+1]]
		default:
			i++
		}
	}
	return 0, false
}
