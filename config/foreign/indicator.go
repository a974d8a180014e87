package foreign

import (
	"slices"
	"strings"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Indicator is what queries are in native form. One of its fields but By is set.
type Indicator struct {
	Ratio   *slo.Ratio
	Latency *Latency
	Bool    string
	Sampled *slo.Sampled
	By      []string // labels: group_by
}

// FromEvents returns the indicator of a query of bad or of good events, and one of all events. It
// returns nil if a query is missing, or has no native form, which is reported at its place.
func FromEvents(bad, good, total *Query) *Indicator {
	part := bad
	if part == nil {
		part = good
	}
	if part == nil || total == nil {
		return nil
	}
	r, p := eventsOf(part, total)
	var i *Indicator
	if p == nil {
		i, p = counted(r, part, part == bad)
	}
	if p != nil {
		i, p = sampledEvents(bad, good, total, p)
	} else {
		part.tell()
		total.tell()
	}
	p.report()
	return i
}

func eventsOf(part, total *Query) (r ratio, p *problem) {
	if r.part, p = part.sum(); p != nil {
		return r, p
	}
	r.total, p = total.sum()
	return r, p
}

// FromRatio returns the indicator of a query of the share of bad events, or of good ones. It
// returns nil if there is no query, or it has no native form, which is reported at its place.
func FromRatio(q *Query, success bool) *Indicator {
	if q == nil {
		return nil
	}
	r, p := q.ratioOf(q.expr)
	bad := success == r.other
	var i *Indicator
	switch {
	case p != nil:
	case r.condition != "" && bad:
		i = &Indicator{Bool: opposite(r.condition)}
	case r.condition != "":
		i = &Indicator{Bool: r.condition}
	case r.latency != nil && bad:
		p = q.fail(0, "the bad events are those that are fast")
	case r.latency != nil:
		i = &Indicator{Latency: r.latency, By: r.total.by}
	default:
		i, p = counted(r, q, bad)
	}
	if p != nil {
		i, p = sampledRatio(q, success, p)
	} else {
		q.tell()
	}
	p.report()
	return i
}

// counted is a ratio of counters as a native ratio or latency. Bad is whether its part is the bad
// events.
func counted(r ratio, part *Query, bad bool) (*Indicator, *problem) {
	if !slices.Equal(r.part.by, r.total.by) && !r.part.whole && !r.total.whole {
		return nil, part.fail(0, "the part and the total have other labels: %v and %v", r.part.by, r.total.by)
	}
	terms := r.part.terms
	if rest, ok := difference(terms, r.total.terms); ok {
		terms, bad = rest, !bad
	}
	by := r.total.by
	switch {
	case part.options.PerGroup && len(by) > 0:
		part.warn(part.expr, "of the groups by %v the worst counts; postburn has a history for each (group_by)", by)
	case part.options.PerGroup && r.part.whole && r.total.whole:
		part.warn(part.expr, "without sum() the worst series counts; postburn counts all together")
	}
	if !bad {
		if l := latencyOf(terms, r.total.terms); l != nil {
			return &Indicator{Latency: l, By: by}, nil
		}
	}
	text, ok := native(terms)
	all, alsoOK := native(r.total.terms)
	if !ok || !alsoOK {
		return nil, part.fail(0, "a sum needs a counter that is not subtracted")
	}
	if p := part.refused(text, all); p != nil {
		return nil, p
	}
	if bad {
		return &Indicator{Ratio: &slo.Ratio{Bad: text, Total: all}, By: by}, nil
	}
	return &Indicator{Ratio: &slo.Ratio{Good: text, Total: all}, By: by}, nil
}

// refused returns why fields of counters have no counters, by their names. What a format says to be
// counters is not measured instead: that is an error of the native form.
func (q *Query) refused(fields ...string) *problem {
	for _, text := range fields {
		if _, err := promql.Counters("it", text); err != nil && !q.options.Counter {
			return q.fail(0, "%s", strings.TrimPrefix(err.Error(), "it: "))
		}
	}
	return nil
}

// difference returns what is subtracted if terms are all events without it: `total - good` is the
// good events.
func difference(terms, total []promql.Term) (rest []promql.Term, ok bool) {
	plus, minus := split(terms)
	_, fewer := split(total)
	return minus, len(minus) > 0 && len(fewer) == 0 && equal(plus, total)
}

// Write sets the keys of an indicator. Part and total are what they were made from.
func (i *Indicator) Write(s *config.SLO, part, total config.Node) {
	switch {
	case i.Ratio != nil:
		for _, k := range []struct {
			key, value string
			from       config.Node
		}{{"bad", i.Ratio.Bad, part}, {"good", i.Ratio.Good, part}, {"total", i.Ratio.Total, total}} {
			if k.value != "" {
				s.Set("indicator.ratio."+k.key, k.value, k.from)
			}
		}
	case i.Latency != nil:
		s.Set("indicator.latency.histogram", i.Latency.Histogram, total)
		s.Set("indicator.latency.threshold", i.Latency.Threshold, part)
		if i.Latency.Unit != "" {
			s.Set("indicator.latency.unit", i.Latency.Unit, total)
		}
	case i.Bool != "":
		s.Set("indicator.bool", i.Bool, part)
	case i.Sampled.ErrorRatio != "":
		s.Set("indicator.sampled.error_ratio", i.Sampled.ErrorRatio, part)
	default:
		s.Set("indicator.sampled.bad", i.Sampled.Bad, part)
		s.Set("indicator.sampled.total", i.Sampled.Total, total)
	}
	if len(i.By) > 0 {
		s.Set("group_by", i.By, total)
	}
}
