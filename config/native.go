package config

import (
	"fmt"
	"strings"
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
	var defaults settings
	if f, ok := file["defaults"]; ok {
		defaults = readDefaults(f)
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
	for _, item := range items {
		if own, ok := readSettings(item, "an slo"); ok {
			definitions = append(definitions, readValues(own.over(defaults), false))
		}
	}
	return definitions
}

// settings are the keys of an slo. Those mappings that defaults may give in part are taken apart.
type settings struct {
	of field // the mapping that they are in
	fields
	incident, issue, evidence, report, links fields
}

// over lays the settings of an slo over defaults.
func (s settings) over(defaults settings) settings {
	return settings{
		of:       s.of,
		fields:   s.fields.over(defaults.fields),
		incident: s.incident.over(defaults.incident),
		issue:    s.issue.over(defaults.issue),
		evidence: s.evidence.over(defaults.evidence),
		report:   s.report.over(defaults.report),
		links:    s.links.over(defaults.links),
	}
}

// orDefaults adds the default values of a mapping's keys that are not there.
func (s settings) orDefaults(found fields, in string) fields { return s.of.doc.orDefaults(found, in) }

func readSettings(f field, of string) (s settings, ok bool) {
	s.of = f
	s.fields, ok = f.mapping(schemaOf("", of))
	if !ok {
		return s, false
	}
	if f, ok := s.fields["incident"]; ok {
		s.incident, _ = f.mapping(schemaOf("incident", "incident"))
	}
	if f, ok := s.fields["issue"]; ok {
		s.issue, _ = f.mapping(schemaOf("issue", "issue"))
	}
	if f, ok := s.fields["evidence"]; ok {
		s.evidence, _ = f.mapping(schemaOf("evidence", "evidence"))
	}
	if f, ok := s.fields["report"]; ok {
		s.report, _ = f.mapping(schemaOf("report", "report"))
	}
	if f, ok := s.fields["links"]; ok {
		s.links, _ = f.mapping(schema{of: "links", path: "links."})
	}
	return s, true
}

// readDefaults reads what all slos of a document share, and checks it even if no slo uses it.
func readDefaults(f field) settings {
	s, ok := readSettings(f, "defaults")
	if !ok {
		return settings{}
	}
	for _, k := range schemaOf("", "").keys {
		if f, there := s.fields[k.Name]; there && k.OnlySLO {
			f.wrongKey("defaults can't have a %s, because %ss must be unique; give each slo its own", k.Name, k.Name)
			delete(s.fields, k.Name)
		}
	}
	readValues(s, true)
	return s
}

// readValues reads what settings say. What a partial one, of defaults, does not say is no problem.
func readValues(s settings, partial bool) Definition {
	s.of.doc.keys = map[string]Position{}
	def := Definition{Position: s.of.at(), Keys: s.of.doc.keys}
	o := &def.Objective
	found := s.orDefaults(s.fields, "")
	read := map[string]func(field){
		"name":        func(f field) { o.Name, def.Position = readName(f), f.at() },
		"service":     func(f field) { o.Service = f.shortText() },
		"description": func(f field) { o.Description = f.longText() },
		"owner":       func(f field) { o.Owner = f.shortText() },
		"target":      func(f field) { o.Target = readTarget(f) },
		"window":      func(f field) { o.Window = readWindow(f) },
		"source":      func(f field) { f.keep(); o.Source = readSourceName(f) },
		"indicator":   func(f field) { o.Indicator = readIndicator(f) },
		"group_by":    func(f field) { f.keep(); o.GroupBy = readGroupBy(f) },
		"delay":       func(f field) { o.Delay = readDelay(f) },
		"exclude":     func(f field) { o.Exclude = readExclude(f) },
	}
	for _, k := range schemaOf("", "").keys {
		f, there := found[k.Name]
		switch {
		case there && read[k.Name] != nil:
			read[k.Name](f)
		case !there && k.Missing != "" && !partial:
			s.of.missing(k.Path())
		}
	}
	o.Links = readLinks(s.links)
	def.Issue = readIssue(s)
	def.Issue.Evidence = readEvidence(s)
	def.Named = readNamed(s)
	def.Policy = readPolicy(s, *o)
	def.Policy.Repository = strings.ToLower(def.Issue.Repository) // as GitHub compares them
	return def
}

// readLinks reads names with the URLs that they lead to.
func readLinks(found fields) map[string]string {
	if len(found) == 0 {
		return nil
	}
	links := map[string]string{}
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
