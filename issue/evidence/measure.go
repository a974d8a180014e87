package evidence

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// The measure. A part of the events stands out where all of these hold; docs/evidence.md explains them.
const (
	minBad       = 20   // bad events of the window, and of those that are more than usual
	leastUnusual = 0.5  // share of the bad events that are more than usual
	cover        = 0.75 // share of the unusual bad events that are in the part
	contrast     = 5    // how many times the unusual error ratio of the rest is that of the part
	mostTraffic  = 0.9  // share of the events that are in the part
	surprise     = 20   // log likelihood ratio (times 2) that the split gains, beside what choosing it costs
	maxValues    = 5    // of one label in a part
	maxClauses   = 3    // that a part is described by
	material     = 0.03 // share of the unusual bad events that a value has at least to be named
	usualWeight  = 20   // events of the usual error ratio that are added to a leaf's own before the window
	alike        = 0.03 // by how much the gains of two splits differ at most for them to be taken as the same
)

var errDiffers = errors.New("the counts by label do not add up to those of the breach")

// leaf is the events of one combination of label values.
type leaf struct {
	key        slo.Labels
	labels     map[string]string
	in, before slo.Counts
	unusual    float64 // bad events in the window beyond what the error ratio before would have made
}

// part is a part of the events that stands out.
type part struct {
	where []issue.Clause
	in    slo.Counts
}

// standsOut finds the part of the events that holds most of the bad ones, clause by clause: the label and values that tell best between
// good and bad, and then the same again among what they leave. At most one part is found; none where nothing stands out.
func standsOut(leaves []leaf, names []string) []part {
	all, unusual := counted(leaves), 0.0
	usual := usualRatio(leaves)
	for i := range leaves {
		l := &leaves[i]
		ratio := (l.before.Bad + usual*usualWeight) / (l.before.Total + usualWeight)
		l.unusual = max(0, l.in.Bad-ratio*l.in.Total)
		unusual += l.unusual
	}
	if all.Bad < minBad || unusual < minBad || unusual < leastUnusual*all.Bad {
		return nil
	}
	var where []issue.Clause
	rest := leaves
	for len(where) < maxClauses {
		s, ok := best(rest, names)
		if !ok {
			break
		}
		inside := s.of(rest)
		where = append(where, issue.Clause{Label: s.label, Values: s.values, Of: s.all, Also: synonyms(rest, inside, s, names)})
		rest = inside
	}
	if len(where) == 0 {
		return nil
	}
	return []part{{where, counted(rest)}}
}

// split is some values of a label.
type split struct {
	label  string
	values []string // sorted
	all    int      // how many values there are
	gain   float64  // log likelihood ratio, times 2
}

func (s split) of(leaves []leaf) (inside []leaf) {
	for _, l := range leaves {
		if slices.Contains(s.values, l.labels[s.label]) {
			inside = append(inside, l)
		}
	}
	return inside
}

// best is the split that gains most; of those that gain the same, the one that needs fewest values, then of the label with fewest.
func best(leaves []leaf, names []string) (found split, ok bool) {
	var all []split
	most := 0.0
	for _, name := range names {
		if s, ok := bestOf(leaves, name); ok {
			all = append(all, s)
			most = max(most, s.gain)
		}
	}
	all = slices.DeleteFunc(all, func(s split) bool { return s.gain < most*(1-alike) })
	if len(all) == 0 {
		return split{}, false
	}
	return slices.MinFunc(all, func(a, b split) int {
		return cmp.Or(cmp.Compare(len(a.values), len(b.values)), cmp.Compare(a.all, b.all), cmp.Compare(a.label, b.label))
	}), true
}

// bestOf is the best split by one label.
func bestOf(leaves []leaf, name string) (found split, ok bool) {
	byValue := map[string]tally{}
	var all tally
	for _, l := range leaves {
		if l.in.Total > 0 {
			v := l.labels[name]
			byValue[v] = byValue[v].add(l)
			all = all.add(l)
		}
	}
	ordered := slices.SortedFunc(maps.Keys(byValue), func(a, b string) int {
		return cmp.Or(-cmp.Compare(byValue[a].ratio(), byValue[b].ratio()), cmp.Compare(a, b))
	})
	ordered = slices.DeleteFunc(ordered, func(v string) bool { return byValue[v].bad < material*all.bad })
	var in tally
	n := len(byValue)
	for k := 1; k <= min(maxValues, n/2, len(ordered)); k++ {
		v := byValue[ordered[k-1]]
		in = tally{in.bad + v.bad, in.total + v.total}
		out := tally{all.bad - in.bad, all.total - in.total}
		gain := 2 * (in.likelihood() + out.likelihood() - all.likelihood())
		switch {
		case in.bad < cover*all.bad, in.ratio() < contrast*out.ratio(), in.total > mostTraffic*all.total,
			gain < 2*logChoose(n, k)+surprise:
			continue
		}
		if !ok || gain > found.gain {
			values := slices.Sorted(slices.Values(ordered[:k]))
			found, ok = split{label: name, values: values, all: n, gain: gain}, true
		}
	}
	return found, ok && !slices.Contains(found.values, "")
}

// synonyms are the labels by which the same part could be told: they have one value in it that nothing else has.
func synonyms(leaves, inside []leaf, s split, names []string) (same []issue.Label) {
	if len(s.values) > 1 {
		return nil
	}
	for _, name := range names {
		v := inside[0].labels[name]
		other := split{label: name, values: []string{v}}
		if name != s.label && v != "" && len(other.of(inside)) == len(inside) && len(other.of(leaves)) == len(inside) {
			same = append(same, issue.Label{Name: name, Value: v})
		}
	}
	return same
}

// tally is unusual bad events out of all.
type tally struct{ bad, total float64 }

func (t tally) add(l leaf) tally { return tally{t.bad + l.unusual, t.total + l.in.Total} }

func (t tally) ratio() float64 {
	if t.total <= 0 {
		return 0
	}
	return t.bad / t.total
}

// likelihood is the logarithm of that of the tally, at its own ratio.
func (t tally) likelihood() float64 {
	r := t.ratio()
	if r <= 0 || r >= 1 {
		return 0
	}
	return t.bad*math.Log(r) + (t.total-t.bad)*math.Log(1-r)
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	chosen, _ := math.Lgamma(float64(k + 1))
	left, _ := math.Lgamma(float64(n - k + 1))
	return all - chosen - left
}

// usualRatio is the error ratio of all leaves before the window.
func usualRatio(leaves []leaf) float64 {
	var before slo.Counts
	for _, l := range leaves {
		before = before.Add(l.before)
	}
	return before.ErrorRatio()
}

// counted is what was counted in the window.
func counted(leaves []leaf) (all slo.Counts) {
	for _, l := range leaves {
		all = all.Add(l.in)
	}
	return all
}
