package prom

import (
	"fmt"
	"strconv"
	"strings"
)

// markLabel tells the arms of a query apart. Its value is the number of the query, and the arm: the
// role, the number of the group, and what of it is asked. No series has a label of that name, as
// Prometheus drops those that begin with two underscores.
const markLabel = "__postburn__"

// query is what is asked about one objective at a tick: arms whose values are told apart.
type query struct {
	arms   []arm
	family *family // of the queries that it can be asked together with; nil: there are none
}

// arm is a part of a query.
type arm struct {
	expr string
	tag  string // what its values are
}

// tagged makes an arm of what is asked about a group.
func tagged(expr, group, part string) arm { return arm{expr, group + "/" + part} }

// joint is several queries that are asked as one.
type joint struct {
	n     int // queries
	parts []part
}

// part is the arms of one query, or of several that differ in the value of one label alone.
type part struct {
	arms   []arm
	label  string           // by whose value the points are told apart; empty: they are of one query, or of equal ones
	owners map[string][]int // the numbers of the queries, by that value
}

// join makes one query of several. Those of one family are asked in the same arms, and equal ones
// once.
func join(queries []query) joint {
	return joint{n: len(queries), parts: reunite(queries)}
}

// String is the PromQL. An `or` of many arms copies what is on its left once an arm, so they are
// joined in pairs, and pairs of pairs.
func (j joint) String() string {
	var b strings.Builder
	var arms []string
	for i, p := range j.parts {
		for _, a := range p.arms {
			b.Reset()
			b.WriteString("label_replace(")
			b.WriteString(a.expr)
			b.WriteString(`, "` + markLabel + `", "`)
			b.WriteString(strconv.Itoa(i))
			b.WriteByte('/')
			b.WriteString(a.tag)
			b.WriteString(`", "", "")`)
			arms = append(arms, b.String())
		}
	}
	b.Reset()
	writeTree(&b, arms)
	return b.String()
}

// writeTree writes `or` between arms so that each is in as few of them as possible.
func writeTree(b *strings.Builder, arms []string) {
	if len(arms) <= 2 {
		b.WriteString(strings.Join(arms, " or "))
		return
	}
	for i, half := range [][]string{arms[:len(arms)/2], arms[len(arms)/2:]} {
		if i > 0 {
			b.WriteString(" or ")
		}
		b.WriteByte('(')
		writeTree(b, half)
		b.WriteByte(')')
	}
}

// split sorts the points of an answer by the query that they are of. It returns an error that wraps
// errAnswer where a point has no mark of one of them.
func (j joint) split(points []point) ([][]point, error) {
	split := make([][]point, j.n)
	for _, p := range points {
		number, tag, _ := strings.Cut(p.Tag, "/")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= len(j.parts) || tag == "" {
			return nil, fmt.Errorf("%w: a value without the mark of its part", errAnswer)
		}
		value := ""
		if label := j.parts[i].label; label != "" {
			value = p.Labels[label]
		}
		owners := j.parts[i].owners[value]
		if len(owners) == 0 {
			return nil, fmt.Errorf("%w: a value of the label %s that was not asked for", errAnswer, j.parts[i].label)
		}
		p.Tag = tag
		for _, n := range owners {
			split[n] = append(split[n], p)
		}
	}
	return split, nil
}
