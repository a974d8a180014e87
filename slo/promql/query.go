package promql

import (
	"fmt"
	"strconv"
	"strings"
)

// MarkLabel tells the arms of a query apart. Its value is the number of the query, and the arm: the role, the number of the group, and
// what of it is asked. No series has a label of that name, as Prometheus drops those that begin with two underscores.
const MarkLabel = "__postburn__"

// Query is what is asked about one objective at a tick: arms whose values are told apart.
type Query struct {
	arms   []arm
	family *family // of the queries that it can be asked together with; nil: there are none
}

// arm is a part of a query.
type arm struct {
	expr string
	tag  string // what its values are
}

func newQuery(arms ...arm) Query { return Query{arms: arms} }

// Empty reports whether there is nothing to ask.
func (q Query) Empty() bool { return len(q.arms) == 0 }

// tagged makes an arm; part is empty where the tag says all.
func tagged(expr, tag, part string) arm {
	if part != "" {
		tag += "/" + part
	}
	return arm{expr, tag}
}

// Joint is several queries that are asked as one.
type Joint struct {
	n     int // queries
	parts []part
}

// part is the arms of one query, or of several that differ in the value of one label alone.
type part struct {
	arms   []arm
	label  string           // by whose value the points are told apart; empty: they are of one query, or of equal ones
	owners map[string][]int // the numbers of the queries, by that value
}

// Join makes one query of several. Those of one family are asked in the same arms, and equal ones once.
func Join(queries []Query) Joint {
	return Joint{n: len(queries), parts: reunite(queries)}
}

// String is the PromQL. An `or` of many arms copies what is on its left once an arm, so they are joined in pairs, and pairs of pairs.
func (j Joint) String() string {
	var b strings.Builder
	var arms []string
	for i, p := range j.parts {
		for _, a := range p.arms {
			b.Reset()
			b.WriteString("label_replace(")
			b.WriteString(a.expr)
			b.WriteString(`, "` + MarkLabel + `", "`)
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

// Split sorts the points of an answer by the query that they are of. It returns an error that wraps ErrAnswer where a point has no mark of
// one of them.
func (j Joint) Split(points []Point) ([][]Point, error) {
	split := make([][]Point, j.n)
	for _, p := range points {
		number, tag, _ := strings.Cut(p.Tag, "/")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= len(j.parts) || tag == "" {
			return nil, fmt.Errorf("%w: a value without the mark of its part", ErrAnswer)
		}
		value := ""
		if label := j.parts[i].label; label != "" {
			value = p.Labels[label]
		}
		owners := j.parts[i].owners[value]
		if len(owners) == 0 {
			return nil, fmt.Errorf("%w: a value of the label %s that was not asked for", ErrAnswer, j.parts[i].label)
		}
		p.Tag = tag
		for _, n := range owners {
			split[n] = append(split[n], p)
		}
	}
	return split, nil
}
