package config

import (
	"maps"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/alert"
)

// readers read what an slo and defaults may say, by path.
var readers = map[string]func(r *definitionReader, f field){
	"name":        func(r *definitionReader, f field) { r.def.Objective.Name, r.def.Position = readName(f), f.at() },
	"service":     func(r *definitionReader, f field) { r.def.Objective.Service = f.shortText() },
	"description": func(r *definitionReader, f field) { r.def.Objective.Description = f.longText() },
	"owner":       func(r *definitionReader, f field) { r.def.Objective.Owner = f.shortText() },
	"target":      func(r *definitionReader, f field) { r.def.Objective.Target = readTarget(f) },
	"window":      func(r *definitionReader, f field) { r.def.Objective.Window = readWindow(f) },
	"source":      func(r *definitionReader, f field) { f.keep(); r.def.Objective.Source = readSourceName(f) },
	"indicator":   func(r *definitionReader, f field) { r.def.Objective.Indicator = readIndicator(f) },
	"group_by":    func(r *definitionReader, f field) { f.keep(); r.def.Objective.GroupBy = readGroupBy(f) },
	"delay":       func(r *definitionReader, f field) { r.def.Objective.Delay = readDelay(f) },
	"exclude":     func(r *definitionReader, f field) { r.def.Objective.Exclude = readExclude(f) },

	"incident.burn":           func(r *definitionReader, f field) { r.def.Policy.Rules = r.rules(f) },
	"incident.budget":         func(r *definitionReader, f field) { r.def.Policy.Budget = f.truth() },
	"incident.min_bad_events": func(r *definitionReader, f field) { r.def.Policy.MinBadEvents = r.events(f) },
	"incident.hold":           func(r *definitionReader, f field) { r.def.Policy.Hold, _ = f.duration() },
	"incident.merge_gap":      func(r *definitionReader, f field) { r.def.Policy.MergeGap, _ = f.duration() },
	"incident.group":          func(r *definitionReader, f field) { r.groupsBySLO = readGroup(f) },
	"incident.severity":       func(r *definitionReader, f field) { r.def.Policy.Severities = readSeverities(f) },
	"incident.blind":          func(r *definitionReader, f field) { r.def.Policy.Blind = readBlind(f) },
	"incident.quiet":          func(r *definitionReader, f field) { r.def.Policy.Quiet = readQuiet(f) },

	"issue.repository":     func(r *definitionReader, f field) { f.keep(); r.def.Issue.Repository = f.repository() },
	"issue.labels":         func(r *definitionReader, f field) { r.def.Issue.Labels = readIssueLabels(f) },
	"issue.assign":         func(r *definitionReader, f field) { r.def.Issue.Assign = readAssign(f) },
	"issue.template":       func(r *definitionReader, f field) { f.keep(); r.def.Issue.Template.File = readTemplateName(f) },
	"issue.post_mortem_at": func(r *definitionReader, f field) { r.def.Issue.PostMortemAt = readPostMortemAt(f) },
	"issue.lint":           func(r *definitionReader, f field) { r.def.Issue.Lint = f.truth() },
	"issue.remind_after":   func(r *definitionReader, f field) { r.def.Issue.RemindAfter = readRemindAfter(f) },
	"report.issue":         func(r *definitionReader, f field) { r.def.Issue.Report = f.truth() },
	"evidence.queries":     func(r *definitionReader, f field) { r.def.Issue.Evidence.Queries = readEvidenceQueries(f) },
	"evidence.repository":  func(r *definitionReader, f field) { f.keep(); r.def.Issue.Evidence.Repository = f.repository() },
}

// readOrder is the paths of the readers in the order of the table of keys: each comes after those
// that its value is checked against.
var readOrder = func() (paths []string) {
	for _, k := range keys {
		if readers[k.Path()] != nil {
			paths = append(paths, k.Path())
		}
	}
	return paths
}()

// checkedAgainst are values of which the second is checked against the first. Where an slo says the
// first one, a default for the second one is read again.
var checkedAgainst = [][2]string{
	{"target", "incident.burn"}, {"window", "incident.burn"}, {"incident.burn", "incident.min_bad_events"}, {"indicator", "incident.min_bad_events"},
}

// defaults are what holds for slos that do not say otherwise. They are read once, and what was read
// is shared: nobody may change it.
type defaults struct {
	said        settings       // in the file; none if they are built in
	def         Definition     // of what they say, and of the built-in ones for the rest
	groupsBySLO bool           // see definitionReader
	kept        []keptPlace    // of what they say
	work        map[string]int // that was done to read each value, by path; see document
	allWork     int
}

// builtIn are the defaults of the table of keys.
var builtIn = func() *defaults {
	d := &document{origins: map[*yaml.Node]Position{}}
	s := settings{of: field{doc: d}, values: fields{}}
	for _, in := range append(parts, "") {
		for _, f := range d.orDefaults(nil, in) {
			s.values[f.path] = f
		}
	}
	read := readOver(s, &defaults{})
	read.said = settings{}
	return read
}()

// readDefaults reads what all slos of a document share, and checks it even if no slo uses it.
func readDefaults(f field) *defaults {
	s, ok := readSettings(f, "defaults")
	if !ok {
		return builtIn
	}
	for _, k := range keysIn[""] {
		if f, there := s.values[k.Name]; there && k.OnlySLO {
			f.wrongKey("defaults can't have a %s, because %ss must be unique; give each slo its own", k.Name, k.Name)
			delete(s.values, k.Name)
		}
	}
	return readOver(s, builtIn)
}

// readOver reads defaults that are laid over others. What they do not say is no problem.
func readOver(s settings, others *defaults) *defaults {
	r := newDefinitionReader(s, others)
	r.work = map[string]int{}
	maps.Copy(r.work, others.work)
	r.read()
	read := &defaults{said: s, def: r.def, groupsBySLO: r.groupsBySLO, kept: s.of.doc.kept, work: r.work}
	for _, work := range r.work {
		read.allWork += work
	}
	return read
}

// definitionReader reads an slo, or defaults. What they do not say is as in the defaults that hold
// for them.
type definitionReader struct {
	settings
	defaults    *defaults
	def         Definition
	groupsBySLO bool           // incidents are of the slo alone, not of its service
	work        map[string]int // see defaults; nil if nobody needs it
}

func newDefinitionReader(s settings, from *defaults) definitionReader {
	s.of.doc.kept = nil
	return definitionReader{settings: s, defaults: from, def: from.def, groupsBySLO: from.groupsBySLO}
}

// readDefinition reads what an slo says.
func readDefinition(s settings, from *defaults) Definition {
	r := newDefinitionReader(s, from)
	r.def.Position = s.of.at()
	r.read()
	for _, k := range keysIn[""] {
		if _, said := r.find(k.Name); !said && k.Missing != "" {
			s.of.missing(k.Path())
		}
	}
	o, policy := &r.def.Objective, &r.def.Policy
	policy.Group = o.Service
	if r.groupsBySLO {
		policy.Group = o.Name
	}
	if _, said := r.find("incident.min_bad_events"); !said && o.Indicator.Sampled != nil {
		policy.MinBadEvents = 0 // what is sampled has events of no size, see docs/slo-file.md
	}
	policy.Repository = strings.ToLower(r.def.Issue.Repository) // as GitHub compares them
	r.def.Places = r.places()
	return r.def
}

// find returns the field of a path, as the settings say it or the defaults do.
func (r *definitionReader) find(path string) (f field, said bool) {
	if f, said = r.values[path]; !said {
		f, said = r.defaults.said.values[path]
	}
	return f, said
}

// read reads all that the settings say.
func (r *definitionReader) read() {
	for _, pair := range checkedAgainst {
		if f, said := r.find(pair[1]); said && r.says(pair[0]) {
			r.values[pair[1]] = f
		}
	}
	r.spendDefaults()
	doc := r.of.doc
	for _, path := range readOrder {
		f, said := r.values[path]
		if !said {
			continue
		}
		done, kept := doc.work, len(doc.kept)
		readers[path](r, f)
		for i := range doc.kept[kept:] {
			doc.kept[kept+i].of = path
		}
		if r.work != nil {
			r.work[path] = doc.work - done
		}
	}
	r.def.Objective.Links = readLinks(r.links, r.defaults.def.Objective.Links)
	burn, said := r.find("incident.burn")
	switch {
	case !said:
		r.defaultRules()
	case len(burn.value.Content) == 0 && !r.def.Policy.Budget:
		burn.warnf("no rules and no budget: nothing is ever an incident of this objective")
	}
}

// says reports whether the settings themselves say something.
func (r *definitionReader) says(path string) bool {
	_, said := r.values[path]
	return said
}

// spendDefaults counts the work for the defaults that hold, as if they were read again.
func (r *definitionReader) spendDefaults() {
	work := r.defaults.allWork
	for path := range r.values {
		work -= r.defaults.work[path]
	}
	r.of.doc.spendWork(r.of.value, work)
}

// defaultRules sets the rules of the window, and warns of those that are of no use for the target.
func (r *definitionReader) defaultRules() {
	policy, objective := &r.def.Policy, r.def.Objective
	if r.says("window") {
		policy.Rules = alert.DefaultRules(objective.Window.Length())
	}
	if r.says("target") {
		r.warnOfDefaults(policy.Rules)
	}
}

// places are those of a definition.
func (r *definitionReader) places() []Place {
	all := make([]Place, 0, len(r.of.doc.kept)+len(r.defaults.kept))
	for _, k := range r.defaults.kept {
		if !r.says(k.of) {
			all = append(all, k.Place)
		}
	}
	for _, k := range r.of.doc.kept {
		all = append(all, k.Place)
	}
	return all
}

// keptPlace is a Place of a definition.
type keptPlace struct {
	Place
	of string // the path of the value of the settings that it is in: indicator
}
