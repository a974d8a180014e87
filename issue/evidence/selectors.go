package evidence

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// selectors are the vector selectors in the PromQL of a bool or sampled indicator. Their series say
// which targets its value comes from. They do not say where bad events are.
type selectors []*parser.VectorSelector

// selectorsOf returns those of an indicator; none for ratios and latencies, and for PromQL that can't
// be parsed.
func selectorsOf(i slo.Indicator) (all selectors) {
	texts := []string{i.Bool}
	if s := i.Sampled; s != nil {
		texts = append(texts, s.Bad, s.Total, s.ErrorRatio)
	}
	p := parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	})
	seen := map[string]bool{}
	for _, text := range texts {
		expr, err := p.ParseExpr(text)
		if err != nil {
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if s, ok := n.(*parser.VectorSelector); ok {
				bare := &parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers} // without its offset
				if name := bare.String(); !seen[name] {
					seen[name] = true
					all = append(all, bare)
				}
			}
			return nil
		})
	}
	return all
}

// present is a query for the label sets of all series that had a value in the last while.
func (s selectors) present(while time.Duration) string {
	parts := make([]string, len(s))
	for i, selector := range s {
		parts[i] = "present_over_time(" + selector.String() + "[" + model.Duration(while).String() + "])"
	}
	return strings.Join(parts, " or ")
}

// named are the labels that the selectors ask for by their values, as if there were such series.
func (s selectors) named() (all []slo.Trace) {
	for _, selector := range s {
		set := map[string]string{}
		for _, m := range selector.LabelMatchers {
			if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel && m.Value != "" {
				set[m.Name] = m.Value
			}
		}
		if len(set) > 0 {
			all = append(all, slo.Trace{Labels: set})
		}
	}
	return all
}

// targetsOf lists the series that a bool or sampled objective looks at, from two hours before a
// window until its end. If there are none, as where `absent` is asked for, what the selectors name
// tells of the targets.
func (c *collector) targetsOf(ctx context.Context, w alert.Window) (s *seriesOf) {
	found := selectorsOf(w.Objective.Indicator)
	if len(found) == 0 {
		return nil
	}
	end := until(w)
	query := found.present(min(end.Sub(w.Onset)+issue.Lookback, listed))
	c.part(ctx, listQueries, "Which series "+w.ID().String()+" looks at", func(ctx context.Context, p Prometheus) error {
		all, err := traces(ctx, p, query, slo.Ticks{First: end, Last: end, Interval: c.Interval})
		named := len(all) == 0
		if named {
			all = found.named()
		}
		if all = ofWindow(all, w); len(all) > 0 {
			s = &seriesOf{total: all, named: named}
		}
		return err
	})
	return s
}

// ofWindow leaves out the series that have another value of a label of a window's label set. A
// condition may also look at series that have no such label.
func ofWindow(all []slo.Trace, w alert.Window) (own []slo.Trace) {
	set := w.Labels.Map()
	for _, t := range all {
		other := false
		for name, v := range set {
			has := t.Labels[name]
			other = other || has != "" && has != v
		}
		if !other {
			own = append(own, t)
		}
	}
	return own
}
