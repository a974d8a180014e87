package web

import (
	"context"
	"net/http"

	"github.com/postburn/postburn/alert"
)

// How many recovered incidents an answer of the API has, unless the request says so, and at most.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// incidentsAnswer is what the API answers when it is asked for incidents.
type incidentsAnswer struct {
	Incidents []Incident `json:"incidents"`
	Next      string     `json:"next,omitempty"` // the next page's cursor; empty on the last one
}

// incidents answers with a page of recovered incidents. The first page has all open ones as well,
// so that no limit hides that something is burning.
func (h *Handler) incidents(w http.ResponseWriter, r *http.Request) {
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
	incidents, next, err := readIncidents(r.Context(), d.Store, ask)
	if err != nil {
		h.storeFails(w, err)
		return
	}
	h.json(w, http.StatusOK, incidentsAnswer{h.views(r.Context(), d, incidents), next})
}

// incident answers with one incident.
func (h *Handler) incident(w http.ResponseWriter, r *http.Request) {
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
		h.json(w, http.StatusOK, view)
	}
}

// views makes the JSON form of incidents, without their issues if these can't be read.
func (h *Handler) views(ctx context.Context, d *Data, incidents []alert.Incident) []Incident {
	summaries, err := d.Store.Summaries(ctx, idsOf(incidents))
	if err != nil {
		h.logger.Error("reading publications for the API", "err", err)
	}
	return ViewIncidents(incidents, summaries)
}

func (h *Handler) storeFails(w http.ResponseWriter, err error) {
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
