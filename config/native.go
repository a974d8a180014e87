package config

import (
	"fmt"
	"maps"
)

// Native reads a file in postburn's own format.
func Native(content []byte, name string) (definitions []Definition, problems []Problem) {
	s := newSource(content, name, nil)
	s.readNative()
	for _, o := range s.objects {
		definitions = append(definitions, o.definitions...)
	}
	return definitions, tidy(s.doc.problems)
}

// readDocument reads one YAML document: defaults, and the slos that they are for.
func readDocument(root field) (definitions []Definition) {
	file, ok := root.mapping(schemaOf(inFile, "an SLO file"))
	if !ok {
		return nil
	}
	from := builtIn
	if f, ok := file["defaults"]; ok {
		from = readDefaults(f)
	}
	slos, ok := file["slos"]
	if !ok {
		root.errorf("no slos: list objectives under the key slos")
		return nil
	}
	items, ok := slos.list()
	if !ok {
		return nil
	}
	if len(items) == 0 {
		slos.errorf("no slos: the list is empty")
	}
	definitions = make([]Definition, 0, len(items))
	for _, item := range items {
		if own, ok := readSettings(item, "an slo"); ok {
			definitions = append(definitions, readDefinition(own, from))
		}
	}
	return definitions
}

// settings are what an slo says, or defaults, by path. Those mappings that defaults may give in
// part are taken apart, into values such as incident.hold.
type settings struct {
	of     field // the mapping that they are in
	values fields
	links  fields // by name
}

// parts are the mappings that defaults may give in part.
var parts = []string{"incident", "issue", "evidence", "report"}

func readSettings(f field, of string) (s settings, ok bool) {
	s.of = f
	s.values, ok = f.mapping(schemaOf("", of))
	if !ok {
		return s, false
	}
	for _, part := range parts {
		if f, said := s.values[part]; said {
			inside, _ := f.mapping(schemaOf(part, part))
			for _, value := range inside {
				s.values[value.path] = value
			}
		}
	}
	if f, ok := s.values["links"]; ok {
		s.links, _ = f.mapping(schema{of: "links", path: "links."})
	}
	return s, true
}

// readLinks reads names with the URLs that they lead to, and lays them over others.
func readLinks(found fields, others map[string]string) map[string]string {
	if len(found) == 0 {
		return others
	}
	links := map[string]string{}
	maps.Copy(links, others)
	for name, f := range found {
		if !isShortText(name) {
			f.wrongKey("a link's name must have 1 to %d printable characters, not %s", maxShortText, quote(name))
		}
		f.like = "a URL"
		text, ok := f.scalar()
		if ok && !isWebURL(text) {
			f.errorf("%s must be a URL like https://example.org/runbook, not %s", quoteName(f.path), quote(text))
		}
		links[name] = text
	}
	return links
}

// quoteName is a key's path, quoted unless it is an ordinary one.
func quoteName(path string) string {
	if isShortText(path) {
		return path
	}
	return fmt.Sprintf("%q", path)
}
