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

// selectorsOf returns an indicator's selectors. Ratios and latencies have none, nor has PromQL that
// can't be parsed.
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

// present returns a query for the label sets of all series that had a value in the last while.
func (s selectors) present(while time.Duration) string {
	parts := make([]string, len(s))
	for i, selector := range s {
		parts[i] = "present_over_time(" + selector.String() + "[" + model.Duration(while).String() + "])"
	}
	return strings.Join(parts, " or ")
}

// named returns the labels that selectors ask for by value, as if there were such series.
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

// list returns the series that the selectors had from two hours before a window until its end. If
// there are none, as with `absent`, it returns what the selectors name.
func (s selectors) list(ctx context.Context, p Prometheus, w alert.Window, interval time.Duration) (*seriesOf, error) {
	end := until(w)
	query := s.present(min(end.Sub(w.Onset)+issue.Lookback, listed))
	all, err := traces(ctx, p, query, slo.Ticks{First: end, Last: end, Interval: interval})
	named := len(all) == 0
	if named {
		all = s.named()
	}
	if all = ofWindow(all, w); len(all) > 0 {
		return &seriesOf{total: all, named: named}, err
	}
	return nil, err
}

// ofWindow leaves out series with other label values than a window's. A condition may also look at
// series that lack these labels.
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
