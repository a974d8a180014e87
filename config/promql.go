package config

import (
	"errors"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// fault is something wrong in an indicator's PromQL: the key of the query, and the byte in it.
type fault struct {
	field  string
	offset int
	text   string
}

// checkQueries reports what is wrong in an indicator's PromQL, at its place in the file.
func (d *document) checkQueries(indicator slo.Indicator, parts fields) {
	for _, fault := range faults(indicator) {
		key := fault.field[strings.LastIndex(fault.field, ".")+1:]
		part, ok := parts[key]
		if !ok {
			continue
		}
		d.problems = append(d.problems, Problem{Position: d.inside(part.value, fault.offset), Text: part.path + ": " + fault.text})
	}
}

func faults(indicator slo.Indicator) (found []fault) {
	promql := parser.NewParser(parser.Options{})
	for key, query := range map[string]string{"bad": indicator.Ratio.Bad, "good": indicator.Ratio.Good, "total": indicator.Ratio.Total} {
		if query == "" {
			continue
		}
		_, err := promql.ParseExpr(query)
		var list parser.ParseErrors
		if errors.As(err, &list) {
			for _, e := range list {
				found = append(found, fault{key, int(e.PositionRange.Start), e.Err.Error()})
			}
		}
	}
	return found
}
