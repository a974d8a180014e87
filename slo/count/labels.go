package count

import (
	"maps"
	"slices"
	"strings"

	"github.com/postburn/postburn/slo"
)

// names are the names of some labels, sorted, and as one text.
type names struct {
	each []string
	text string
}

func namesOf(labels map[string]string) names { return newNames(slices.Sorted(maps.Keys(labels))) }

func newNames(sorted []string) names { return names{sorted, strings.Join(sorted, "\xff")} }

// in reports whether labels have these names, and no others.
func (n names) in(labels map[string]string) bool {
	return len(n.each) == len(labels) && !slices.ContainsFunc(n.each, func(name string) bool { _, has := labels[name]; return !has })
}

// memory is what was worked out from a series' labels.
type memory struct {
	names names
	parts []part
}

// part is a series' labels with some names.
type part struct {
	of   string     // the names
	text string     // with its names; no two are alike
	has  bool       // all of them
	rest slo.Labels // its others
}

// Prepare makes series remember what is worked out from their labels: once for all worlds that have
// them, or copies of them. Only one goroutine at a time may count these.
func Prepare(series []Series) {
	memories := make([]memory, len(series))
	for i := range series {
		m := &memories[i]
		if i > 0 && memories[i-1].names.in(series[i].Labels) {
			m.names = memories[i-1].names
		} else {
			m.names = namesOf(series[i].Labels)
		}
		series[i].memory = m
	}
}

func (s *Series) names() names {
	if s.memory != nil {
		return s.memory.names
	}
	return namesOf(s.Labels)
}

// under returns the series' labels with some names, and its others.
func (s *Series) under(of names) part {
	if s.memory == nil {
		return partOf(s.Labels, of)
	}
	for _, p := range s.memory.parts {
		if p.of == of.text {
			return p
		}
	}
	p := partOf(s.Labels, of)
	s.memory.parts = append(s.memory.parts, p)
	return p
}

func partOf(labels map[string]string, of names) part {
	size := 0
	for _, name := range of.each {
		v, has := labels[name]
		if !has {
			return part{of: of.text}
		}
		size += len(name) + len(v) + 2
	}
	var b strings.Builder
	b.Grow(size)
	for _, name := range of.each {
		b.WriteString(name)
		b.WriteByte('\xff')
		b.WriteString(labels[name])
		b.WriteByte('\xff')
	}
	rest := make([]string, 0, len(labels)-len(of.each))
	for name := range labels {
		if !slices.Contains(of.each, name) {
			rest = append(rest, name)
		}
	}
	return part{of.text, b.String(), true, slo.PickLabels(labels, rest)}
}

// index finds the target of a series: the `up` series whose labels it all has.
type index struct {
	names  []names                      // that `up` series have, the most first
	labels map[string]map[string]string // by their text
}

func newIndex(up []Series) index {
	x := index{labels: map[string]map[string]string{}}
	known := map[string]bool{}
	for _, s := range up {
		n := s.names()
		if !known[n.text] {
			known[n.text] = true
			x.names = append(x.names, n)
		}
		x.labels[s.under(n).text] = s.Labels
	}
	slices.SortStableFunc(x.names, func(a, b names) int { return len(b.each) - len(a.each) })
	return x
}

// of returns the labels of the `up` series of a series' target; nil if there is none. If several
// fit, it takes the one with the most labels.
func (x index) of(s *Series) (labels map[string]string, n names) {
	for _, n := range x.names {
		if p := s.under(n); p.has {
			if labels := x.labels[p.text]; labels != nil {
				return labels, n
			}
		}
	}
	return nil, names{}
}
