package config

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// maxQuery bounds a query, in bytes.
const maxQuery = 10_000

func indicatorSchema() schema {
	return schema{of: "indicator", path: "indicator.", keys: []string{"ratio"}, later: []string{"latency", "bool"}}
}

func ratioSchema() schema {
	return schema{of: "indicator.ratio", path: "indicator.ratio.", keys: []string{"bad", "good", "total"}}
}

// indicator reads what is measured.
func (d *document) indicator(f field) (indicator slo.Indicator) {
	before := len(d.problems)
	found, ok := d.mapping(f.value, indicatorSchema())
	if !ok {
		return indicator
	}
	ratio, ok := found["ratio"]
	if !ok {
		if len(d.problems) == before {
			d.errorf(f.value, "indicator.ratio is missing; give it bad and total, or good and total")
		}
		return indicator
	}
	parts, ok := d.mapping(ratio.value, ratioSchema())
	if !ok {
		return indicator
	}
	r := &slo.Ratio{}
	for key, query := range map[string]*string{"bad": &r.Bad, "good": &r.Good, "total": &r.Total} {
		if part, ok := parts[key]; ok {
			*query = d.query(part)
		}
	}
	indicator.Ratio = r
	if d.completeRatio(ratio, parts) && len(d.problems) == before {
		d.checkQueries(indicator, parts)
	}
	return indicator
}

func (d *document) query(f field) string {
	text, ok := d.scalar(f, "a selector like http_requests_total{job=\"checkout\"}")
	switch {
	case ok && strings.TrimSpace(text) == "":
		d.errorf(f.value, "%s is empty; give it a selector like http_requests_total{job=\"checkout\"}", f.path)
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
