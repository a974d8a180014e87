package promcheck

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// subject is an objective that is looked at.
type subject struct {
	Subject
	*Checker
	fields    []field
	found     map[string]bool // keys about which something was found
	questions int             // asked about it alone
	err       error           // of the server
}

// role is what a field selects.
type role int

const (
	total     role = iota // all events
	good                  // good events, which are there whenever there are events
	bad                   // bad events, whose series may be yet to come
	histogram             // all events of a latency
	measured              // any PromQL with a value at each tick
	around                // any PromQL that may have no value
)

// field is a key with PromQL.
type field struct {
	key       string
	role      role
	text      string
	selectors []*parser.VectorSelector // as they are asked for: a latency's have the name of the count
	taken     []*parser.VectorSelector // without those that are subtracted
}

func (c *Checker) newSubject(about Subject) *subject {
	s := &subject{Subject: about, Checker: c, found: map[string]bool{}}
	i := about.Objective.Indicator
	switch {
	case i.Ratio != nil:
		s.addCounters("indicator.ratio.bad", bad, i.Ratio.Bad)
		s.addCounters("indicator.ratio.good", good, i.Ratio.Good)
		s.addCounters("indicator.ratio.total", total, i.Ratio.Total)
	case i.Latency != nil:
		s.addHistogram(i.Latency)
	case i.Sampled != nil:
		s.addQuery("indicator.sampled.bad", measured, i.Sampled.Bad)
		s.addQuery("indicator.sampled.total", measured, i.Sampled.Total)
		s.addQuery("indicator.sampled.error_ratio", measured, i.Sampled.ErrorRatio)
	default:
		s.addQuery("indicator.bool", measured, i.Bool)
	}
	s.addQuery("exclude", around, about.Objective.Exclude)
	for _, name := range slices.Sorted(maps.Keys(about.Evidence)) {
		s.addQuery("evidence.queries."+name, around, about.Evidence[name])
	}
	return s
}

func (s *subject) addCounters(key string, role role, text string) {
	if text == "" {
		return
	}
	terms, err := promql.Counters(key, text)
	if err != nil {
		return
	}
	f := field{key: key, role: role, text: text}
	for _, t := range terms {
		f.selectors = append(f.selectors, t.Selectors...)
		if !t.Minus {
			f.taken = append(f.taken, t.Selectors...)
		}
	}
	s.fields = append(s.fields, f)
}

func (s *subject) addHistogram(l *slo.Latency) {
	selectors, err := promql.Histograms(l.Histogram)
	if err != nil {
		return
	}
	f := field{key: "indicator.latency.histogram", role: histogram, text: l.Histogram}
	for _, one := range selectors {
		f.selectors = append(f.selectors, promql.Renamed(one, promql.Name(one)+"_count"))
	}
	f.taken = f.selectors
	s.fields = append(s.fields, f)
}

func (s *subject) addQuery(key string, role role, text string) {
	if found := promql.Selectors(text); len(found) > 0 {
		s.fields = append(s.fields, field{key: key, role: role, text: text, selectors: found, taken: found})
	}
}

// counted returns the fields of counters: bad or good events, and the total; ok is false if the
// objective is no ratio.
func (s *subject) counted() (part, all field, ok bool) {
	if len(s.fields) < 2 || s.Objective.Indicator.Ratio == nil || s.fields[1].role != total {
		return field{}, field{}, false
	}
	return s.fields[0], s.fields[1], true
}

// isCounted reports whether a field's events are counted.
func (f field) isCounted() bool { return f.role <= histogram }

// mayBeEmpty reports whether a query has a default for what is not there.
func (f field) mayBeEmpty() bool { return f.role == around || strings.Contains(f.text, " or ") }
