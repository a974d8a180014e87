package web

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// Limits of what a page shows, so that it stays readable with 10,000 objectives.
const (
	maxRows   = 200 // objectives of a section
	maxOpen   = 50  // open incidents
	maxRecent = 20  // incidents that are over
	maxQuery  = 200 // characters to filter by
)

// overview is the first page.
type overview struct {
	page
	Summary      string // the title's, as a heading
	StoreProblem string // what is wrong with the store; empty: nothing
	SLOFiles     SLOFiles
	OtherChanges int // of the SLO files, besides those that are shown
	Stuck        *stuck
	Refusal      string         // why an objective can't be read; empty: not known
	Refusals     []sourceFaults // the same by source, if there are several
	Counts       []stateCount
	All          int       // objectives
	Newest       time.Time // the last tick of any objective; zero if there is none
	Unread       int       // blind objectives whose samples can't be had, or lag behind
	Estimated    int       // objectives whose budget is estimated in part
	Backfilling  int       // objectives whose past is still being read
	Filter       filter
	Open, Recent incidentList
	Older        bool   // there are older incidents that are over, besides those that are shown
	Incidents    string // relative address of the list of all incidents matching the filter
	Sections     []section
	Columns      []column // of the tables of objectives
	Unsorted     string   // the relative address of the page by service
}

// stateCount is how many objectives are in a state, whatever the filter.
type stateCount struct {
	State alert.State
	N     int
}

// section holds the objectives in one condition, such as burning, by service.
type section struct {
	ID, Heading, About string
	Services           []service
	Shown, All         int // that match the filter
}

// service is a service's objectives in a section.
type service struct {
	Name string
	All  bool // these are the objectives of all services
	Rows []objectiveRow
}

// newOverview makes the page of objectives, of open incidents, and of the newest ones that are
// over.
func newOverview(ctx context.Context, now time.Time, d *Data, f filter) (overview, error) {
	standing := d.standing(ctx, now)
	o := overview{page: page{Root: "./", Now: now}, StoreProblem: d.storeProblem(), All: len(standing.all), Filter: f}
	o.SLOFiles, o.OtherChanges = d.sloFiles(now)
	if err := o.addTroubles(ctx, d); err != nil {
		return o, err
	}
	open, err := d.openIncidents(ctx)
	if err != nil {
		return o, err
	}
	past, err := d.recentBreaches(ctx, now, open)
	if err != nil {
		return o, err
	}
	o.addObjectives(standing.all, shownBy{now, openIncidents(open.incidents), past})
	return o, o.addIncidents(ctx, now, d.Store, slices.Clone(open.incidents), standing.blind)
}

// addObjectives puts the objectives that match the filter into sections, and counts all of them.
func (o *overview) addObjectives(statuses []alert.Status, by shownBy) {
	sections := []section{
		{ID: "burning", Heading: "Burning", About: "A breach window is open: the target is being missed, or the error budget burns too fast."},
		{ID: "blind", Heading: "Blind", About: "There is no data, or it can't be read. That is not “fine”: nobody knows how these objectives are doing."},
		{ID: "quiet", Heading: "Quiet", About: "There is far less traffic than in the same hours of the day and the week before: do requests still get through?"},
		{ID: "spent", Heading: "Error budget spent", About: "No breach is open, and nothing of the window's error budget is left."},
		{ID: "ok", Heading: "OK", About: "There is data, no breach is open, and some error budget is left."},
	}
	n, matching := map[alert.State]int{}, map[string][]alert.Status{}
	for _, s := range statuses {
		n[s.State]++
		if s.Tick.After(o.Newest) {
			o.Newest = s.Tick
		}
		if s.State == alert.Blind && !s.BlindSince.IsZero() && s.BlindSince.Equal(s.Tick) {
			o.Unread++
		}
		if s.Estimated > 0 {
			o.Estimated++
		}
		if s.Unread > 0 {
			o.Backfilling++
		}
		if (o.Filter.State == "" || o.Filter.State == s.State) && o.Filter.matchesObjective(s.Objective, s.Labels) {
			matching[s.Objective.Name] = append(matching[s.Objective.Name], s)
		}
	}
	o.Columns, o.Unsorted = o.Filter.columns(), o.Filter.address(sorting{})
	found := make([][]labelSets, len(sections))
	for _, sets := range matching {
		worstFirst(sets)
		at := sectionOf(sets[0])
		found[at] = append(found[at], sets)
	}
	for _, state := range []alert.State{alert.Burning, alert.Blind, alert.Quiet, alert.OK} {
		o.Counts = append(o.Counts, stateCount{state, n[state]})
	}
	o.Summary = summary(n[alert.Burning], n[alert.Blind], n[alert.Quiet], len(statuses))
	o.Title = o.Summary + " · postburn"
	if o.Filter.Sort.Key != "" {
		o.Sections = []section{o.Filter.sorted(found, by)}
		return
	}
	for i, s := range sections {
		if s.fill(found[i], by); s.All > 0 {
			o.Sections = append(o.Sections, s)
		}
	}
}

// summary says first what needs attention; it is the page's title.
func summary(burning, blind, quiet, all int) string {
	var parts []string
	for _, part := range []stateCount{{alert.Burning, burning}, {alert.Blind, blind}, {alert.Quiet, quiet}} {
		if part.N > 0 {
			parts = append(parts, humanize.Number(float64(part.N))+" "+string(part.State))
		}
	}
	switch {
	case all == 0:
		return "No objectives"
	case len(parts) == 0:
		return humanize.Plural(all, "objective") + " ok"
	}
	return strings.Join(parts, ", ") + " of " + humanize.Plural(all, "objective")
}

func sectionOf(s alert.Status) int {
	switch {
	case s.State == alert.Burning:
		return 0
	case s.State == alert.Quiet:
		return 2
	case s.State != alert.OK:
		return 1
	case s.BudgetRemaining <= 0:
		return 3
	}
	return 4
}

// fill makes rows of the first objectives, by service.
func (s *section) fill(objectives []labelSets, by shownBy) {
	slices.SortFunc(objectives, func(a, b labelSets) int {
		return cmp.Or(cmp.Compare(a[0].Objective.Service, b[0].Objective.Service), cmp.Compare(a[0].Objective.Name, b[0].Objective.Name))
	})
	s.All, s.Shown = len(objectives), min(len(objectives), maxRows)
	for _, sets := range objectives[:s.Shown] {
		name := shown(sets[0].Objective.Service)
		if n := len(s.Services); n == 0 || s.Services[n-1].Name != name {
			s.Services = append(s.Services, service{Name: name})
		}
		at := &s.Services[len(s.Services)-1]
		at.Rows = append(at.Rows, by.row(sets))
	}
}

// openIncidents are the IDs of the open incidents, by the objectives whose breach windows are open.
func openIncidents(incidents []alert.Incident) map[slo.ID]string {
	open := map[slo.ID]string{}
	for _, i := range incidents {
		for _, w := range i.Windows {
			if w.IsOpen() && open[w.ID()] == "" {
				open[w.ID()] = i.ID
			}
		}
	}
	return open
}

// blindOnes are the objectives that are blind now.
func blindOnes(statuses []alert.Status) map[slo.ID]bool {
	blind := map[slo.ID]bool{}
	for _, s := range statuses {
		if s.State == alert.Blind {
			blind[slo.ID{SLO: s.Objective.Name, Labels: s.Labels}] = true
		}
	}
	return blind
}

// addIncidents adds the open incidents and the newest of the others, as far as they match the
// filter.
func (o *overview) addIncidents(ctx context.Context, now time.Time, store Store, open []alert.Incident, blind map[slo.ID]bool) error {
	keep := o.Filter.keeper(nil)
	open, _ = keep.of(ctx, open) // it asks nobody
	o.Open = newIncidentList(now, "Open incidents, newest first", open, maxOpen, blind)
	over, next, err := searchPage(ctx, store, alert.IncidentPage{Limit: maxRecent}, keep)
	if err != nil {
		return err
	}
	o.Recent = newIncidentList(now, "Incidents that are over, newest first", over, maxRecent, blind)
	if o.Older = next != ""; o.Older {
		o.Recent.Caption = "The newest incidents that are over"
	}
	o.Incidents = listAddress(url.Values{"q": {o.Filter.Query}}, "")
	return addSummaries(ctx, store, o.Open.Rows, o.Recent.Rows)
}
