package web

import (
	"cmp"
	"html/template"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxWindows is how many breach windows an incident's page shows.
const maxWindows = 100

// incidentRow is a row of a list of incidents.
type incidentRow struct {
	Incident
	Name       string // of its group
	Headline   windowRow
	Others     int // windows besides the headline's
	Severity   int // 0: none
	Lasted     time.Duration
	Unseen     int   // open breach windows of objectives that are blind now
	Number     int64 // of the issue; 0 if the tracker counts none
	TriageText string
	SharedBy   int // how many incidents share the issue; 0: it is for this one alone

	incident alert.Incident
}

// incidentView is the page of an incident.
type incidentView struct {
	page
	incidentRow
	WorstFirst []windowRow
	Current    *objectiveRow // how the headline's objective stands while it is open; nil: not known
	AsOf       time.Time     // of Current
	Hidden     int           // windows that are not shown
	Evidence   evidenceView
	WaitsFor   string // why its issue is not up to date; empty: nothing is known to be wrong
	FollowUps  []followUpRow

	PostMortem   template.HTML // sanitised; empty: none, or it is on a page of its own
	NoPostMortem string        // why it can't be read

	Refused string // why its issue does not use the template; empty: it does, or no template
}

// windowRow is a breach window on a page.
type windowRow struct {
	Window
	Name                                        objectiveName
	Page                                        string // relative address of the objective's page, from the first one
	Service, Owner, Description, Target, Period string
	KindText                                    string
	Unknown                                     bool // about missing data: counts are what is known
	BudgetLeft                                  float64
	Severity                                    int
	Lasted                                      time.Duration
	Unseen                                      bool // it is open, and its objective is blind now
	PhaseRows                                   []phaseRow
	Links                                       []namedLink
}

// phaseRow is a phase on a page.
type phaseRow struct {
	Phase
	slo.Counts
	Meaning string
	Lasted  time.Duration
}

// namedLink is a link of the SLO file's.
type namedLink struct{ Name, URL string }

func newIncidentRow(now time.Time, i alert.Incident, blind map[slo.ID]bool) incidentRow {
	r := incidentRow{
		Incident: Incident{ID: i.ID, State: stateOf(i), Onset: i.Onset(), Detected: i.Detected(), Ended: present(i.Ended())},
		Name:     shown(i.Group), Headline: newWindowRow(now, issue.Headline(i), blind), Others: len(i.Windows) - 1, Severity: i.Severity(),
		Lasted: until(now, i.Ended()).Sub(i.Onset()), incident: i,
	}
	for _, w := range i.Windows {
		if w.IsOpen() && blind[w.ID()] {
			r.Unseen++
		}
	}
	return r
}

func newIncidentView(now time.Time, i alert.Incident, blind map[slo.ID]bool) incidentView {
	v := incidentView{page: page{Root: "../", Now: now}, incidentRow: newIncidentRow(now, i, blind)}
	v.Title = v.State + ": " + v.Name + " · postburn"
	worst := slices.SortedStableFunc(slices.Values(i.Windows), func(a, b alert.Window) int {
		return cmp.Or(a.Kind.Compare(b.Kind), -cmp.Compare(a.BudgetSpent, b.BudgetSpent), a.Onset.Compare(b.Onset))
	})
	v.Hidden = max(0, len(worst)-maxWindows)
	for _, w := range worst[:len(worst)-v.Hidden] {
		v.WorstFirst = append(v.WorstFirst, newWindowRow(now, w, blind))
	}
	return v
}

// addCurrent adds how the objective of an open incident's headline stands now.
func (v *incidentView) addCurrent(now time.Time, standing *standing) {
	headline := issue.Headline(v.incident).ID()
	for _, s := range standing.byName[headline.SLO] {
		if s.Labels == headline.Labels && v.incident.IsOpen() && s.State != alert.Blind {
			row := newObjectiveRow(now, s, nil)
			v.Current, v.AsOf = &row, s.Tick
		}
	}
}

func newWindowRow(now time.Time, w alert.Window, blind map[slo.ID]bool) windowRow {
	o := w.Objective
	w.Phases = issue.JoinPhases(w.Phases)
	r := windowRow{
		Window: viewWindow(w), Name: nameOf(w.ID()), Page: objectiveAddress(w.ID(), 0), Service: shown(o.Service), Owner: shown(o.Owner), Description: shown(o.Description),
		Target: unbroken(o.Target.Percent()), Period: o.Window.String(), KindText: kindText(w.Kind), Unknown: w.Kind == alert.Blindness,
		BudgetLeft: w.BudgetLeft, Severity: w.Severity, Lasted: until(now, w.Ended).Sub(w.Onset), Unseen: w.IsOpen() && blind[w.ID()],
	}
	for i, p := range w.Phases {
		meaning := map[alert.PhaseKind]string{
			alert.Outage: "at least half of the events were bad", alert.Degraded: "more events were bad than the target allows",
			alert.BlindGap: "there was no data",
		}[p.Kind]
		r.PhaseRows = append(r.PhaseRows, phaseRow{r.Phases[i], p.Counts, meaning, p.End.Sub(p.Start)})
	}
	r.Links = linksOf(o.Links)
	return r
}

// linksOf returns an objective's links by name, without those that are no links.
func linksOf(links map[string]string) (all []namedLink) {
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if address := link(links[name]); address != "" {
			all = append(all, namedLink{shown(name), address})
		}
	}
	return all
}

// until is the end, or now if there is none yet.
func until(now, end time.Time) time.Time {
	if end.IsZero() {
		return now
	}
	return end
}
