package evidence

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

const (
	// drawn is the least that Prometheus is to draw of an incident, and the unit of more.
	drawn = time.Hour
	// leastCounted is the shortest time in which PromQL counts: it takes two samples.
	leastCounted = time.Minute
)

// Queries returns what people can ask Prometheus to check the numbers of a window. The address is
// the Prometheus that people open; empty: queries have no links.
func Queries(address func(source string) string) issue.Querier {
	return func(w alert.Window, asOf time.Time) []issue.Query {
		q := checks{window: w, end: asOf, address: address(w.Objective.Source)}
		q.ratio()
		if i := w.Objective.Indicator; w.Kind == alert.Burn && (i.Ratio != nil || i.Latency != nil) {
			q.counts()
			q.burnRate()
			q.quantiles()
		}
		return q.all
	}
}

// checks collects the queries of a window.
type checks struct {
	window  alert.Window
	end     time.Time // of what is counted
	address string
	all     []issue.Query
}

func (q *checks) add(what, query string, err error) {
	if query == "" || err != nil {
		return // it can't be watched either, and the objective's page says so
	}
	found := issue.Query{Of: q.window.ID(), What: what, PromQL: query}
	var until time.Time // now
	if !q.window.IsOpen() {
		until = q.end.Add(q.length() / 4)
	}
	found.URL = issue.GraphURL(q.address, query, until, (2*q.length()/drawn+1)*drawn)
	q.all = append(q.all, found)
}

// length is how long the window lasted until the end of what is counted.
func (q *checks) length() time.Duration { return max(q.end.Sub(q.window.Onset), leastCounted) }

func (q *checks) ratio() {
	what := "Error ratio over 5 minutes"
	if i := q.window.Objective.Indicator; i.Ratio == nil && i.Latency == nil {
		what = "As the SLO file has it"
	}
	query, err := promql.Graph(q.window.Objective, q.window.Labels)
	q.add(what, query, err)
}

func (q *checks) counts() {
	bad, total, err := promql.Counted(q.length(), q.end, q.window.Objective, q.window.Labels)
	q.add("Events", total, err)
	q.add("Bad events", bad, err)
	o := q.window.Objective
	if bad == "" || err != nil || o.Window.Rolling == 0 {
		return
	}
	_, all, err := promql.Counted(o.Window.Rolling, q.end, o, q.window.Labels)
	q.add("Budget spent", "("+bad+") / ("+o.Target.Complement().String()+" * "+all+")", err)
}

func (q *checks) burnRate() {
	w := q.window
	if w.Rule == nil {
		return
	}
	query, err := promql.RatioOver(w.Rule.Short, w.Objective, w.Labels)
	q.add("Burn rate over "+slo.FormatDuration(w.Rule.Short), "("+query+") / "+w.Objective.Target.Complement().String(), err)
}

func (q *checks) quantiles() {
	l := q.window.Objective.Indicator.Latency
	if l == nil {
		return
	}
	for _, p := range []struct {
		name  string
		share float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}} {
		query, err := promql.QuantileOver(q.length(), q.end, p.share, *l, q.window.Labels)
		q.add(p.name, query, err)
	}
}
