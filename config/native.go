package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/slo"
)

// Native reads postburn's own format. It is a Reader.
func Native(doc []byte, name string) ([]Definition, []Problem) {
	d := newDocument(doc, name)
	roots := d.parse(doc)
	if len(roots) == 0 && len(d.problems) == 0 {
		d.problems = append(d.problems, Problem{
			Position: d.position(1, 1),
			Text:     "no slos: the file is empty; list objectives under the key slos",
		})
	}
	var definitions []Definition
	for _, root := range roots {
		definitions = append(definitions, d.objectives(root)...)
	}
	return definitions, tidy(d.problems)
}

func fileSchema() schema {
	return schema{of: "an SLO file", keys: []string{"defaults", "slos"}}
}

func objectiveSchema(of string) schema {
	return schema{
		of:   of,
		keys: []string{"name", "service", "description", "owner", "target", "window", "indicator", "group_by", "delay", "exclude", "incident", "issue", "evidence", "links"},
	}
}

// objectives reads one YAML document: defaults, and the slos that they are for.
func (d *document) objectives(root *yaml.Node) (definitions []Definition) {
	file, ok := d.mapping(root, fileSchema())
	if !ok {
		return nil
	}
	var defaults settings
	if f, ok := file["defaults"]; ok {
		defaults = d.defaults(f.value)
	}
	slos, ok := file["slos"]
	if !ok {
		d.errorf(root, "no slos: list objectives under the key slos")
		return nil
	}
	items, ok := d.list(slos, "slos")
	if !ok {
		return nil
	}
	if len(items) == 0 {
		d.errorf(slos.value, "no slos: the list is empty")
	}
	for _, item := range items {
		if definition, ok := d.objective(item, defaults); ok {
			definitions = append(definitions, definition)
		}
	}
	return definitions
}

// settings are the keys of an slo. Those mappings that defaults may give in part are taken apart.
type settings struct {
	fields
	incident, issue, evidence, links fields
}

// over lays the settings of an slo over defaults.
func (s settings) over(defaults settings) settings {
	return settings{
		fields:   s.fields.over(defaults.fields),
		incident: s.incident.over(defaults.incident),
		issue:    s.issue.over(defaults.issue),
		evidence: s.evidence.over(defaults.evidence),
		links:    s.links.over(defaults.links),
	}
}

func (d *document) settings(n *yaml.Node, of string) (s settings, ok bool) {
	s.fields, ok = d.mapping(n, objectiveSchema(of))
	if !ok {
		return s, false
	}
	if f, ok := s.fields["incident"]; ok {
		s.incident, _ = d.mapping(f.value, incidentSchema())
	}
	if f, ok := s.fields["issue"]; ok {
		s.issue, _ = d.mapping(f.value, issueSchema())
	}
	if f, ok := s.fields["evidence"]; ok {
		s.evidence, _ = d.mapping(f.value, evidenceSchema())
	}
	if f, ok := s.fields["links"]; ok {
		s.links, _ = d.mapping(f.value, schema{of: "links", path: "links."})
	}
	return s, true
}

// defaults reads what all slos of a document share, and checks it even where no slo uses it.
func (d *document) defaults(n *yaml.Node) settings {
	s, ok := d.settings(n, "defaults")
	if !ok {
		return settings{}
	}
	if name, ok := s.fields["name"]; ok {
		d.errorf(name.key, "defaults can't have a name, because names must be unique; give each slo its own")
		delete(s.fields, "name")
	}
	d.values(n, s, true)
	return s
}

// objective reads one slo.
func (d *document) objective(n *yaml.Node, defaults settings) (Definition, bool) {
	own, ok := d.settings(n, "an slo")
	if !ok {
		return Definition{}, false
	}
	return d.values(n, own.over(defaults), false), true
}

// values reads what settings say. What a partial one, of defaults, does not say is no problem.
func (d *document) values(n *yaml.Node, s settings, partial bool) Definition {
	def := Definition{
		Objective: slo.Objective{Window: slo.Window{Rolling: defaultWindow}},
		Position:  d.at(n),
	}
	o := &def.Objective
	required := []struct {
		key, hint string
		read      func(field)
	}{
		{"name", "give it one like checkout-availability", func(f field) { o.Name, def.Position = d.objectiveName(f), d.at(f.value) }},
		{"service", "say whose objective it is", func(f field) { o.Service = d.shortText(f, "the name of a service") }},
		{"target", "say how much has to be good, like 99.9%", func(f field) { o.Target = d.target(f) }},
		{"indicator", "say what is measured, with indicator.ratio, latency, bool or sampled", func(f field) { o.Indicator = d.indicator(f) }},
	}
	for _, r := range required {
		if f, ok := s.fields[r.key]; ok {
			r.read(f)
		} else if !partial {
			d.errorf(n, "%s is missing; %s", r.key, r.hint)
		}
	}
	if f, ok := s.fields["description"]; ok {
		o.Description = d.longText(f)
	}
	if f, ok := s.fields["owner"]; ok {
		o.Owner = d.shortText(f, `a GitHub user or team like "@acme/checkout"`)
	}
	if f, ok := s.fields["window"]; ok {
		o.Window = d.window(f)
	}
	if f, ok := s.fields["group_by"]; ok {
		o.GroupBy = d.groupBy(f)
	}
	if f, ok := s.fields["delay"]; ok {
		o.Delay = d.delay(f)
	}
	if f, ok := s.fields["exclude"]; ok {
		o.Exclude = d.exclude(f)
	}
	o.Links = d.links(s.links)
	def.Issue = d.issue(s)
	def.Issue.Evidence = d.evidence(s)
	def.Policy = d.policy(n, s, *o)
	def.Policy.Repository = strings.ToLower(def.Issue.Repository) // as GitHub compares them
	return def
}

// links are names with the URLs that they lead to.
func (d *document) links(found fields) map[string]string {
	if len(found) == 0 {
		return nil
	}
	links := map[string]string{}
	for name, f := range found {
		if !isShortText(name) {
			d.errorf(f.key, "a link's name must have 1 to %d printable characters, not %s", maxShortText, quote(name))
		}
		text, ok := d.scalar(f, "a URL")
		if ok && !isWebURL(text) {
			d.errorf(f.value, "%s must be a URL like https://example.org/runbook, not %s", quoteName(f.path), quote(text))
		}
		links[name] = text
	}
	return links
}

// quoteName is a key's path as it is where it is an ordinary one, else quoted.
func quoteName(path string) string {
	if isShortText(path) {
		return path
	}
	return fmt.Sprintf("%q", path)
}
