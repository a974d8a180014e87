package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxWork bounds how much is read of a file, after aliases, merge keys and defaults are filled in: in bytes, and nodeWork for each key
// and value.
const (
	maxWork  = 4 * maxFile
	nodeWork = 16
)

// document reads a YAML file, and collects all that is wrong with it.
type document struct {
	name     string
	lines    []string
	widths   []int // of the lines, in characters
	problems []Problem
	work     int // how much of maxWork is done
}

func newDocument(doc []byte, name string) *document {
	d := &document{name: name, lines: strings.Split(string(bytes.TrimPrefix(doc, []byte("\ufeff"))), "\n")}
	d.widths = make([]int, len(d.lines))
	for i, line := range d.lines {
		d.widths[i] = utf8.RuneCountInString(line)
	}
	return d
}

// parse returns the roots of all YAML documents that are not empty. A syntax error ends the file.
func (d *document) parse(doc []byte) (roots []*yaml.Node) {
	// Duplicate keys are looked for here, because the YAML package says the position of the mapping only.
	loader, err := yaml.NewLoader(bytes.NewReader(doc), yaml.WithUniqueKeys(false))
	if err != nil {
		d.syntaxError(err)
		return nil
	}
	for {
		var root yaml.Node
		err := loader.Load(&root)
		if errors.Is(err, io.EOF) {
			return roots
		}
		if err != nil {
			d.syntaxError(err)
			return roots
		}
		if len(root.Content) == 1 && root.Content[0].Tag != "!!null" {
			roots = append(roots, root.Content[0])
		}
	}
}

func (d *document) syntaxError(err error) {
	at, text := d.firstControl(), err.Error()
	var found *yaml.LoadError
	if errors.As(err, &found) {
		text = found.Message
		if found.ContextMsg != "" {
			text = fmt.Sprintf("%s %s", text, found.ContextMsg)
			if found.ContextMark.Line > 0 && found.ContextMark.Line != found.Mark.Line {
				text = fmt.Sprintf("%s at line %d", text, found.ContextMark.Line)
			}
		}
		if found.Mark.Line > 0 {
			at = d.position(found.Mark.Line, found.Mark.Column)
		}
	}
	d.problems = append(d.problems, Problem{Position: at, Text: "not valid YAML: " + text})
}

// firstControl is the position of the first character that YAML does not allow: the YAML package names it without a position.
func (d *document) firstControl() Position {
	for i, line := range d.lines {
		column := 1
		for _, r := range strings.TrimSuffix(line, "\r") {
			if r == utf8.RuneError || (r < ' ' && r != '\t') || r == 0x7f {
				return d.position(i+1, column)
			}
			column++
		}
	}
	return d.position(1, 1)
}

// position is inside the file, even where the YAML package is off.
func (d *document) position(line, column int) Position {
	line = min(max(line, 1), len(d.lines))
	column = min(max(column, 1), d.widths[line-1]+1)
	return Position{File: d.name, Line: line, Column: column}
}

func (d *document) at(n *yaml.Node) Position { return d.position(n.Line, n.Column) }

func (d *document) errorf(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{Position: d.at(n), Text: fmt.Sprintf(format, args...)})
}

func (d *document) warnf(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{Position: d.at(n), Severity: Warning, Text: fmt.Sprintf(format, args...)})
}

// spend counts text that is looked at. It reports false once that is more than a file may make with aliases: then nothing more of the
// file is read.
func (d *document) spend(n *yaml.Node) bool {
	if d.work > maxWork {
		return false
	}
	d.work += nodeWork + len(n.Value)
	if d.work > maxWork {
		d.errorf(n, "too much text: with all aliases and defaults filled in, a file may have %d MiB", maxWork>>20)
		return false
	}
	return true
}

// field is a key with its value. An alias is resolved, so the value's position is where its text is.
type field struct {
	path       string // for people: "incident.hold"
	key, value *yaml.Node
}

// fields are the keys of a mapping.
type fields map[string]field

// over lays fields over those of base.
func (f fields) over(base fields) fields {
	all := fields{}
	for _, layer := range []fields{base, f} {
		for key, value := range layer {
			all[key] = value
		}
	}
	return all
}

// schema is what keys a mapping may have.
type schema struct {
	of   string   // what has these keys, for people: "an slo"
	path string   // before a key's name: "incident."
	keys []string // nil: any key is fine
}

// mapping reads a mapping, merge keys included. It reports keys that the schema does not have; ok is false where there is no mapping to
// read.
func (d *document) mapping(n *yaml.Node, s schema) (found fields, ok bool) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "%s must be a mapping of keys to values, not %s", s.of, kind(n))
		return nil, false
	}
	found = fields{}
	d.addPairs(found, n, s, nil)
	return found, true
}

// addPairs adds the pairs of a mapping that are not there yet, first its own, then those that it merges. Outer is the mappings that
// merge this one.
func (d *document) addPairs(found fields, n *yaml.Node, s schema, outer []*yaml.Node) {
	if !d.spend(n) {
		return
	}
	own := map[string]*yaml.Node{}
	var merged []*yaml.Node
	var guessed []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if !d.spend(key) {
			return
		}
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.errorf(key, "a key of %s must be text, not %s", s.of, kind(key))
			continue
		}
		if first, twice := own[key.Value]; twice {
			d.errorf(n.Content[i], "duplicate key %s; it is at line %d already", quote(key.Value), d.at(first).Line)
			continue
		}
		own[key.Value] = n.Content[i]
		if meant := d.meant(s, key); meant != key.Value {
			guessed = append(guessed, field{path: meant, key: key, value: value})
		} else if _, overridden := found[meant]; !overridden {
			found[meant] = field{path: s.path + meant, key: key, value: value}
		}
	}
	for _, f := range guessed {
		if _, there := found[f.path]; !there && f.path != "" {
			found[f.path] = field{path: s.path + f.path, key: f.key, value: f.value}
		}
	}
	for _, m := range merged {
		d.merge(found, m, s, append(outer, n))
	}
}

func (d *document) merge(found fields, n *yaml.Node, s schema, outer []*yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode && slices.Contains(outer, n):
		d.errorf(n, "a mapping can't merge itself")
	case n.Kind == yaml.MappingNode:
		d.addPairs(found, n, s, outer)
	case n.Kind == yaml.SequenceNode && d.spend(n):
		for _, item := range n.Content {
			if item = resolve(item); item.Kind == yaml.SequenceNode {
				d.errorf(item, "<< takes a mapping or a list of mappings, not lists in a list")
				continue
			}
			d.merge(found, item, s, outer)
		}
	case n.Kind != yaml.SequenceNode:
		d.errorf(n, "<< takes a mapping or a list of mappings, not %s", kind(n))
	}
}

// meant is the key that was meant: the key itself, or where the schema does not have it, which is a problem, the one that it was likely
// to be, so that its value is looked at as well; else it is empty.
func (d *document) meant(s schema, key *yaml.Node) string {
	if s.keys == nil || slices.Contains(s.keys, key.Value) {
		return key.Value
	}
	likely := nearest(key.Value, s.keys)
	switch {
	case likely != "":
		d.errorf(key, "unknown key %s; did you mean %s?", quote(key.Value), likely)
	case len(s.keys) == 0:
		d.errorf(key, "unknown key %s", quote(key.Value))
	default:
		d.errorf(key, "unknown key %s; %s has %s", quote(key.Value), s.of, strings.Join(s.keys, ", "))
	}
	return likely
}

// list reads a sequence.
func (d *document) list(f field, of string) ([]*yaml.Node, bool) {
	if f.value.Kind != yaml.SequenceNode {
		d.errorf(f.value, "%s must be a list of %s, not %s", f.path, of, kind(f.value))
		return nil, false
	}
	if !d.spend(f.value) {
		return nil, false
	}
	items := make([]*yaml.Node, len(f.value.Content))
	for i, item := range f.value.Content {
		items[i] = resolve(item)
	}
	d.work += nodeWork * len(items)
	return items, true
}

// scalar reads a single value as it is written.
func (d *document) scalar(f field, like string) (string, bool) {
	switch {
	case f.value.Kind != yaml.ScalarNode:
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, kind(f.value))
		return "", false
	case f.value.Tag == "!!null":
		d.errorf(f.value, "%s is empty; give it a value (%s) or leave it out", f.path, like)
		return "", false
	}
	return f.value.Value, d.spend(f.value)
}

// resolve follows an alias. YAML knows no alias of an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// kind is what a node is, for people.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return quote(n.Value)
}

// quote is text from a file, fit for a line of a report.
func quote(text string) string {
	const most = 60
	characters := 0
	for i := range text {
		if characters++; characters > most {
			return fmt.Sprintf("%q", text[:i]+"...")
		}
	}
	return fmt.Sprintf("%q", text)
}
