package evidence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

const (
	// maxSeries is how many series an objective may have for its labels to be looked at.
	maxSeries = 20_000
	// maxLeaves is how many combinations of values are counted apart; labels with the most values are left out until there are no more.
	maxLeaves = 2_000
	// listed is how far back from a window's end series are listed.
	listed = 6 * time.Hour
)

// outcomes are names of labels that tell of a request's outcome, whatever the selectors say: they are part of what makes an event bad, and so
// say nothing of where it happened.
var outcomes = [...]string{
	"code", "status", "status_code", "status_class", "http_status", "http_status_code", "http_response_status_code", "response_code",
	"grpc_code", "grpc_status", "rpc_grpc_status_code", "error", "error_type", "exception", "result", "outcome", "success", "le",
}

// seriesOf are the series that an objective has.
type seriesOf struct {
	shape       promql.Shape
	total, part []slo.Trace
	named       bool // there are none: these are what selectors name
}

// list asks which series an objective had towards the end of a window.
func (c *collector) list(ctx context.Context, p Prometheus, w alert.Window) (*seriesOf, error) {
	shape, err := promql.NewShape(w.Objective)
	if err != nil {
		return nil, errNothing // a condition's labels say nothing of where bad events are
	}
	end := until(w)
	while := min(end.Sub(w.Onset)+c.Interval, listed)
	at := slo.Ticks{First: end, Last: end, Interval: c.Interval}
	s := &seriesOf{shape: shape}
	if s.total, err = traces(ctx, p, shape.TotalSeries(while), at); err != nil {
		return nil, err
	}
	if parts := shape.PartSeries(while); parts != "" {
		if s.part, err = p.Traces(ctx, parts, at); err != nil {
			return nil, err
		}
	}
	s.total, s.part = restricted(s.total, w), restricted(s.part, w)
	return s, nil
}

// traces asks for series that it has counted: too many are an error, as are none.
func traces(ctx context.Context, p Prometheus, query string, at slo.Ticks) ([]slo.Trace, error) {
	counted, err := p.Traces(ctx, "count("+query+")", at)
	if err != nil {
		return nil, err
	}
	if len(counted) == 0 {
		return nil, errNothing
	}
	if n := counted[0].Values[0]; n > maxSeries {
		return nil, fmt.Errorf("the objective has %.0f series, more than the %d that are looked at", n, maxSeries)
	}
	return p.Traces(ctx, query, at)
}

// restricted are the series of a window's label set.
func restricted(all []slo.Trace, w alert.Window) []slo.Trace {
	set := w.Labels.Map()
	return slices.DeleteFunc(all, func(t slo.Trace) bool {
		for name, v := range set {
			if t.Labels[name] != v {
				return true
			}
		}
		return false
	})
}

// outcome reports whether a label is part of what makes an event bad.
func (s *seriesOf) outcome(name string) bool {
	return slices.Contains(s.shape.Outcome, name) || slices.Contains(outcomes[:], name)
}

// outcomes are the labels that tell of a request's outcome where the indicator does not: slow requests may be those of one status code.
func (s *seriesOf) outcomes() []string {
	if !s.shape.Latency {
		return nil
	}
	values := values(s.total)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 && s.outcome(name) && name != "le" {
			names = append(names, name)
		}
	}
	return names
}

// splits are the labels by which all events can be told apart: those that the total and the good or bad events both have. A label of one
// value, or that has so many that there would be too many combinations, is left out.
func (s *seriesOf) splits() []string {
	inPart, values := values(s.part), values(s.total)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 && !s.outcome(name) && (len(s.part) == 0 || len(inPart[name]) > 0) {
			names = append(names, name)
		}
	}
	for len(names) > 0 && combinations(s.total, names) > maxLeaves {
		most := slices.MaxFunc(names, func(a, b string) int { return len(values[a]) - len(values[b]) })
		names = slices.DeleteFunc(names, func(name string) bool { return name == most })
	}
	return names
}

// kinds are the labels by which bad events can be told apart beside those.
func (s *seriesOf) kinds() []string {
	if !s.shape.CountsBad {
		return nil
	}
	inTotal := values(s.total)
	var names []string
	for name := range values(s.part) {
		if (s.outcome(name) || len(inTotal[name]) == 0) && name != "le" && !slices.Contains(s.shape.Fixed, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// badOnly are those of the kinds that the total does not have.
func (s *seriesOf) badOnly() []string {
	inTotal := values(s.total)
	return slices.DeleteFunc(s.kinds(), func(name string) bool { return len(inTotal[name]) > 0 })
}

// readBy are the labels by which the events are read: those that tell where they happened, and as
// far as there are not too many combinations those that tell what kind they were.
func (s *seriesOf) readBy() []string {
	if s == nil {
		return nil
	}
	names, inTotal := s.splits(), values(s.total)
	for _, name := range slices.Concat(s.outcomes(), s.kinds()) {
		if more := slices.Concat(names, []string{name}); len(inTotal[name]) > 0 && !slices.Contains(names, name) && combinations(s.total, more) <= maxLeaves {
			names = more
		}
	}
	return names
}

// ticks is how many ticks the events may be read in.
func (s *seriesOf) ticks(names []string) int {
	if s == nil {
		return maxTicks
	}
	return max(maxPoints, min(maxTicks, maxValuesRead/max(1, combinations(s.total, names)), maxSeriesRead/max(1, len(s.total))))
}

// of is the values of a label among all series.
func (s *seriesOf) of(name string) []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(values(s.total)[name]))
}

// values are the values of each label.
func values(series []slo.Trace) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, t := range series {
		for name, v := range t.Labels {
			if found[name] == nil {
				found[name] = map[string]bool{}
			}
			found[name][v] = true
		}
	}
	return found
}

// combinations is how many different values the labels have together.
func combinations(series []slo.Trace, names []string) int {
	seen := map[slo.Labels]bool{}
	for _, t := range series {
		set := map[string]string{}
		for _, name := range names {
			set[name] = t.Labels[name]
		}
		seen[slo.NewLabels(set)] = true
	}
	return len(seen)
}
