package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// How many incidents the list of them shows on a page.
const (
	listedOpen      = 200
	listedRecovered = 50
)

// incidentList is as many incidents as are shown.
type incidentList struct {
	Root    string // relative address of the first page
	Caption string
	Rows    []incidentRow
	All     int // how many there are, if that is known; else as many as there are rows
}

// listView is the page of incidents, page by page.
type listView struct {
	page
	Query           string // words that have to be in an incident
	Start, End      string // as they were asked for
	Group, State    string // as they were asked for
	Service, Triage string // as they were asked for
	Severity        int    // 0: any
	Severities      []int
	Triages         []triageChoice
	Filtered        bool
	First           bool // it is the first page
	HasOpen         bool // it is about open incidents
	HasRecovered    bool // it is about incidents that are over
	Open, Recovered incidentList
	Newest          string    // the relative address of the first page
	Next            string    // that of the page of older ones; empty on the last
	Searched        time.Time // onset of the last incident searched for the words; zero: all were
}

// triageChoice is what people may have said of an incident.
type triageChoice struct{ Value, Text string }

var triageChoices = []triageChoice{
	{untriaged, "nothing yet"}, {string(issue.Completed), "completed"}, {string(issue.Noise), "noise: not planned"}, {string(issue.Duplicate), "duplicate"},
	{string(issue.Transferred), "transferred"}, {string(issue.Deleted), "deleted"},
}

// incidents shows the open incidents and then, page by page, those that are over.
func (h pageHandler) incidents(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "./")
		return
	}
	now, query := time.Now(), r.URL.Query()
	ask, err := incidentRequestOf(query)
	var only incidentFilter
	if err == nil {
		only, err = incidentFilterOf(query)
	}
	if err != nil {
		h.show(w, http.StatusBadRequest, "message", message{
			page{Title: "No such page of incidents · postburn", Root: "./", Now: now}, "No such page of incidents", shown(err.Error()) + ".",
		})
		return
	}
	v, err := newListView(r.Context(), now, d, ask, only, query)
	if err != nil {
		h.unreadable(w, "./", fmt.Errorf("reading incidents: %w", err))
		return
	}
	h.show(w, http.StatusOK, "incidents-page", v)
}

func newListView(ctx context.Context, now time.Time, d *Data, ask incidentRequest, only incidentFilter, query url.Values) (listView, error) {
	f := filterOf(query)
	v := listView{
		page:  page{Title: "Incidents · postburn", Root: "./", Now: now},
		Query: f.Query, Start: query.Get("start"), End: query.Get("end"), First: query.Get("cursor") == "",
		Group: ask.Group, State: query.Get("state"), HasOpen: ask.open, HasRecovered: ask.recovered, Newest: listAddress(query, ""),
		Service: only.service, Severity: only.severity, Triage: only.triage, Triages: triageChoices,
		Filtered: len(f.words) > 0 || only != (incidentFilter{}) || !ask.Start.IsZero() || !ask.End.IsZero() || ask.Group != "" || query.Get("state") != "",
	}
	for n := range alert.MaxSeverity {
		v.Severities = append(v.Severities, n+1)
	}
	keep := f.keeper(only.keeper(d.Store))
	ask.Limit = listedRecovered
	blind := d.standing(ctx, now).blind
	if ask.open {
		open, err := readOpen(ctx, d.Store, ask.IncidentPage, keep)
		if err != nil {
			return v, err
		}
		v.Open = newIncidentList(now, "Open incidents, newest first", open, listedOpen, blind)
	}
	if ask.recovered {
		over, next, err := searchPage(ctx, d.Store, ask.IncidentPage, keep)
		if err != nil {
			return v, err
		}
		v.Recovered = newIncidentList(now, "Incidents that are over, newest first", over, len(over), blind)
		if next != "" {
			v.Next = listAddress(query, next)
		}
		if next != "" && len(over) < ask.Limit {
			at, _ := readCursor(next) // it was made just now
			v.Searched = at.Onset
		}
	}
	return v, addSummaries(ctx, d.Store, v.Open.Rows, v.Recovered.Rows)
}

// listAddress returns the relative address of a page of incidents.
func listAddress(query url.Values, next string) string {
	kept := url.Values{}
	for _, name := range []string{"q", "start", "end", "group", "state", "service", "severity", "triage"} {
		if value := query.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	if next != "" {
		kept.Set("cursor", next)
	}
	if len(kept) == 0 {
		return "./incidents"
	}
	return "./incidents?" + kept.Encode()
}

// newIncidentList makes rows of the first incidents.
func newIncidentList(now time.Time, caption string, incidents []alert.Incident, most int, blind map[slo.ID]bool) incidentList {
	l := incidentList{Root: "./", Caption: caption, All: len(incidents)}
	for _, i := range incidents[:min(len(incidents), most)] {
		l.Rows = append(l.Rows, newIncidentRow(now, i, blind))
	}
	return l
}

// addSummaries adds what is known of the incidents' issues.
func addSummaries(ctx context.Context, store Store, lists ...[]incidentRow) error {
	var ids []string
	for _, rows := range lists {
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	}
	summaries, err := store.Summaries(ctx, ids)
	if err != nil {
		return fmt.Errorf("reading what is published: %w", err)
	}
	for _, rows := range lists {
		for i := range rows {
			rows[i].addSummary(summaries[rows[i].ID])
		}
	}
	return nil
}
