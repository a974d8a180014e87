package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
)

// ObjectiveDetail is the JSON form of all that is known of an objective's label set.
type ObjectiveDetail struct {
	Objective
	Attained []Attained   `json:"attained"` // shortest first; the last is the objective's window
	Rules    []RuleStatus `json:"rules"`
	Course   []Stretch    `json:"course"` // oldest first, without gaps
}

// Attained is what happened over a length of time up to the newest sample. AttainedRatio is null
// without events.
type Attained struct {
	Over          string   `json:"over"` // as Prometheus writes durations: "6h"
	TotalEvents   float64  `json:"total_events"`
	BadEvents     float64  `json:"bad_events"`
	AttainedRatio *float64 `json:"attained_ratio"`
	UnseenSeconds float64  `json:"unseen_seconds"` // without data, of planned work, or not watched
}

// RuleStatus says how near a rule is to firing.
type RuleStatus struct {
	Rule
	LongBurnRate  float64 `json:"long_burn_rate"`
	ShortBurnRate float64 `json:"short_burn_rate"`
	BadEvents     float64 `json:"bad_events"` // in the long window
}

// Stretch is a part of a course. Planned work is left out of its numbers.
type Stretch struct {
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	TotalEvents float64   `json:"total_events"`
	BadEvents   float64   `json:"bad_events"`
	Blind       bool      `json:"blind,omitempty"`
	Planned     bool      `json:"planned,omitempty"`
}

// objective answers with all that is known of an objective, by label set.
func (h *Handler) objective(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil || d.Details == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	length, err := rangeOf(r.URL.Query())
	if err != nil {
		h.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	statuses := statusesOf(d.Statuses(time.Now()), r.PathValue("name"))
	if len(statuses) == 0 {
		h.fail(w, http.StatusNotFound, "no such objective")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	details, err := d.Details(ctx, r.PathValue("name"), length, maxStretches)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		h.fail(w, http.StatusServiceUnavailable, "the samples of this objective are just being read")
		return
	}
	slices.SortFunc(details, func(a, b alert.Detail) int { return cmp.Compare(a.Labels, b.Labels) })
	views := make([]ObjectiveDetail, 0, len(details))
	for _, detail := range details {
		// A status that is asked for later may be newer. It also knows if samples lag behind.
		if i := slices.IndexFunc(statuses, func(s alert.Status) bool { return s.Labels == detail.Labels }); i >= 0 {
			detail.Status = statuses[i]
		}
		views = append(views, viewDetail(detail))
	}
	h.json(w, http.StatusOK, map[string]any{"slos": views})
}

func viewDetail(d alert.Detail) ObjectiveDetail {
	v := ObjectiveDetail{Objective: viewObjective(d.Status), Attained: []Attained{}, Rules: []RuleStatus{}, Course: []Stretch{}}
	for _, a := range d.Attained {
		row := Attained{Over: model.Duration(a.Length).String(), TotalEvents: a.Total, BadEvents: a.Bad, UnseenSeconds: a.Unseen.Seconds()}
		if a.Total > 0 {
			ratio := 1 - a.ErrorRatio()
			row.AttainedRatio = &ratio
		}
		v.Attained = append(v.Attained, row)
	}
	for _, r := range d.Rules {
		v.Rules = append(v.Rules, RuleStatus{viewRule(r.Rule), r.LongBurnRate, r.ShortBurnRate, r.Bad})
	}
	for _, s := range d.Course {
		v.Course = append(v.Course, Stretch{s.Start, s.End, s.Total, s.Bad, s.Blind, s.Planned})
	}
	return v
}
