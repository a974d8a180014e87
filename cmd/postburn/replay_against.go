package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/compare"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/humanize"
	"github.com/postburn/postburn/web"
)

// comparison holds the difference between what new and old SLO files would have opened.
type comparison struct {
	old, now  outcome
	pairs     []compare.Pair
	told      []compare.Objective
	without   []string // objectives and label sets without incidents in either
	redefined []redefinition
}

// redefinition is what changed of an objective.
type redefinition struct {
	SLO     string   `json:"slo"`
	Change  string   `json:"change"`            // "added", "removed" or "changed"
	Changes []string `json:"changes,omitempty"` // see alert.Changes
}

func compareOutcomes(old, now outcome) *comparison {
	d := &comparison{old: old, now: now, pairs: compare.Pairs(old.Incidents, now.Incidents, now.span.End)}
	told, without := compare.ByObjective(d.pairs, slices.Concat(old.Statuses, now.Statuses)...)
	d.told = told
	for _, id := range without {
		d.without = append(d.without, id.String())
	}
	d.redefined = redefinitions(old.definitions, now.definitions)
	return d
}

// redefinitions returns what changed, in the order of the new files, then what was removed.
func redefinitions(old, now []config.Definition) (all []redefinition) {
	find := func(in []config.Definition, name string) int {
		return slices.IndexFunc(in, func(d config.Definition) bool { return d.Objective.Name == name })
	}
	for _, d := range now {
		i := find(old, d.Objective.Name)
		if i < 0 {
			all = append(all, redefinition{SLO: d.Objective.Name, Change: "added"})
		} else if changes := alert.Changes(old[i].Alert(), d.Alert()); len(changes) > 0 {
			all = append(all, redefinition{d.Objective.Name, "changed", changes})
		}
	}
	for _, d := range old {
		if find(now, d.Objective.Name) < 0 {
			all = append(all, redefinition{SLO: d.Objective.Name, Change: "removed"})
		}
	}
	return all
}

// text returns what changed, in words.
func (r redefinition) text() string {
	if len(r.Changes) == 0 {
		return r.Change
	}
	return strings.Join(r.Changes, ", ")
}

// summary returns what the new files would have opened, in one line.
func (d *comparison) summary() string {
	text := headline(d.now)
	before := fmt.Sprintf(" instead of %d", len(d.old.Incidents))
	if len(d.old.Incidents) == len(d.now.Incidents) {
		before = ", as many as before,"
	}
	return strings.Replace(text, " in ", before+" in ", 1)
}

// headline returns "7 incidents in 30 days; 2 would have been severity 1; one storm".
func headline(o outcome) string {
	text := humanize.Plural(len(o.Incidents), "incident")
	if len(o.Incidents) == 0 {
		text = "No incidents"
	}
	parts := []string{text + " in " + humanize.Duration(o.span.End.Sub(o.span.Start))}
	levels := map[int]int{}
	for _, i := range o.Incidents {
		levels[i.Severity()]++
	}
	verb := " would have been severity "
	for level := 1; level <= alert.MaxSeverity; level++ {
		if n := levels[level]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s%d", n, verb, level))
			verb = " severity "
		}
	}
	switch n := len(stormsOf(o.Incidents)); {
	case n == 1:
		parts = append(parts, "one storm")
	case n > 1:
		parts = append(parts, humanize.Plural(n, "storm"))
	}
	return strings.Join(parts, "; ")
}

// changes returns "4 new, 1 gone and 2 longer"; empty if nothing differs.
func (d *comparison) changes() string {
	counts := map[compare.Change]int{}
	for _, p := range d.pairs {
		counts[p.Change]++
	}
	var parts []string
	for _, c := range []compare.Change{compare.New, compare.Gone, compare.Longer, compare.Shorter, compare.Same} {
		switch n := counts[c]; {
		case n > 0 && c == compare.Same:
			parts = append(parts, fmt.Sprintf("%d as long as before", n))
		case n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", n, c))
		}
	}
	return humanize.List(parts)
}

// row describes one incident, or a pair of them. Its numbers are those of the worst window.
type row struct {
	change, id, objective, kind, onset, lasted, bad, spent, severity, form string
	caveats                                                                []string
}

// rowOf describes an incident.
func (o outcome) rowOf(i alert.Incident) row {
	w := i.Worst()
	r := row{
		id: i.ID, objective: w.ID().String(), kind: string(w.Kind), onset: i.Onset().UTC().Format(time.DateTime),
		lasted: "still open", bad: humanize.Count(w.Bad) + " of " + humanize.Count(w.Total), spent: humanize.Percent(w.BudgetSpent),
		severity: "none", form: o.form(i), caveats: caveatsOf(i),
	}
	if !i.IsOpen() {
		r.lasted = humanize.ShortDuration(compare.Length(i, o.span.End))
	}
	if n := i.Severity(); n > 0 {
		r.severity = fmt.Sprint(n)
	}
	return r
}

// rowOf describes a pair: what the old files would have opened is said where it differs.
func (d *comparison) rowOf(p compare.Pair) row {
	if p.New == nil {
		r := d.old.rowOf(*p.Old)
		r.change = string(p.Change)
		return r
	}
	r := d.now.rowOf(*p.New)
	r.change = string(p.Change)
	if p.Old == nil {
		return r
	}
	was := d.old.rowOf(*p.Old)
	for _, field := range []struct {
		now *string
		was string
	}{{&r.lasted, was.lasted}, {&r.severity, was.severity}, {&r.form, was.form}} {
		if *field.now != field.was {
			*field.now += " (was " + field.was + ")"
		}
	}
	return r
}

// caveatsOf returns the caveats of all windows of an incident, each sentence once.
func caveatsOf(i alert.Incident) (all []string) {
	for _, w := range i.Windows {
		for _, c := range w.Caveats {
			if text := c.String(); !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

// compared is the JSON form of a comparison. Old is what the old files would have opened.
type compared struct {
	Summary     string         `json:"summary"`
	Definitions []redefinition `json:"definitions"`
	Differences []difference   `json:"differences"`
	Old         struct {
		Objectives []web.Objective `json:"objectives"`
		Incidents  []web.Incident  `json:"incidents"`
		Storms     []storm         `json:"storms"`
	} `json:"old"`
}

// difference is the JSON form of a pair. Old or New is null if these files would not have opened
// it.
type difference struct {
	Change compare.Change    `json:"change"`
	SLO    string            `json:"slo"` // of its worst window
	Labels map[string]string `json:"labels"`
	Old    *side             `json:"old"`
	New    *side             `json:"new"`
}

// side is an incident of a pair; all else about it is in the list of incidents.
type side struct {
	ID            string    `json:"id"`
	Onset         time.Time `json:"onset"`
	LastedSeconds float64   `json:"lasted_seconds"` // until the replay's end if it is open
	Severity      *int      `json:"severity"`       // null: none
	Issue         string    `json:"issue"`          // its form: "post-mortem" or "record"
	Caveats       []string  `json:"caveats"`
}

func (d *comparison) view() *compared {
	v := &compared{Summary: d.summary(), Definitions: d.redefined, Differences: []difference{}}
	if v.Definitions == nil {
		v.Definitions = []redefinition{}
	}
	v.Old.Objectives, v.Old.Incidents = web.ViewObjectives(d.old.Statuses), web.ViewIncidents(d.old.Incidents, nil)
	v.Old.Storms = stormsOf(d.old.Incidents)
	for _, p := range d.pairs {
		id := p.Objective()
		v.Differences = append(v.Differences, difference{p.Change, id.SLO, id.Labels.Map(), d.old.side(p.Old), d.now.side(p.New)})
	}
	return v
}

func (o outcome) side(i *alert.Incident) *side {
	if i == nil {
		return nil
	}
	s := &side{ID: i.ID, Onset: i.Onset(), LastedSeconds: compare.Length(*i, o.span.End).Seconds(), Issue: o.form(*i), Caveats: caveatsOf(*i)}
	if n := i.Severity(); n > 0 {
		s.Severity = &n
	}
	if s.Caveats == nil {
		s.Caveats = []string{}
	}
	return s
}
