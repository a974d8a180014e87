package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Format is a foreign format of SLO files: how its objects are told from others, and how they are
// written in native form.
type Format struct {
	Name string // for people: "Sloth"
	Has  func(Header) bool

	// Translate is given all objects of the format, of all files in order, since one may name
	// another. It returns the objectives that each of them says. An objective that can't be carried
	// over has an error at its place.
	Translate func(objects []Node) [][]*SLO
}

// Header is what tells the kind of a document; never the name of its file does.
type Header struct{ Version, APIVersion, Kind string }

func (h Header) String() string { return cmp.Or(h.Version, h.APIVersion) }

// object is a document of a file, or an item of a list of documents.
type object struct {
	root        field
	header      Header
	format      *Format // nil: native
	slos        []*SLO
	definitions []Definition
}

// source is a file with its objects.
type source struct {
	doc     *document
	objects []*object
}

// is reports whether a file has objects of a foreign format.
func (s *source) isForeign() bool {
	return slices.ContainsFunc(s.objects, func(o *object) bool { return o.format != nil })
}

// dropText lets go of the file's text and tree, of which nothing is needed once it is read. What
// was read stays.
func (s *source) dropText() {
	s.doc = &document{name: s.doc.name, problems: s.doc.problems}
	for _, o := range s.objects {
		o.root = field{}
	}
}

// newSource parses a file and tells the formats of what it has.
func newSource(content []byte, name string, formats []Format) *source {
	doc := newDocument(content, name)
	s := &source{doc: doc}
	for _, root := range doc.parse(content) {
		whole := newObject(field{doc: doc, value: root}, formats)
		parts := whole.parts(formats)
		if !slices.ContainsFunc(parts, func(o *object) bool { return o.format != nil }) {
			parts = []*object{whole}
		}
		s.objects = append(s.objects, parts...)
	}
	return s
}

func newObject(root field, formats []Format) *object {
	o := &object{root: root}
	n := root.value
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		value := resolve(n.Content[i+1])
		if value.Kind != yaml.ScalarNode {
			continue
		}
		switch n.Content[i].Value {
		case "version":
			o.header.Version = value.Value
		case "apiVersion":
			o.header.APIVersion = value.Value
		case "kind":
			o.header.Kind = value.Value
		}
	}
	for i := range formats {
		if formats[i].Has(o.header) {
			o.format = &formats[i]
			break
		}
	}
	return o
}

// parts returns the items of a list of objects: a YAML list, or one of Kubernetes.
func (o *object) parts(formats []Format) (parts []*object) {
	items := o.root.value
	if items.Kind == yaml.MappingNode && strings.HasSuffix(o.header.Kind, "List") {
		for i := 0; i+1 < len(items.Content); i += 2 {
			if items.Content[i].Value == "items" {
				items = resolve(items.Content[i+1])
				break
			}
		}
	}
	if items.Kind != yaml.SequenceNode {
		return nil
	}
	for _, item := range items.Content {
		item = resolve(item)
		parts = append(parts, newObject(field{doc: o.root.doc, key: item, value: item}, formats))
	}
	return parts
}

// readNative reads the objects that are in native form. Other objects beside foreign ones, like a
// namespace beside its resources, are left out with a warning.
func (s *source) readNative() {
	if len(s.objects) == 0 && s.doc.count() == 0 {
		s.doc.add(Problem{Position: s.doc.position(1, 1), Text: "no slos: the file is empty; list objectives under the key slos"})
	}
	foreign := s.isForeign()
	for _, o := range s.objects {
		switch {
		case o.format != nil:
		case foreign && o.header.APIVersion != "" && o.header.Kind != "":
			o.root.warnf("%s of %s is no SLO and is left out", quote(o.header.Kind), quote(o.header.APIVersion))
		default:
			o.definitions = readDocument(o.root)
		}
	}
}

// translate writes the foreign objects of all files in native form, and reads that.
func translate(sources []*source, formats []Format) (problems []Problem) {
	for i := range formats {
		var objects []*object
		var roots []Node
		for _, s := range sources {
			for _, o := range s.objects {
				if o.format == &formats[i] {
					objects, roots = append(objects, o), append(roots, Node{o.root})
				}
			}
		}
		if len(objects) == 0 {
			continue
		}
		for n, slos := range formats[i].Translate(roots) {
			objects[n].slos = slos
			for _, slo := range slos {
				definition, wrong := slo.definition()
				objects[n].definitions = append(objects[n].definitions, definition)
				problems = append(problems, wrong...)
			}
		}
	}
	return problems
}

// Kinds returns a line for each file that has objects of a foreign format: what it is.
func Kinds(paths []string, formats ...Format) (lines []string) {
	_ = eachSource(paths, formats, func(s *source) { // problems are Load's to report
		var kinds []string
		for _, o := range s.objects {
			if o.format == nil {
				continue
			}
			if kind := fmt.Sprintf("%s (%s)", o.format.Name, printable(o.header.String())); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
		if len(kinds) > 0 {
			lines = append(lines, fmt.Sprintf("%s is a file of %s, read as it is", s.doc.name, strings.Join(kinds, " and ")))
		}
	})
	return lines
}

// Convert returns the foreign files among the given ones as one native file. All problems are
// returned, as Load does; if one of them is an error, there is no file.
func Convert(paths []string, formats ...Format) (native []byte, problems []Problem) {
	sources, definitions, problems := load(paths, formats)
	var slos []*SLO
	var left []Problem
	from := map[*SLO]string{}
	for _, s := range sources {
		if !s.isForeign() {
			left = append(left, Problem{Position: Position{File: s.doc.name}, Severity: Warning, Text: "the file is in native form and is left out"})
		}
		for _, o := range s.objects {
			for _, slo := range o.slos {
				slos, from[slo] = append(slos, slo), o.format.Name+" "+o.header.String()
			}
		}
	}
	switch {
	case len(slos) > 0:
		problems = append(problems, left...)
	case len(definitions) > 0:
		problems = append(problems, Problem{Position: definitions[0].Position, Text: "nothing to convert: no file is of a foreign format"})
	}
	if Failed(problems) {
		return nil, tidy(problems)
	}
	native, err := writeNative(slos, from)
	if err != nil {
		problems = append(problems, Problem{Position: slos[0].of.Position(), Text: err.Error()})
	}
	return native, tidy(problems)
}
