package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// field is a key with its value. An alias is resolved, so the value's position is where its text
// is.
type field struct {
	doc        *document
	path       string // for people: "incident.hold"
	like       string // what a value is, for people: "a duration like 5m"
	key, value *yaml.Node
}

// fields are the keys of a mapping.
type fields map[string]field

func (f field) at() Position { return f.doc.at(f.value) }

func (f field) errorf(format string, args ...any) { f.doc.errorf(f.value, format, args...) }

func (f field) warnf(format string, args ...any) { f.doc.warnf(f.value, format, args...) }

// wrongKey reports an error at the key.
func (f field) wrongKey(format string, args ...any) { f.doc.errorf(f.key, format, args...) }

// missing reports that a mapping lacks a key.
func (f field) missing(path string) { f.errorf("%s is missing; %s", path, keyAt(path).Missing) }

// mapping reads a mapping, merge keys included. It reports keys that the schema does not have; ok
// is false if there is no mapping to read.
func (f field) mapping(s schema) (found fields, ok bool) {
	if f.value.Kind != yaml.MappingNode {
		f.errorf("%s must be a mapping of keys to values, not %s", s.of, kind(f.value))
		return nil, false
	}
	r := mappingReader{doc: f.doc, schema: s, found: fields{}}
	r.addPairs(f.value, nil)
	return r.found, true
}

// mappingReader reads one mapping with all that it merges.
type mappingReader struct {
	doc    *document
	schema schema
	found  fields
}

// addPairs adds the pairs of a mapping that are not there yet, first its own, then those that it
// merges. Outer is the mappings that merge this one.
func (r mappingReader) addPairs(n *yaml.Node, outer []*yaml.Node) {
	if !r.doc.spend(n) {
		return
	}
	own := map[string]*yaml.Node{}
	var merged []*yaml.Node
	var guessed []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if !r.doc.spend(key) {
			return
		}
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			r.doc.errorf(key, "a key of %s must be text, not %s", r.schema.of, kind(key))
			continue
		}
		if first, twice := own[key.Value]; twice {
			r.doc.errorf(n.Content[i], "duplicate key %s; it is at line %d already", quote(key.Value), r.doc.at(first).Line)
			continue
		}
		own[key.Value] = n.Content[i]
		if meant := r.meant(key); meant != key.Value {
			guessed = append(guessed, field{path: meant, key: key, value: value})
		} else if _, overridden := r.found[meant]; !overridden {
			r.found[meant] = r.schema.field(r.doc, meant, key, value)
		}
	}
	for _, f := range guessed {
		if _, there := r.found[f.path]; !there && f.path != "" {
			r.found[f.path] = r.schema.field(r.doc, f.path, f.key, f.value)
		}
	}
	for _, m := range merged {
		r.merge(m, append(outer, n))
	}
}

func (r mappingReader) merge(n *yaml.Node, outer []*yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode && slices.Contains(outer, n):
		r.doc.errorf(n, "a mapping can't merge itself")
	case n.Kind == yaml.MappingNode:
		r.addPairs(n, outer)
	case n.Kind == yaml.SequenceNode && r.doc.spend(n):
		for _, item := range n.Content {
			if item = resolve(item); item.Kind == yaml.SequenceNode {
				r.doc.errorf(item, "<< takes a mapping or a list of mappings, not lists in a list")
				continue
			}
			r.merge(item, outer)
		}
	case n.Kind != yaml.SequenceNode:
		r.doc.errorf(n, "<< takes a mapping or a list of mappings, not %s", kind(n))
	}
}

// meant is the key that was meant: the key itself, or if the schema does not have it, which is a
// problem, the one that it was likely to be, so that its value is looked at as well; else it is
// empty.
func (r mappingReader) meant(key *yaml.Node) string {
	if r.schema.keys == nil || slices.ContainsFunc(r.schema.keys, func(k Key) bool { return k.Name == key.Value }) {
		return key.Value
	}
	names := r.schema.names()
	likely := nearest(key.Value, names)
	switch {
	case likely != "":
		r.doc.errorf(key, "unknown key %s; did you mean %s?", quote(key.Value), likely)
	case len(r.schema.keys) == 0:
		r.doc.errorf(key, "unknown key %s", quote(key.Value))
	default:
		r.doc.errorf(key, "unknown key %s; %s has %s", quote(key.Value), r.schema.of, strings.Join(names, ", "))
	}
	return likely
}

// list reads a sequence. Its items are fields with the list's own path.
func (f field) list() ([]field, bool) {
	if f.value.Kind != yaml.SequenceNode {
		f.errorf("%s must be a list of %s, not %s", f.path, f.like, kind(f.value))
		return nil, false
	}
	if !f.doc.spend(f.value) {
		return nil, false
	}
	items := make([]field, len(f.value.Content))
	for i, n := range f.value.Content {
		item := resolve(n)
		items[i] = field{doc: f.doc, path: f.path, like: f.like, key: item, value: item}
	}
	f.doc.spendItems(len(items))
	return items, true
}

// scalar reads a single value as it is written.
func (f field) scalar() (string, bool) {
	switch {
	case f.value.Kind != yaml.ScalarNode:
		f.errorf("%s must be %s, not %s", f.path, f.like, kind(f.value))
		return "", false
	case f.value.Tag == "!!null":
		f.errorf("%s is empty; give it a value (%s) or leave it out", f.path, f.like)
		return "", false
	}
	return f.value.Value, f.doc.spend(f.value)
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
