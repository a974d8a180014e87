package promql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// graphRange is how far back each point of a Graph looks.
const graphRange = "5m"

// Graph returns PromQL with which people can look at an objective in Prometheus or Grafana: its
// error ratio over the 5 minutes before each point, for one label set. It is for looking, not for
// counting: rate() extrapolates, and a latency's needs a bucket of its threshold. For example
//
//	sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
func Graph(o slo.Objective, set slo.Labels) (string, error) {
	return ratioOver(o, rates(set, graphRange))
}

// RatioOver is like Graph, for another length than 5 minutes. What is measured once a tick is as in
// Graph.
func RatioOver(length time.Duration, o slo.Objective, set slo.Labels) (string, error) {
	return ratioOver(o, rates(set, slo.FormatDuration(length)))
}

// Counted returns PromQL for the bad events and the total of a label set, in a time up to an end.
// It is for looking, as Graph is. Both are empty for what is measured once a tick.
func Counted(length time.Duration, end time.Time, o slo.Objective, set slo.Labels) (bad, total string, err error) {
	g := grapher{by: set.Map(), call: "increase", over: "[" + slo.FormatDuration(length) + "]" + at(end)}
	switch i := o.Indicator; {
	case i.Ratio != nil:
		return g.counts(*i.Ratio)
	case i.Latency != nil:
		return g.slow(*i.Latency)
	}
	return "", "", nil
}

func ratioOver(o slo.Objective, g grapher) (string, error) {
	switch i := o.Indicator; {
	case i.Ratio != nil:
		return g.ratio(*i.Ratio)
	case i.Latency != nil:
		return g.latency(*i.Latency)
	case i.Sampled != nil && i.Sampled.ErrorRatio != "":
		return Numbers("error_ratio", i.Sampled.ErrorRatio)
	case i.Sampled != nil:
		return fmt.Sprintf("sum(%s) / sum(%s)", i.Sampled.Bad, i.Sampled.Total), nil
	}
	return Numbers("bool", o.Indicator.Bool) // as it was written
}

// grapher writes queries for one label set.
type grapher struct {
	by         map[string]string
	call, over string // "rate" and "[5m]"
}

// rates writes events a second.
func rates(set slo.Labels, over string) grapher {
	return grapher{by: set.Map(), call: "rate", over: "[" + over + "]"}
}

func (g grapher) ratio(r slo.Ratio) (string, error) {
	total, err := g.rates("total", r.Total)
	if err != nil {
		return "", err
	}
	part, err := g.rates("bad", r.Bad)
	if r.Bad == "" {
		part, err = g.rates("good", r.Good)
	}
	if err != nil {
		return "", err
	}
	if r.Bad == "" {
		return "1 - " + part + " / " + total, nil
	}
	return part + " / " + total, nil
}

func (g grapher) counts(r slo.Ratio) (bad, total string, err error) {
	if total, err = g.rates("total", r.Total); err != nil {
		return "", "", err
	}
	if r.Bad != "" {
		bad, err = g.rates("bad", r.Bad)
		return bad, total, err
	}
	good, err := g.rates("good", r.Good)
	return total + " - " + good, total, err
}

// rates writes the events a second of a field of counters.
func (g grapher) rates(field, text string) (string, error) {
	terms, err := Counters(field, text)
	if err != nil {
		return "", err
	}
	var sum strings.Builder
	for i, t := range terms {
		switch {
		case t.Minus:
			sum.WriteString(" - ")
		case i > 0:
			sum.WriteString(" + ")
		}
		sum.WriteString(g.rate(t.Selectors, ""))
	}
	if len(terms) > 1 {
		return "(" + sum.String() + ")", nil
	}
	return sum.String(), nil
}

// rate writes the events a second of selectors whose series count once.
func (g grapher) rate(selectors []*parser.VectorSelector, suffix string, more ...*labels.Matcher) string {
	arms := make([]string, 0, len(selectors))
	for _, s := range selectors {
		if suffix != "" {
			s = Renamed(s, Name(s)+suffix)
		}
		arms = append(arms, g.call+"("+Text(s, append(g.matchers(), more...)...)+g.over+")")
	}
	return "sum(" + strings.Join(arms, " or ") + ")"
}

// matchers select the label set.
func (g grapher) matchers() (all []*labels.Matcher) {
	names := make([]string, 0, len(g.by))
	for name := range g.by {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, labels.MustNewMatcher(labels.MatchEqual, name, g.by[name]))
	}
	return all
}

// latency writes the share of events that took longer than the threshold.
func (g grapher) latency(l slo.Latency) (string, error) {
	quick, all, err := g.buckets(l)
	return "1 - " + quick + " / " + all, err
}

func (g grapher) slow(l slo.Latency) (bad, total string, err error) {
	quick, all, err := g.buckets(l)
	return all + " - " + quick, all, err
}

// buckets writes the events that took at most the threshold, and all.
func (g grapher) buckets(l slo.Latency) (quick, all string, err error) {
	selectors, err := Histograms(l.Histogram)
	if err != nil {
		return "", "", err
	}
	unit := l.Unit
	if unit == 0 {
		unit = time.Second
	}
	bound := strconv.FormatFloat(float64(l.Threshold)/float64(unit), 'f', -1, 64)
	le := labels.MustNewMatcher(labels.MatchEqual, labels.BucketLabel, bound)
	if !strings.Contains(bound, ".") { // Prometheus 3 and OpenMetrics write 1.0
		le = labels.MustNewMatcher(labels.MatchRegexp, labels.BucketLabel, bound+`(\.0)?`)
	}
	return g.rate(selectors, "_bucket", le), g.rate(selectors, "_count"), nil
}

// Quantile returns PromQL for the time that all but so many of a latency's events took: 0.99 is the
// 99th percentile, over the 5 minutes before each point.
func Quantile(quantile float64, l slo.Latency, set slo.Labels) (string, error) {
	return quantileOf(quantile, l, rates(set, graphRange))
}

// QuantileOver is like Quantile, for a time up to an end.
func QuantileOver(length time.Duration, end time.Time, quantile float64, l slo.Latency, set slo.Labels) (string, error) {
	g := rates(set, slo.FormatDuration(length))
	g.over += at(end)
	return quantileOf(quantile, l, g)
}

// at makes a selector look at a time, whenever it is asked.
func at(end time.Time) string {
	return " @ " + strconv.FormatFloat(float64(end.UnixMilli())/1000, 'f', -1, 64)
}

func quantileOf(quantile float64, l slo.Latency, g grapher) (string, error) {
	selectors, err := Histograms(l.Histogram)
	if err != nil {
		return "", err
	}
	inner := strings.TrimPrefix(g.rate(selectors, "_bucket"), "sum")
	return fmt.Sprintf("histogram_quantile(%s, sum by (le) %s)", strconv.FormatFloat(quantile, 'f', -1, 64), inner), nil
}
