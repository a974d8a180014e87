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

// Objectives are often alike: the same metric, of one service each. Then one arm can ask about all
// of them, as group_by does, which costs Prometheus less: it looks up the series of one selector,
// and has fewer arms to join.

// family is what a counter's queries have in common with others.
type family struct {
	shape   [sha256.Size]byte // of the arms without the matchers that may differ; equal for all of the family
	fixed   []equality        // those matchers, ordered by label; for all of the family of the same labels
	counter *counter
	write   func(*counter) []arm
}

// equality is a label that all selectors of a counter demand to have the same value.
type equality struct{ label, value string }

// shared makes a query that can be asked together with those of counters that are alike.
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

// fixed are the labels for which every selector has one matcher, of equality, with the same value,
// and which group_by does not name.
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

func (c *counter) selectors() (all []*parser.VectorSelector) {
	for _, g := range c.groups {
		all = append(all, g.selectors...)
	}
	return all
}

// matching is a counter whose selectors have other matchers; nil drops one.
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

// covering writes the arms of a family for several values of a label, by which their values are
// told apart.
func (f *family) covering(label string, values []string) []arm {
	one := anyOf(label, values)
	c := f.counter.matching(func(m *labels.Matcher) *labels.Matcher {
		if m.Name == label {
			return one
		}
		return m
	})
	c.groupBy = slices.Concat(c.groupBy, []string{label})
	return f.write(c)
}

// reunite sorts queries into those that can be asked in the same arms: of one family, and equal but
// for one label.
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

// splitFamily finds the label that differs in most members of a family, and sorts them into those
// that differ in no other.
func splitFamily(queries []query, members []int) (parts []part) {
	if len(members) == 0 {
		return nil
	}
	var label int
	var best [][]int
	for at := range queries[members[0]].family.fixed {
		byOthers := map[string]int{}
		var sorted [][]int
		for _, n := range members {
			var others strings.Builder
			for i, e := range queries[n].family.fixed {
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
		if best == nil || len(sorted) < len(best) {
			label, best = at, sorted
		}
	}
	for _, alike := range best {
		first := queries[alike[0]]
		p := part{arms: first.arms, owners: map[string][]int{}}
		for _, n := range alike {
			value := queries[n].family.fixed[label].value
			p.owners[value] = append(p.owners[value], n)
		}
		if len(p.owners) == 1 {
			p.owners = map[string][]int{"": alike}
		} else {
			p.label = first.family.fixed[label].label
			p.arms = first.family.covering(p.label, slices.Sorted(maps.Keys(p.owners)))
		}
		parts = append(parts, p)
	}
	return parts
}
