package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// ObjectiveDetail is the JSON form of all that is known of an objective's label set.
type ObjectiveDetail struct {
	Objective
	// What it attained over several lengths of time, shortest first; the last is the objective's
	// window.
	Attained []Attained `json:"attained"`
	// How near each of its rules is to firing.
	Rules []RuleStatus `json:"rules"`
	// Its events as a time series, oldest first, without gaps.
	Course []Stretch `json:"course"`
}

// Attained is what happened over a length of time up to the newest tick.
type Attained struct {
	// The length of time: a duration like "6h".
	Over string `json:"over"`
	// Events in that time.
	TotalEvents float64 `json:"total_events"`
	// Bad events in that time.
	BadEvents float64 `json:"bad_events"`
	// Ratio of good events; null without events.
	AttainedRatio *float64 `json:"attained_ratio"`
	// Seconds of it without data, of planned work, or not watched.
	UnseenSeconds float64 `json:"unseen_seconds"`
}

// RuleStatus says how near a rule is to firing.
type RuleStatus struct {
	Rule
	// Burn rate over the long window now.
	LongBurnRate float64 `json:"long_burn_rate"`
	// Burn rate over the short window now.
	ShortBurnRate float64 `json:"short_burn_rate"`
	// Bad events in the long window.
	BadEvents float64 `json:"bad_events"`
}

// Stretch is a point of the time series. Planned work is left out of its numbers.
type Stretch struct {
	// When it begins.
	Start time.Time `json:"start"`
	// When it ends.
	End time.Time `json:"end"`
	// Events in it.
	TotalEvents float64 `json:"total_events"`
	// Bad events in it.
	BadEvents float64 `json:"bad_events"`
	// Ratio of bad events in it; null without events.
	ErrorRatio *float64 `json:"error_ratio"`
	// There was no data in all of it.
	Blind bool `json:"blind,omitempty"`
	// Some of it was planned work.
	Planned bool `json:"planned,omitempty"`
}

// objectivesAnswer is how all objectives stand.
type objectivesAnswer struct {
	// By objective and label set.
	SLOs []Objective `json:"slos"`
}

// objectiveAnswer is all that is known of an objective.
type objectiveAnswer struct {
	// By label set.
	SLOs []ObjectiveDetail `json:"slos"`
}

// objectives answers with how all objectives stand.
func (h apiHandler) objectives(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	statuses := d.Statuses(time.Now())
	views, open := ViewObjectives(statuses), h.openIncidents(r.Context(), d)
	for n, s := range statuses {
		views[n].addIncident(open[slo.ID{SLO: s.Objective.Name, Labels: s.Labels}])
	}
	h.json(w, http.StatusOK, objectivesAnswer{views})
}

// openIncidents returns the open incidents by objective; none if they can't be read: how objectives
// stand is known without the store.
func (h apiHandler) openIncidents(ctx context.Context, d *Data) map[slo.ID]alert.Incident {
	all, err := d.Store.OpenIncidents(ctx)
	if err != nil {
		h.logger.Error("reading open incidents for the API", "err", err)
	}
	byObjective := map[slo.ID]alert.Incident{}
	for _, i := range slices.Backward(all) { // so that the newest stays
		for _, w := range i.Windows {
			if w.IsOpen() {
				byObjective[w.ID()] = i
			}
		}
	}
	return byObjective
}

// addIncident adds the objective's open incident; the zero one if there is none.
func (v *Objective) addIncident(open alert.Incident) {
	v.Incident, v.Severity = open.ID, open.Severity()
}

// objective answers with all that is known of an objective, by label set.
func (h apiHandler) objective(w http.ResponseWriter, r *http.Request) {
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
	if query := r.URL.Query(); query.Has("labels") {
		statuses = slices.DeleteFunc(statuses, func(s alert.Status) bool { return string(s.Labels) != query.Get("labels") })
	}
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
	h.json(w, http.StatusOK, objectiveAnswer{viewDetails(details, statuses, h.openIncidents(r.Context(), d))})
}

// viewDetails makes the JSON form of the details of these label sets, in the order of labels.
func viewDetails(details []alert.Detail, statuses []alert.Status, open map[slo.ID]alert.Incident) []ObjectiveDetail {
	slices.SortFunc(details, func(a, b alert.Detail) int { return cmp.Compare(a.Labels, b.Labels) })
	views := make([]ObjectiveDetail, 0, len(statuses))
	for _, detail := range details {
		i := slices.IndexFunc(statuses, func(s alert.Status) bool { return s.Labels == detail.Labels })
		if i < 0 {
			continue
		}
		// A status that is asked for later may be newer. It also knows if samples lag behind.
		detail.Status = statuses[i]
		view := viewDetail(detail)
		view.addIncident(open[slo.ID{SLO: detail.Objective.Name, Labels: detail.Labels}])
		views = append(views, view)
	}
	return views
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
		v.Course = append(v.Course, Stretch{s.Start, s.End, s.Total, s.Bad, errorRatio(s.Counts), s.Blind, s.Planned})
	}
	return v
}
