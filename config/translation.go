package config

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// SLO is an objective of a foreign file, written in native form. What is wrong with a value is
// reported at the place that it was made from.
type SLO struct {
	doc  *document
	root *yaml.Node
	of   Node // the object or the part of it that says the objective
}

// NewSLO returns an objective without any keys. It is the one that a value of a foreign file says.
func NewSLO(of Node) *SLO {
	s := &SLO{
		doc:  &document{name: of.Position().File, origins: map[*yaml.Node]Position{}},
		root: &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"},
		of:   of,
	}
	s.doc.origins[s.root] = of.Position()
	return s
}

// Set sets the key of a path, like "indicator.ratio.bad", to a string, a bool, a list of strings,
// or a list of rules. From is what it was made from.
func (s *SLO) Set(path string, value any, from Node) {
	if !from.Exists() {
		from = s.of
	}
	at, n := from.Position(), s.root
	for {
		key, rest, more := strings.Cut(path, ".")
		if !more {
			n.Content = append(n.Content, s.scalar(key, at), s.encode(value, at))
			return
		}
		inner := s.child(n, key)
		if inner == nil {
			inner = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			s.doc.origins[inner] = at
			n.Content = append(n.Content, s.scalar(key, at), inner)
		}
		n, path = inner, rest
	}
}

// SetLink adds a link; its name may have any characters.
func (s *SLO) SetLink(name, url string, from Node) {
	links := s.child(s.root, "links")
	if links == nil {
		links = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		s.doc.origins[links] = from.Position()
		s.root.Content = append(s.root.Content, s.scalar("links", from.Position()), links)
	}
	if s.child(links, name) == nil {
		links.Content = append(links.Content, s.scalar(name, from.Position()), s.scalar(url, from.Position()))
	}
}

func (s *SLO) child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// Rule is a burn rule in native form.
type Rule struct{ Rate, Long, Short string }

func (s *SLO) encode(value any, at Position) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	s.doc.origins[n] = at
	switch v := value.(type) {
	case string:
		return s.scalar(v, at)
	case bool:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!bool", fmt.Sprint(v)
	case []string:
		n.Style = yaml.FlowStyle
		for _, text := range v {
			n.Content = append(n.Content, s.scalar(text, at))
		}
	case []Rule:
		for _, r := range v {
			rule := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
			s.doc.origins[rule] = at
			for _, pair := range [][2]string{{"rate", r.Rate}, {"long", r.Long}, {"short", r.Short}} {
				rule.Content = append(rule.Content, s.scalar(pair[0], at), s.scalar(pair[1], at))
			}
			n.Content = append(n.Content, rule)
		}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
	default:
		panic(fmt.Sprintf("an SLO file has no %T", value))
	}
	return n
}

var number = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func (s *SLO) scalar(text string, at Position) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if number.MatchString(text) {
		n.Tag = "!!float"
	}
	s.doc.origins[n] = at
	return n
}

// definition reads the objective as if a native file had it.
func (s *SLO) definition() (Definition, []Problem) {
	own, ok := readSettings(field{doc: s.doc, value: s.root}, "an slo")
	if !ok {
		return Definition{}, s.doc.problems
	}
	return readDefinition(own, builtIn), s.doc.problems
}

// writeNative writes objectives as a native file.
func writeNative(slos []*SLO, formats map[*SLO]string) ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, s := range slos {
		at := s.of.Position()
		s.root.HeadComment = fmt.Sprintf("%s, line %d (%s)", printable(at.File), at.Line, printable(formats[s]))
		list.Content = append(list.Content, s.root)
	}
	file := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Tag: "!!str", Value: "slos"}, list,
	}}
	text, err := yaml.Dump(file, yaml.WithLineWidth(-1)) // queries stay on their lines
	if err != nil {
		return nil, fmt.Errorf("writing the native file: %w", err)
	}
	return text, nil
}

// printable is text fit for a comment: on one line.
func printable(text string) string {
	quoted := fmt.Sprintf("%q", text)
	return quoted[1 : len(quoted)-1]
}
