package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Definition is one objective as it was read from a file: what it is, what counts as an incident of
// it, and how those are published.
type Definition struct {
	Objective slo.Objective
	Policy    alert.Policy
	Issue     issue.Settings
	Position  Position // of its name
	Places    []Place  // of values that name something outside of the file
}

// Place is where the value of a path is, such as that of indicator.ratio.bad.
type Place struct {
	Path string
	At   Position
}

// Alert is the part of the definition that the fold works with.
func (d Definition) Alert() alert.Definition {
	return alert.Definition{Objective: d.Objective, Policy: d.Policy}
}

// At is the position of a value that names something outside of the file, by its path; that of the
// definition if it is not said.
func (d Definition) At(path string) Position {
	i := slices.IndexFunc(d.Places, func(p Place) bool { return p.Path == path })
	if i < 0 {
		return d.Position
	}
	return d.Places[i].At
}

// Position is a place in a file. Line and Column count from 1, columns in characters; Line 0 means
// the file as a whole.
type Position struct {
	File   string
	Line   int
	Column int
}

// String is "file:line:column".
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Severity says whether a file can be used all the same.
type Severity int

// The severities of a problem.
const (
	Error   Severity = iota // the files can't be used
	Warning                 // they can, but it is likely not what was meant
)

// Problem is something wrong in a file.
type Problem struct {
	Position
	Severity Severity
	Text     string // what is wrong, and what would be right
	About    string // the other file that it is about; empty: none
}

// String is the line to show to people: "slo.yaml:12:9: target must be between 0 and 100 %, not
// 999".
func (p Problem) String() string {
	if p.Severity == Warning {
		return fmt.Sprintf("%s: warning: %s", p.Position, p.Text)
	}
	return fmt.Sprintf("%s: %s", p.Position, p.Text)
}

// Failed reports whether one of the problems is an error.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

// tidy orders problems by position and drops duplicates, which defaults shared by many objectives
// make.
func tidy(problems []Problem) []Problem {
	slices.SortFunc(problems, func(p, q Problem) int { return cmp.Or(p.compare(q.Position), cmp.Compare(p.Text, q.Text)) })
	seen := map[Problem]bool{}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		twice := seen[p]
		seen[p] = true
		return twice
	})
}
