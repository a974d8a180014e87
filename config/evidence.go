package config

import (
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/promql"
)

// maxEvidenceQueries is how many queries an slo may add to its evidence: each costs one for each incident.
const maxEvidenceQueries = 8

func evidenceSchema() schema {
	return schema{of: "evidence", path: "evidence.", keys: []string{"queries", "repository"}}
}

// evidence reads what else is looked at around an incident.
func (d *document) evidence(s settings) (e issue.EvidenceQuery) {
	if f, ok := s.evidence["repository"]; ok {
		e.Repository = d.repository(f)
	}
	if f, ok := s.evidence["queries"]; ok {
		e.Queries = d.evidenceQueries(f)
	}
	return e
}

func (d *document) evidenceQueries(f field) map[string]string {
	found, ok := d.mapping(f.value, schema{of: "evidence.queries", path: "evidence.queries."})
	if !ok {
		return nil
	}
	if len(found) > maxEvidenceQueries {
		d.errorf(f.value, "evidence.queries must have at most %d queries, not %d: each costs a query for each incident", maxEvidenceQueries, len(found))
	}
	queries := map[string]string{}
	for name, q := range found {
		if !isShortText(name) {
			d.errorf(q.key, "a query's name must have 1 to %d printable characters, not %s", maxShortText, quote(name))
		}
		q.path = quoteName(q.path)
		text := d.query(q, "PromQL such as max(queue_depth)")
		queries[name] = text
		if text == "" || len(text) > maxQuery {
			continue
		}
		for _, p := range promql.CheckExpression(q.path, text) {
			d.problems = append(d.problems, Problem{Position: d.inside(q.value, p.Offset), Text: q.path + ": " + p.Text})
		}
	}
	return queries
}
