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
type Query []arm

// arm is a part of a query.
type arm struct {
	expr string
	tag  string // what its values are
}

// tagged makes an arm; part is empty where the tag says all.
func tagged(expr, tag, part string) arm {
	if part != "" {
		tag += "/" + part
	}
	return arm{expr, tag}
}

// Join writes queries as one. An `or` of many arms copies what is on its left once an arm, so they are joined in pairs, and pairs of
// pairs.
func Join(queries []Query) string {
	var b strings.Builder
	var arms []string
	for i, q := range queries {
		for _, a := range q {
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

// Split sorts the points of an answer by the query that they are of: one of n that were joined. It returns an error that wraps ErrAnswer
// where a point has no mark of one of them.
func Split(points []Point, n int) ([][]Point, error) {
	split := make([][]Point, n)
	for _, p := range points {
		number, tag, _ := strings.Cut(p.Tag, "/")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= n || tag == "" {
			return nil, fmt.Errorf("%w: a value without the mark of its part", ErrAnswer)
		}
		p.Tag = tag
		split[i] = append(split[i], p)
	}
	return split, nil
}
