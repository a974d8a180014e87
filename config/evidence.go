package config

import (
	"github.com/postburn/postburn/slo/promql"
)

// maxEvidenceQueries is how many queries an slo may add to its evidence: each costs one for each
// incident.
const maxEvidenceQueries = 8

// readEvidenceQueries reads what else is looked at around an incident, by name.
func readEvidenceQueries(f field) map[string]string {
	found, ok := f.mapping(schema{of: "evidence.queries", path: "evidence.queries."})
	if !ok {
		return nil
	}
	if len(found) > maxEvidenceQueries {
		f.errorf("evidence.queries must have at most %d queries, not %d: each costs a query for each incident", maxEvidenceQueries, len(found))
	}
	queries := map[string]string{}
	for name, q := range found {
		if !isShortText(name) {
			q.wrongKey("a query's name must have 1 to %d printable characters, not %s", maxShortText, quote(name))
		}
		q.path, q.like = quoteName(q.path), "PromQL such as max(queue_depth)"
		text := q.query()
		queries[name] = text
		if text != "" && len(text) <= maxQuery {
			q.addPromQL(Error, promql.CheckExpression(q.path, text))
			q.addPromQL(Warning, promql.DoubtsIn(q.path, text))
		}
	}
	return queries
}
