package prom

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Objectives are often alike: the same metric, for one service each. Then one arm can ask about all
// of them, as group_by does. That costs Prometheus less: it looks up the series of one selector,
// and has fewer arms to join.

// family is what a counter's queries have in common with others.
type family struct {
	shape   [sha256.Size]byte // hash of the arms without the matchers that may differ; equal in a family
	fixed   []equality        // those matchers, ordered by label; all of a family have the same labels
	counter *counter
	write   func(*counter) []arm
}

// equality is a label that all selectors of a counter demand to have the same value.
type equality struct{ label, value string }

// shared makes a query that can be asked together with the queries of similar counters.
func (c *counter) shared(write func(*counter) []arm) query {
	q := query{arms: write(c)}
	fixed := c.fixed()
	if len(fixed) == 0 {
		return q
	}
	hash := sha256.New()
	bare := c.matching(func(m *labels.Matcher) *labels.Matcher {
		if slices.ContainsFunc(fixed, func(e equality) bool { return e.label == m.Name }) {
			return nil
		}
		return m
	})
	for _, a := range write(bare) {
		hash.Write([]byte(a.tag + "\xff" + a.expr + "\xff"))
	}
	for _, e := range fixed {
		hash.Write([]byte(e.label + "\xff"))
	}
	q.family = &family{shape: [sha256.Size]byte(hash.Sum(nil)), fixed: fixed, counter: c, write: write}
	return q
}

// fixed returns the labels, except group_by's, for which every selector has exactly one matcher, an
// equality with the same value.
func (c *counter) fixed() (found []equality) {
	for i, s := range c.selectors() {
		own := map[string][]*labels.Matcher{}
		for _, m := range s.LabelMatchers {
			own[m.Name] = append(own[m.Name], m)
		}
		fits := func(e equality) bool {
			all := own[e.label]
			return len(all) == 1 && all[0].Type == labels.MatchEqual && all[0].Value == e.value
		}
		if i > 0 {
			found = slices.DeleteFunc(found, func(e equality) bool { return !fits(e) })
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			e := equality{name, own[name][0].Value}
			if e.value != "" && name != model.MetricNameLabel && fits(e) && !slices.Contains(c.groupBy, name) {
				found = append(found, e)
			}
		}
	}
	return found
}

func (all groups) selectors() (found []*parser.VectorSelector) {
	for _, g := range all {
		found = append(found, g.selectors...)
	}
	return found
}

// matching returns a counter with other matchers in its selectors; nil drops one.
func (c *counter) matching(other func(*labels.Matcher) *labels.Matcher) *counter {
	change := func(all []*parser.VectorSelector) []*parser.VectorSelector {
		changed := make([]*parser.VectorSelector, len(all))
		for i, s := range all {
			changed[i] = &parser.VectorSelector{Name: s.Name}
			for _, m := range s.LabelMatchers {
				if o := other(m); o != nil {
					changed[i].LabelMatchers = append(changed[i].LabelMatchers, o)
				}
			}
		}
		return changed
	}
	changed := c.changed(func(h *histogram, _ string) { h.selectors = change(h.selectors) })
	for i := range changed.groups {
		changed.groups[i].selectors = change(changed.groups[i].selectors)
	}
	return changed
}

// withAny returns a counter with selectors that take any of several values of a label.
func (c *counter) withAny(label string, values []string) *counter {
	one := labels.MustNewMatcher(labels.MatchRegexp, label, anyValue(values))
	return c.matching(func(m *labels.Matcher) *labels.Matcher {
		if m.Name == label {
			return one
		}
		return m
	})
}

// covering writes the arms of a family for several values of a label, which tells the results
// apart.
func (f *family) covering(label string, values []string) []arm {
	c := f.counter.withAny(label, values)
	c.groupBy = slices.Concat(c.groupBy, []string{label})
	return f.write(c)
}

// reunite groups queries that can share their arms: of one family, and equal except for one label.
func reunite(queries []query) (parts []part) {
	families := map[[sha256.Size]byte][]int{}
	for i, q := range queries {
		if q.family != nil {
			families[q.family.shape] = append(families[q.family.shape], i)
		}
	}
	for i, q := range queries {
		if q.family == nil {
			parts = append(parts, part{arms: q.arms, owners: map[string][]int{"": {i}}})
			continue
		}
		members := families[q.family.shape]
		delete(families, q.family.shape)
		parts = append(parts, splitFamily(queries, members)...)
	}
	return parts
}

// gather finds the fixed label that differs in most members of a family: its index, and the indexes
// of the members that differ in no other.
func gather(fixed [][]equality) (label int, alike [][]int) {
	for at := range fixed[0] {
		byOthers := map[string]int{}
		var sorted [][]int
		for n, own := range fixed {
			var others strings.Builder
			for i, e := range own {
				if i != at {
					others.WriteString(e.value + "\xff")
				}
			}
			i, has := byOthers[others.String()]
			if !has {
				i = len(sorted)
				byOthers[others.String()] = i
				sorted = append(sorted, nil)
			}
			sorted[i] = append(sorted[i], n)
		}
		if alike == nil || len(sorted) < len(alike) {
			label, alike = at, sorted
		}
	}
	return label, alike
}

// splitFamily groups the members of a family that can share their arms.
func splitFamily(queries []query, members []int) (parts []part) {
	if len(members) == 0 {
		return nil
	}
	fixed := make([][]equality, len(members))
	for i, n := range members {
		fixed[i] = queries[n].family.fixed
	}
	label, gathered := gather(fixed)
	for _, alike := range gathered {
		first := queries[members[alike[0]]]
		p := part{arms: first.arms, owners: map[string][]int{}}
		for _, i := range alike {
			value := fixed[i][label].value
			p.owners[value] = append(p.owners[value], members[i])
		}
		if len(p.owners) == 1 {
			p.owners = map[string][]int{"": p.owners[fixed[alike[0]][label].value]}
		} else {
			p.label = first.family.fixed[label].label
			p.arms = first.family.covering(p.label, slices.Sorted(maps.Keys(p.owners)))
		}
		parts = append(parts, p)
	}
	return parts
}
