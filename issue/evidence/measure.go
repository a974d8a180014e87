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

// The measure. A part of the events stands out if all of these hold; see docs/evidence-measured.md.
const (
	minBad       = 20   // bad events in the window, and unusual ones among them
	leastUnusual = 0.5  // share of bad events that are unusual
	cover        = 0.75 // share of the unusual bad events that are in the part
	contrast     = 5    // the part's unusual error ratio, as a multiple of the rest's
	mostTraffic  = 0.9  // share of the events that are in the part
	surprise     = 20   // log likelihood ratio (times 2) gained by the split, less its choice's cost
	maxValues    = 5    // of one label in a part
	maxClauses   = 3    // that describe a part
	material     = 0.03 // share of the unusual bad events that a value must have to be named
	usualWeight  = 20   // usual events added to those that a leaf had before the window
	alike        = 0.03 // splits whose gains differ by no more are taken as equal
)

var errDiffers = errors.New("the counts by label do not add up to those of the breach")

// leaf is the events of one combination of label values, such as route="/cart", pod="b".
type leaf struct {
	key        slo.Labels
	labels     map[string]string
	in, before slo.Counts
	unusual    float64 // bad events beyond what the error ratio before would have made
}

// part is a part of the events that stands out.
type part struct {
	where []issue.Clause
	in    slo.Counts
}

// standsOut finds the part of the events that holds most of the bad ones, clause by clause: first
// the label and values that best tell bad events from good ones, then the same again among what
// they leave. It finds one part at most.
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

// best returns the split with the highest gain. Among equal ones it prefers few values, then a
// label with few values, then one that is no address.
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
		return cmp.Or(cmp.Compare(len(a.values), len(b.values)), cmp.Compare(a.all, b.all), cmp.Compare(addresses(a.label), addresses(b.label)), cmp.Compare(a.label, b.label))
	}), true
}

// addresses returns 1 for the label that has targets' addresses. Where another one says the same,
// such as a pod's name, people know that.
func addresses(label string) int {
	if label == "instance" {
		return 1
	}
	return 0
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

// synonyms returns the labels that say the same: those with a value that all of the part has, and
// nothing else.
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

// likelihood returns the logarithm of the tally's likelihood at its own ratio.
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
