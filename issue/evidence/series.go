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
	// maxLeaves is how many combinations of label values are counted apart. As long as there are
	// more, the label with the most values is left out.
	maxLeaves = 2_000
	// listed is how far back from a window's end series are listed.
	listed = 6 * time.Hour
)

// outcomes are names of labels that give a request's outcome, whatever the selectors say. They are
// part of what makes an event bad, so they don't say where it happened.
var outcomes = [...]string{
	"code", "status", "status_code", "status_class", "http_status", "http_status_code", "http_response_status_code", "response_code",
	"grpc_code", "grpc_status", "rpc_grpc_status_code", "error", "error_type", "exception", "result", "outcome", "success", "le",
}

// seriesOf are the series that an objective has; nil: not known. Labels are of all events, as in
// `total`, or of the good or bad events alone, as in `part`.
type seriesOf struct {
	shape       promql.Shape
	total, part []slo.Trace
	named       bool // there are none: these are what selectors name
}

// listSeries asks which series an objective had towards the end of a window.
func listSeries(ctx context.Context, p Prometheus, w alert.Window, interval time.Duration) (*seriesOf, error) {
	shape, err := promql.NewShape(w.Objective)
	if err != nil {
		return nil, errNothing // a condition's labels don't say where bad events are
	}
	end := until(w)
	while := min(end.Sub(w.Onset)+interval, listed)
	at := slo.Ticks{First: end, Last: end, Interval: interval}
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

// traces counts series, and then asks for them. Too many are an error, as are none.
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

// restricted returns the series of a window's label set.
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

// outcomes returns the labels that give a request's outcome, for latency objectives: slow requests
// may be those of one status code.
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

// splits returns the labels by which all events can be told apart, such as route and pod: those
// that the total and the good or bad events both have. It leaves out labels with one value, and
// those with so many that there would be too many combinations.
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

// kinds returns the other labels by which bad events can be told apart, such as a status code.
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

// badOnly returns those of the kinds that the total does not have.
func (s *seriesOf) badOnly() []string {
	inTotal := values(s.total)
	return slices.DeleteFunc(s.kinds(), func(name string) bool { return len(inTotal[name]) > 0 })
}

// readBy returns the labels by which events are read: those that say where they happened, and those
// that say of what kind they were, unless these make too many combinations.
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

// exist reports whether there are such series, rather than names in selectors alone.
func (s *seriesOf) exist() bool { return s != nil && !s.named }

// target is what an `up` series stands for.
type target struct{ job, instance string }

// targets returns the targets that have the series.
func (s *seriesOf) targets() map[target]bool {
	had := map[target]bool{}
	for _, t := range s.total {
		if one := (target{t.Labels["job"], t.Labels["instance"]}); one.job != "" && one.instance != "" {
			had[one] = true
		}
	}
	return had
}

// onlyKind returns the value of a label if it is the same in all series of the good or bad events.
func (s *seriesOf) onlyKind(name string) (value string, ok bool) {
	if len(s.part) == 0 {
		return "", false
	}
	value = s.part[0].Labels[name]
	return value, value != "" && !slices.ContainsFunc(s.part, func(t slo.Trace) bool { return t.Labels[name] != value })
}

// ticks returns in how many ticks events may be read by some labels.
func (s *seriesOf) ticks(names []string) int {
	if s == nil {
		return maxTicks
	}
	return max(maxPoints, min(maxTicks, maxValuesRead/max(1, combinations(s.total, names)), maxSeriesRead/max(1, len(s.total))))
}

// of returns the values of a label in the total.
func (s *seriesOf) of(name string) []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(values(s.total)[name]))
}

// values returns the values of each label.
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

// combinations counts the different values that labels have together.
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
