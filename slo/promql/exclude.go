package promql

import (
	"fmt"
	"math"

	"github.com/postburn/postburn/slo"
)

// Exclusion is the condition of an objective under which work is planned.
type Exclusion struct {
	query   string
	groupBy []string
}

// NewExclusion reads an objective's `exclude`. It returns an error where that has a problem that CheckExclude finds.
func NewExclusion(o slo.Objective) (*Exclusion, error) {
	query, err := truth("exclude", o.Exclude)
	if err != nil {
		return nil, err
	}
	return &Exclusion{query: query, groupBy: o.GroupBy}, nil
}

// Query asks whether work is planned.
func (e *Exclusion) Query() Query { return newQuery(tagged(e.query, conditionTag, "")) }

// Text is the condition's PromQL, by which it is known which objectives share one.
func (e *Exclusion) Text() string { return e.query }

// Holds reports whether work is planned for a label set of the objective, by one tick's answer. A value is about all label sets that have
// its labels; those that it does not have are left open. No value, and one that is not a number, is no planned work. What is neither
// true nor false is an error.
func (e *Exclusion) Holds(points []Point, set slo.Labels) (bool, error) {
	wanted, holds := set.Map(), false
	for _, p := range points {
		switch {
		case p.Buckets != nil:
			return false, fmt.Errorf("exclude: a native histogram is neither true nor false: compare a number, as in maintenance_mode == 1")
		case math.IsNaN(p.Value) || p.Value == 0:
			continue
		case p.Value != 1:
			return false, fmt.Errorf("exclude: the value %v is neither 0 nor 1: compare it, as in maintenance_mode == 1", p.Value)
		}
		about := true
		for _, name := range e.groupBy {
			about = about && (p.Labels[name] == "" || p.Labels[name] == wanted[name])
		}
		holds = holds || about
	}
	return holds, nil
}
