package count

import (
	"maps"
	"slices"
	"strings"
)

// index finds the target of a series by its labels: the `up` series that has no other ones.
type index struct {
	names  [][]string                   // the sets of label names that `up` has, longest first
	labels map[string]map[string]string // by what project makes of them
}

func newIndex(up []Series) index {
	x := index{labels: map[string]map[string]string{}}
	sets := map[string]bool{}
	for _, s := range up {
		names := slices.Sorted(maps.Keys(s.Labels))
		if set := strings.Join(names, "\xff"); !sets[set] {
			sets[set] = true
			x.names = append(x.names, names)
		}
		key, _ := project(s.Labels, names)
		x.labels[key] = s.Labels
	}
	slices.SortStableFunc(x.names, func(a, b []string) int { return len(b) - len(a) })
	return x
}

// of is the labels of the `up` series whose target a series is of; nil where there is none. Of
// several it is the one with the most labels.
func (x index) of(series map[string]string) map[string]string {
	for _, names := range x.names {
		if key, ok := project(series, names); ok {
			if labels := x.labels[key]; labels != nil {
				return labels
			}
		}
	}
	return nil
}

// project writes the labels of some names as one text; ok is false where one of them is missing.
func project(labels map[string]string, names []string) (text string, ok bool) {
	var b strings.Builder
	for _, name := range names {
		v, has := labels[name]
		if !has {
			return "", false
		}
		b.WriteString(name + "\xff" + v + "\xff")
	}
	return b.String(), true
}
