package issue

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Query is PromQL with which people can check a number.
type Query struct {
	Of     slo.ID // the objective
	What   string // the number, such as "Bad events"
	PromQL string // untrusted
	URL    string // where Prometheus draws it; empty: not known
}

// Querier returns the queries for a window's numbers up to a time. The first one draws its error
// ratio.
type Querier func(w alert.Window, asOf time.Time) []Query

// maxChecked is how many of an incident's windows have queries.
const maxChecked = 5

// AddQueries adds those of the incident's windows, the headline's first. It does nothing without a
// querier.
func (f *Facts) AddQueries(of Querier) {
	if of == nil {
		return
	}
	worst := Headline(f.Incident)
	windows := []alert.Window{worst}
	for _, w := range Core(f.Incident).Windows {
		if !slices.ContainsFunc(windows, func(v alert.Window) bool { return v.ID() == w.ID() }) && len(windows) < maxChecked {
			windows = append(windows, w)
		}
	}
	for _, w := range windows {
		end := f.AsOf
		if !w.IsOpen() {
			end = w.Ended
		}
		f.Queries = append(f.Queries, of(w, end)...)
	}
}

// GraphURL returns where the Prometheus at an address draws a query: the time before an end, or
// before now if it is zero. It is empty without an address.
func GraphURL(base, query string, end time.Time, length time.Duration) string {
	if base == "" {
		return ""
	}
	values := url.Values{"g0.expr": {query}, "g0.tab": {"0"}, "g0.range_input": {slo.FormatDuration(length)}}
	if !end.IsZero() {
		values.Set("g0.end_input", end.UTC().Format(time.DateTime))
	}
	return strings.TrimSuffix(base, "/") + "/graph?" + values.Encode()
}
