package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Input is what a report is made of: all that is known of the period and the one before.
type Input struct {
	Period    Period
	AsOf      time.Time
	Days      []alert.Days // in any order; of one objective's, those of the newest measure count
	Incidents []alert.Incident
	Learned   map[string]issue.Learned // by incident
}

// About returns the input without objectives of other names. An incident stays if it is about any
// of them.
func (in Input) About(wanted func(objective string) bool) Input {
	return in.keep(func(objective, _ string) bool { return wanted(objective) })
}

func (in Input) keep(wanted func(objective, service string) bool) Input {
	in.Days = slices.DeleteFunc(slices.Clone(in.Days), func(d alert.Days) bool { return !wanted(d.SLO, d.Service) })
	var kept []alert.Incident
	for _, i := range in.Incidents {
		i.Windows = slices.DeleteFunc(slices.Clone(i.Windows), func(w alert.Window) bool { return !wanted(w.Objective.Name, w.Objective.Service) })
		if len(i.Windows) > 0 {
			kept = append(kept, i)
		}
	}
	in.Incidents = kept
	return in
}

// Of returns the input without objectives of other services.
func (in Input) Of(services ...string) Input {
	return in.keep(func(_, service string) bool { return slices.Contains(services, service) })
}

// Make makes a report. If the period is not over, it is compared with as many days of the one
// before.
func Make(in Input) Report {
	m := maker{Input: in, now: in.Period.until(in.AsOf)}
	m.before = in.Period.Before()
	if m.now != in.Period {
		m.before = m.before.first(m.now.Days())
	}
	m.sort()
	r := Report{
		Period: m.now, Before: m.before, AsOf: in.AsOf.UTC(), Incidents: m.figures(ofService{m.counted, m.noise, m.copies}), Services: []Service{},
		CameBack: m.cameBack(), Repeats: m.repeats(), Bins: m.bins(), Excluded: []Excluded{},
	}
	for _, i := range m.counted {
		if m.now.has(i.onset) && len(i.Causes) > 0 {
			r.Labelled++
		}
	}
	for _, i := range m.excluded {
		if m.now.has(i.onset) {
			r.Excluded = append(r.Excluded, Excluded{i.ref(), *i.Learned.Excluded})
		}
	}
	for _, i := range m.drills {
		if m.now.has(i.onset) {
			r.Drills++
		}
	}
	r.Services = m.services()
	r.leaveOutDays()
	r.Sentences = r.sentences(printable)
	return r
}

// maker sorts incidents by what they count for.
type maker struct {
	Input
	now, before Period

	counted  []incident // none of the others; oldest first, as all lists are
	noise    []incident
	copies   []incident // duplicates
	excluded []incident
	drills   []incident

	byService map[string]*ofService
	windows   map[slo.ID][]breach // as rules found them, of those that count
	without   map[slo.ID][]breach // the same of those that people excluded
}

// incident is an incident with what is learned of it.
type incident struct {
	alert.Incident
	issue.Learned
	onset    time.Time
	services []string // that it is about, by name
}

// ofService are the incidents that are about a service.
type ofService struct{ counted, noise, copies []incident }

// breach is a breach window with the onset of its incident.
type breach struct {
	onset time.Time
	alert.Window
}

func newIncident(i alert.Incident, l issue.Learned) incident {
	in := incident{Incident: i, Learned: l, onset: i.Onset()}
	for _, w := range i.Windows {
		in.services = append(in.services, w.Objective.Service)
	}
	slices.Sort(in.services)
	in.services = slices.Compact(in.services)
	return in
}

func (i incident) ref() Ref { return Ref{ID: i.ID, Onset: i.onset.UTC(), IssueURL: i.URL} }

// sort puts each incident where it counts.
func (m *maker) sort() {
	m.byService, m.windows, m.without = map[string]*ofService{}, map[slo.ID][]breach{}, map[slo.ID][]breach{}
	var all []incident
	for _, i := range m.Incidents {
		all = append(all, newIncident(i, m.Learned[i.ID]))
	}
	slices.SortFunc(all, func(a, b incident) int { return cmp.Or(a.onset.Compare(b.onset), cmp.Compare(a.ID, b.ID)) })
	for _, i := range all {
		switch {
		case i.Drill:
			m.drills = append(m.drills, i)
		case i.Excluded != nil:
			m.excluded = append(m.excluded, i)
			addWindows(m.without, i)
		case i.Triage == issue.Noise:
			m.noise = append(m.noise, i)
			m.each(i, func(s *ofService) { s.noise = append(s.noise, i) })
		case i.Triage == issue.Duplicate:
			m.copies = append(m.copies, i)
			m.each(i, func(s *ofService) { s.copies = append(s.copies, i) })
		default:
			m.counted = append(m.counted, i)
			m.each(i, func(s *ofService) { s.counted = append(s.counted, i) })
			addWindows(m.windows, i)
		}
	}
}

// each calls do with the services of an incident.
func (m *maker) each(i incident, do func(*ofService)) {
	for _, name := range i.services {
		if m.byService[name] == nil {
			m.byService[name] = &ofService{}
		}
		do(m.byService[name])
	}
}

func addWindows(to map[slo.ID][]breach, i incident) {
	for _, w := range i.Windows {
		if w.Kind == alert.Burn {
			to[w.ID()] = append(to[w.ID()], breach{i.onset, w})
		}
	}
}

// services returns all services with an objective or an incident.
func (m *maker) services() []Service {
	newest := map[slo.ID]alert.Days{}
	for _, d := range m.Days {
		if have, ok := newest[d.ID]; len(d.Days) > 0 && (!ok || !lastDay(d).Before(lastDay(have))) {
			newest[d.ID] = d
		}
	}
	byService := map[string]map[slo.ID]alert.Days{}
	add := func(service string, id slo.ID, d alert.Days) {
		if byService[service] == nil {
			byService[service] = map[slo.ID]alert.Days{}
		}
		byService[service][id] = d
	}
	for _, i := range m.counted {
		for _, w := range i.Windows {
			if _, known := newest[w.ID()]; !known && (m.now.has(i.onset) || m.before.has(i.onset)) {
				add(w.Objective.Service, w.ID(), alert.Days{ID: w.ID(), Service: w.Objective.Service, Target: w.Objective.Target})
			}
		}
	}
	for id, d := range newest {
		add(d.Service, id, d)
	}
	all := []Service{}
	for _, name := range slices.Sorted(maps.Keys(byService)) {
		s := Service{Name: name, Objectives: []Objective{}}
		if of := m.byService[name]; of != nil {
			s.Incidents = m.figures(*of)
		} else {
			s.Incidents = m.figures(ofService{})
		}
		for _, id := range slices.SortedFunc(maps.Keys(byService[name]), slo.ID.Compare) {
			s.Objectives = append(s.Objectives, m.objective(byService[name][id]))
		}
		all = append(all, s)
	}
	return all
}

func lastDay(d alert.Days) time.Time {
	return slices.MaxFunc(d.Days, func(a, b slo.Day) int { return a.Date.Compare(b.Date) }).Date
}

func (m *maker) objective(d alert.Days) Objective {
	o := Objective{
		SLO: d.SLO, Labels: d.Labels.Map(), Now: m.attained(d, m.now), Before: m.attained(d, m.before), Days: []Day{},
		name: d.ID.String(), target: d.Target.Float(),
	}
	if !d.Target.IsZero() {
		o.Target = json.Number(d.Target.String())
	}
	for _, of := range slices.SortedFunc(slices.Values(d.Days), func(a, b slo.Day) int { return cmp.Compare(a.Date.Unix(), b.Date.Unix()) }) {
		if m.now.has(of.Date) {
			o.Days = append(o.Days, Day{Date: of.Date.Format(time.DateOnly), Total: of.Total, Bad: of.Bad, Blind: of.Blind.Seconds(), at: of.Date})
		}
	}
	return o
}
