package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Node is a value in a file of a foreign format. It knows its place, and reports what is wrong
// there. The zero Node is a value that is not there: it has no text and no items.
type Node struct{ field field }

// Exists reports whether the value is there.
func (n Node) Exists() bool { return n.field.value != nil }

// Position is where the value is.
func (n Node) Position() Position {
	if !n.Exists() {
		return Position{}
	}
	return n.field.at()
}

// Errorf reports that the value can't be used. Nothing is reported of a value that is not there.
func (n Node) Errorf(format string, args ...any) { n.ErrorInside(0, format, args...) }

// Warnf reports that the value is likely not used as it was meant.
func (n Node) Warnf(format string, args ...any) { n.WarnInside(0, format, args...) }

// ErrorInside is like Errorf, for the byte at an offset of a text, if its place
// can be told.
func (n Node) ErrorInside(offset int, format string, args ...any) {
	n.inside(Error, offset, fmt.Sprintf(format, args...))
}

// WarnInside is like Warnf, for the byte at an offset of a text.
func (n Node) WarnInside(offset int, format string, args ...any) {
	n.inside(Warning, offset, fmt.Sprintf(format, args...))
}

func (n Node) inside(s Severity, offset int, text string) {
	if !n.Exists() || n.field.doc.isFull() {
		return
	}
	at := n.Position()
	if offset > 0 {
		at = n.field.doc.inside(n.field.value, offset)
	}
	n.field.doc.add(Problem{Position: at, Severity: s, Text: text})
}

// Text returns the value's text. What it should be is for people: "a duration like 30d". A value
// that is not a text is an error.
func (n Node) Text(like string) string {
	if !n.Exists() {
		return ""
	}
	n.field.like = like
	text, ok := n.field.scalar()
	if !ok { // also once the file has too much text
		return ""
	}
	return text
}

// Truth returns whether the value is true. A value that is neither true nor false is an error.
func (n Node) Truth() bool { return n.Exists() && n.field.truth() }

// IsText reports whether the value is a text, and not a list or a mapping.
func (n Node) IsText() bool { return n.Exists() && n.field.value.Kind == yaml.ScalarNode }

// List returns the items of a list. A value that is no list is an error.
func (n Node) List(like string) []Node {
	if !n.Exists() {
		return nil
	}
	n.field.like = like
	items, ok := n.field.list()
	if !ok {
		return nil
	}
	nodes := make([]Node, len(items))
	for i, item := range items {
		nodes[i] = Node{item}
	}
	return nodes
}

// Mapping returns the values of a mapping by their keys. A warning says of each key that is not
// known that it is not carried over; if none is known, all are fine. A value that is no mapping is
// an error.
func (n Node) Mapping(known ...string) Mapping {
	m := Mapping{of: n, values: map[string]Node{}}
	if !n.Exists() {
		return m
	}
	s := schema{of: n.field.path, path: n.field.path + "."}
	if n.field.path == "" {
		s = schema{of: "the document"}
	}
	found, _ := n.field.mapping(s)
	for key, f := range found {
		if len(known) > 0 && !slices.Contains(known, key) {
			f.doc.warnf(f.key, "%s is not carried over", quoteName(f.path))
			continue
		}
		if f.value.Kind != yaml.ScalarNode || f.value.Tag != "!!null" {
			m.values[key] = Node{f}
		}
	}
	return m
}

// Mapping is the values of a mapping in a foreign file.
type Mapping struct {
	of     Node
	values map[string]Node
}

// Get returns the value of a key; the zero Node if it is not there or null.
func (m Mapping) Get(key string) Node { return m.values[key] }

// Need is like Get. If the value is not there, that is an error, which says what to do.
func (m Mapping) Need(key, todo string) Node {
	n := m.values[key]
	if !n.Exists() && m.of.Exists() {
		m.of.Errorf("%s is missing; %s", pathIn(m.of.field.path)+key, todo)
	}
	return n
}

// Keys returns the keys whose values are there, sorted.
func (m Mapping) Keys() []string {
	keys := make([]string, 0, len(m.values))
	for key := range m.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
