package storetest

import (
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

var pageCases = map[string]func(*fixture){
	"a new store has none": func(f *fixture) {
		f.open()
		f.page(alert.IncidentPage{Limit: 1})
		f.byID([]string{"a"})
		f.byID(nil)
	},
	"open ones and recovered ones, newest onset first": func(f *fixture) {
		f.commitIncidents(incident("b", 1, 2, 0), incident("d", 1, 4, 9), incident("a", 1, 1, 8), incident("c", 1, 3, 0))
		f.open("c", "b")
		f.page(alert.IncidentPage{Limit: 10}, "d", "a")
	},
	"one that recovers, and one that comes back": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 0), incident("b", 1, 2, 9))
		f.commitIncidents(incident("a", 2, 1, 5), incident("b", 2, 2, 0))
		f.open("b")
		f.page(alert.IncidentPage{Limit: 10}, "a")
	},
	"page after page": func(f *fixture) {
		var all []alert.Incident
		for n := range 25 {
			// Five at a time have the same onset.
			all = append(all, incident(fmt.Sprintf("%02d", n), 1, 20-n/5, 30))
		}
		f.commitIncidents(all...)
		for _, limit := range []int{1, 2, 5, 7, 25, 100} {
			var found []string
			page := alert.IncidentPage{Limit: limit}
			for range 26 {
				some := f.onPage(page)
				if len(some) > limit {
					f.Fatalf("%d incidents on a page of %d", len(some), limit)
				}
				found = append(found, ids(some)...)
				if len(some) < limit {
					break
				}
				last := some[len(some)-1]
				page.After = alert.IncidentPosition{Onset: last.Onset(), ID: last.ID}
			}
			f.same(fmt.Sprint("in pages of ", limit), ids(all), found)
		}
	},
	"a page goes on where it was although there are newer ones": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 9), incident("b", 1, 2, 9), incident("c", 1, 3, 9))
		f.page(alert.IncidentPage{Limit: 1}, "c")
		f.commitIncidents(incident("d", 1, 4, 9))
		f.page(alert.IncidentPage{Limit: 1, After: alert.IncidentPosition{Onset: tick(3), ID: "c"}}, "b")
	},
	"a page after one that is gone": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 9), incident("c", 1, 2, 9))
		f.page(alert.IncidentPage{Limit: 9, After: alert.IncidentPosition{Onset: tick(2), ID: "b"}}, "c", "a")
		f.page(alert.IncidentPage{Limit: 9, After: alert.IncidentPosition{Onset: tick(2), ID: "d"}}, "a")
	},
	"those that were going on at some time between start and end": func(f *fixture) {
		f.commitIncidents(incident("long", 1, 1, 90), incident("early", 1, 2, 4), incident("into", 1, 3, 6), incident("within", 1, 6, 7),
			incident("out of", 1, 8, 12), incident("late", 1, 10, 11))
		for name, tc := range map[string]struct {
			start, end int
			want       []string
		}{
			"all":     {0, 0, []string{"late", "out of", "within", "into", "early", "long"}},
			"since":   {5, 0, []string{"late", "out of", "within", "into", "long"}},
			"before":  {0, 8, []string{"within", "into", "early", "long"}},
			"between": {5, 10, []string{"out of", "within", "into", "long"}},
			"the end of one is not in it, the onset is": {4, 9, []string{"out of", "within", "into", "long"}},
			"after the last end":                        {90, 0, nil}, "before the first onset": {0, 1, nil}, "backwards": {10, 5, []string{"long"}},
		} {
			got := f.onPage(alert.IncidentPage{Start: tick(tc.start), End: tick(tc.end), Limit: 10})
			f.same(name, tc.want, ids(got))
		}
		f.page(alert.IncidentPage{Start: tick(5), End: tick(10), Limit: 2, After: alert.IncidentPosition{Onset: tick(6), ID: "within"}}, "into", "long")
	},
	"of one group": func(f *fixture) {
		a, b, c := incident("a", 1, 1, 9), incident("b", 1, 2, 9), incident("c", 1, 3, 9)
		a.Group, c.Group = "größe ☃", "größe ☃"
		f.commitIncidents(a, b, c)
		f.page(alert.IncidentPage{Limit: 10, Group: "größe ☃"}, "c", "a")
		f.page(alert.IncidentPage{Limit: 10, Group: "größe ☃", After: alert.IncidentPosition{Onset: tick(3), ID: "c"}}, "a")
		f.page(alert.IncidentPage{Limit: 10, Group: "none"})
	},
	"a zero onset is on the last page": func(f *fixture) {
		f.commitIncidents(incident("zero", 1, 0, 2), incident("new", 1, 1, 2))
		f.page(alert.IncidentPage{Limit: 1, After: alert.IncidentPosition{Onset: tick(1), ID: "new"}}, "zero")
		f.page(alert.IncidentPage{Limit: 9, Start: tick(1)}, "new", "zero")
	},
	"a page of none is an error": func(f *fixture) {
		if _, err := f.RecoveredIncidents(f.Context(), alert.IncidentPage{}); err == nil {
			f.Error("no error")
		}
	},
	"by ID, open or not": func(f *fixture) {
		f.commitIncidents(incident("größe-☃", 3, 1, 9), incident("'--", 1, 2, 0), incident("c", 1, 3, 9))
		f.byID([]string{"größe-☃", "'--", "missing", "größe-☃"}, "'--", "größe-☃")
		got, err := f.IncidentsByID(f.Context(), []string{"größe-☃"})
		f.same("error", error(nil), err)
		f.same("incident", []alert.Incident{incident("größe-☃", 3, 1, 9)}, got)
	},
}

var summaryCases = map[string]func(*fixture){
	"it is that of the incident's publication, as it was saved last": func(f *fixture) {
		storm := publication("a", 1, issue.Posted, issue.Wanted)
		storm.Kind, storm.Triage, storm.Parts = issue.Storm, issue.Noise, parts(1, "a", "b")
		single := publication("größe-☃", 1, issue.Posted)
		for _, p := range []issue.Publication{storm, single, publication("other", 1)} {
			f.save(p)
		}
		single.Writes[0].Ref.URL, single.Triage = "postmortems/größe-☃.md", issue.Completed
		f.save(single)
		got, err := f.Summaries(f.Context(), []string{"b", "a", "größe-☃", "missing", "a"})
		f.same("error", error(nil), err)
		f.same("summaries", map[string]issue.Summary{"a": storm.Summary(), "b": storm.Summary(), "größe-☃": single.Summary()}, got)
	},
	"of nothing, and of no incident": func(f *fixture) {
		for _, ids := range [][]string{nil, {"a"}} {
			got, err := f.Summaries(f.Context(), ids)
			f.same("error", error(nil), err)
			f.same("summaries", map[string]issue.Summary{}, got)
		}
	},
}

func (f *fixture) onPage(page alert.IncidentPage) []alert.Incident {
	f.Helper()
	found, err := f.RecoveredIncidents(f.Context(), page)
	if err != nil {
		f.Fatalf("reading a page: %v", err)
	}
	return found
}

// page checks the incidents on a page.
func (f *fixture) page(page alert.IncidentPage, want ...string) {
	f.Helper()
	f.same(fmt.Sprintf("page %+v", page), want, ids(f.onPage(page)))
}

// open checks the open incidents.
func (f *fixture) open(want ...string) {
	f.Helper()
	found, err := f.OpenIncidents(f.Context())
	f.same("error", error(nil), err)
	f.same("open incidents", want, ids(found))
}

// byID checks which of some incidents exist.
func (f *fixture) byID(of []string, want ...string) {
	f.Helper()
	found, err := f.IncidentsByID(f.Context(), of)
	f.same("error", error(nil), err)
	f.same("incidents by ID", want, ids(found))
}
