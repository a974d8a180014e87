package prom

import (
	"fmt"
	"strconv"
	"strings"
)

// markLabel tells the arms of a query apart. Its value is the query's number, and the arm: the
// role, the group's number, and what is asked of it. No series has a label with that name, as
// Prometheus drops labels that begin with two underscores.
const markLabel = "__postburn__"

// query is a question about one objective at a tick, in arms that mark their values.
type query struct {
	arms   []arm
	family *family // the queries that it can be asked together with; nil: none
}

// arm is a part of a query.
type arm struct {
	expr string
	tag  string // what its values are
}

// tagged makes an arm for a part of a group.
func tagged(expr, group, part string) arm { return arm{expr, group + "/" + part} }

// joint is several queries asked as one.
type joint struct {
	n     int // queries
	parts []part
}

// part is the arms of one query, or of several that differ only in one label's value.
type part struct {
	arms   []arm
	label  string           // its value tells the points apart; empty: they belong to one query, or to equal ones
	owners map[string][]int // the numbers of the queries, by that value
}

// join makes one query of several. Queries of one family share their arms, and equal ones are asked
// once.
func join(queries []query) joint {
	return joint{n: len(queries), parts: reunite(queries)}
}

// String returns the PromQL. An `or` of many arms copies its left side once an arm, so it joins
// them in pairs, and pairs of pairs.
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

// split sorts an answer's points by their query. It returns an error that wraps errAnswer if a
// point has no query's mark.
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
