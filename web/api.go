package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Recovered incidents in an answer of the API: by default, and at most.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// endpoints returns those of the API by path. Each is described in openapi.json.
func (h apiHandler) endpoints() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/api/v1/incidents":      h.incidents,
		"/api/v1/incidents/{id}": h.incident,
		"/api/v1/openapi.json":   h.description,
		"/api/v1/report":         h.report,
		"/api/v1/slos":           h.objectives,
		"/api/v1/slos/{name}":    h.objective,
		"/api/v1/status":         h.status,
	}
}

// incidentsAnswer is a page of incidents.
type incidentsAnswer struct {
	// Newest onset first.
	Incidents []Incident `json:"incidents"`
	// The cursor of the next page; absent on the last one.
	Next string `json:"next,omitempty"`
}

// incidents answers with a page of recovered incidents. The first page has all open ones as well,
// so that no limit hides that something is burning.
func (h apiHandler) incidents(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	ask, err := incidentRequestOf(r.URL.Query())
	if err != nil {
		h.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	only, err := incidentFilterOf(r.URL.Query())
	if err != nil {
		h.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	incidents, next, err := readIncidents(r.Context(), d.Store, ask, only.keeper(d.Store))
	if err != nil {
		h.storeFails(w, err)
		return
	}
	h.json(w, http.StatusOK, incidentsAnswer{h.views(r.Context(), d, incidents), next})
}

// incident answers with one incident.
func (h apiHandler) incident(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	incidents, err := d.Store.IncidentsByID(r.Context(), []string{r.PathValue("id")})
	switch {
	case err != nil:
		h.storeFails(w, err)
	case len(incidents) == 0:
		h.fail(w, http.StatusNotFound, "no such incident")
	default:
		view := h.views(r.Context(), d, incidents)[0]
		p, _, err := d.Store.Publication(r.Context(), view.ID)
		if err != nil {
			h.logger.Error("reading a publication for the API", "err", err)
		}
		view.FollowUps = viewFollowUps(p.FollowUps)
		found, ok, err := p.Parts.Evidence(view.ID)
		if err != nil {
			h.logger.Error("reading evidence for the API", "incident", view.ID, "err", err)
		}
		if ok {
			view.Evidence = viewEvidence(found)
		}
		h.json(w, http.StatusOK, view)
	}
}

// views makes the JSON form of incidents, without their issues if these can't be read.
func (h apiHandler) views(ctx context.Context, d *Data, incidents []alert.Incident) []Incident {
	summaries, err := d.Store.Summaries(ctx, idsOf(incidents))
	if err != nil {
		h.logger.Error("reading publications for the API", "err", err)
	}
	views := ViewIncidents(incidents, summaries)
	open := map[slo.ID][]int{} // indexes of the open ones, by their headline
	for n, i := range incidents {
		if i.IsOpen() {
			of := issue.Headline(i).ID()
			open[of] = append(open[of], n)
		}
	}
	if len(open) == 0 {
		return views
	}
	for _, s := range d.Statuses(time.Now()) {
		for _, n := range open[slo.ID{SLO: s.Objective.Name, Labels: s.Labels}] {
			views[n].CurrentErrorRatio = currentErrorRatio(s)
		}
	}
	return views
}

func (h apiHandler) storeFails(w http.ResponseWriter, err error) {
	h.logger.Error("reading incidents for the API", "err", err)
	h.fail(w, http.StatusInternalServerError, "the store can't be read")
}

func idsOf(incidents []alert.Incident) []string {
	ids := make([]string, 0, len(incidents))
	for _, i := range incidents {
		ids = append(ids, i.ID)
	}
	return ids
}

// untriaged asks for incidents that people have not judged: their issue is open, for example.
const untriaged = "none"

// incidentFilter leaves out incidents by what the store can't select by, such as their service.
type incidentFilter struct {
	service  string
	severity int // 0: any, and none
	triage   string
}

// incidentFilterOf reads a request's parameters. Its error says which one is wrong, and what would
// be right.
func incidentFilterOf(query url.Values) (f incidentFilter, err error) {
	f.service, f.triage = query.Get("service"), query.Get("triage")
	if text := query.Get("severity"); text != "" {
		if f.severity, err = strconv.Atoi(text); err != nil || f.severity < 1 || f.severity > alert.MaxSeverity {
			return f, fmt.Errorf("severity must be a number from 1, the worst, to %d, not %.50q", alert.MaxSeverity, text)
		}
	}
	switch issue.Triage(f.triage) {
	case "", untriaged, issue.Completed, issue.Noise, issue.Duplicate, issue.Transferred, issue.Deleted:
		return f, nil
	}
	return f, fmt.Errorf("triage must be completed, noise, duplicate, transferred, deleted or none, not %.50q", f.triage)
}

// keeper returns the filter as a keeper.
func (f incidentFilter) keeper(store Store) keeper {
	if f == (incidentFilter{}) {
		return nil
	}
	return func(ctx context.Context, all []alert.Incident) ([]alert.Incident, error) {
		all = slices.DeleteFunc(all, func(i alert.Incident) bool {
			return f.service != "" && !slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.Objective.Service == f.service }) ||
				f.severity > 0 && i.Severity() != f.severity
		})
		if f.triage == "" {
			return all, nil
		}
		summaries, err := store.Summaries(ctx, idsOf(all))
		return slices.DeleteFunc(all, func(i alert.Incident) bool { return f.triage != cmp.Or(string(summaries[i.ID].Triage), untriaged) }), err
	}
}
