package web

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// objectiveRow is a row of the table of objectives.
type objectiveRow struct {
	Objective
	Name                        objectiveName
	Page                        string // relative address of its own page, from the first one
	Service, Description, Owner string
	Target, Window              string
	Why                         string        // what is known of why it is blind
	Dark                        time.Duration // for how long it has been blind
	Incident                    string        // ID of its open incident; empty: none
	Unread                      time.Duration // of its window, still to be read
	Known                       bool          // whether anything was ever counted
	Budget                      string
	Left                        string // budget share in per cent; empty: overspent
	Sets                        string // how the objective's label sets stand; empty: this is the only one
	Attained                    string // share of good events in the window; empty: there were none
	BurnRate                    string // over the last hour or so; empty: not known
	Strip                       strip
	Exhausted                   string // when the budget is spent at that rate; empty: not soon
}

// objectiveName names an objective; a line may break between its parts.
type objectiveName struct{ SLO, Labels string }

func nameOf(id slo.ID) objectiveName { return objectiveName{shown(id.SLO), shown(string(id.Labels))} }

// shownBy is what rows of objectives are made with.
type shownBy struct {
	now  time.Time
	open map[slo.ID]string // see openIncidents
	past recent
}

// row makes the row of an objective.
func (by shownBy) row(sets labelSets) objectiveRow {
	row := newObjectiveRow(by.now, sets[0], by.open)
	row.Sets = sets.summary()
	row.Strip = newStrip(by.now, by.past.since, by.past.breaches[sets[0].Objective.Name])
	return row
}

// labelSets are how the label sets of one objective stand, the worst first: at least one.
type labelSets []alert.Status

// summary says how the label sets stand; empty if there is but one.
func (all labelSets) summary() string {
	if len(all) == 1 {
		return ""
	}
	n := map[alert.State]int{}
	for _, s := range all {
		n[s.State]++
	}
	var parts []string
	for _, state := range []alert.State{alert.Burning, alert.Blind, alert.Quiet, alert.OK} {
		if n[state] > 0 {
			parts = append(parts, humanize.Number(float64(n[state]))+" "+string(state))
		}
	}
	return "the worst of " + humanize.Plural(len(all), "label set") + ": " + humanize.List(parts)
}

func newObjectiveRow(now time.Time, s alert.Status, open map[slo.ID]string) objectiveRow {
	id := slo.ID{SLO: s.Objective.Name, Labels: s.Labels}
	r := objectiveRow{
		Objective: viewObjective(s), Name: nameOf(id), Page: objectiveAddress(id, 0), Service: shown(s.Objective.Service), Description: shown(s.Objective.Description), Owner: shown(s.Objective.Owner),
		Target: unbroken(s.Objective.Target.Percent()), Window: s.Objective.Window.String(), Incident: open[id],
		Known: s.State != alert.Blind || s.Window.Total > 0, Unread: s.Unread,
	}
	if s.State == alert.Blind {
		r.Why = whyBlind(s)
		if !s.BlindSince.IsZero() {
			r.Dark = now.Sub(s.BlindSince)
		}
	}
	if s.Window.Total > 0 {
		r.Attained = attained(s.Window.Cut(), s.Objective.Target)
	}
	if rate, over := recentBurnRate(s); over > 0 && s.State != alert.Blind {
		r.BurnRate = humanize.Times(rate) + " over " + unbroken(slo.FormatDuration(over))
		r.Exhausted = exhausted(s, rate)
	}
	if left := s.BudgetRemaining; left < 0 {
		r.Budget = "overspent by " + percent(-left)
	} else {
		r.Budget, r.Left = percent(left)+" left", humanize.Decimal(100*min(left, 1), 1)
	}
	return r
}

// recentBurnRate returns the burn rate over an hour, or the rules' next longer window; `over` is 0
// if there is none.
func recentBurnRate(s alert.Status) (rate float64, over time.Duration) {
	for _, b := range s.BurnRates { // shortest first
		if rate, over = b.Rate, b.Window; over >= time.Hour {
			break
		}
	}
	return rate, over
}

// exhausted says when the error budget will be spent if it goes on burning at a rate; empty if that
// is not within the window.
func exhausted(s alert.Status, rate float64) string {
	if s.BudgetRemaining <= 0 || !(rate > 1) {
		return ""
	}
	return humanize.Duration(time.Duration(s.BudgetRemaining * float64(s.Objective.Window.Length()) / rate))
}

// whyBlind says why there is no data. If the newest tick had data, later samples could not be read.
func whyBlind(s alert.Status) string {
	switch {
	case s.Tick.IsZero():
		return "No sample has been taken yet."
	case s.BlindSince.IsZero():
		return "There has been no data yet."
	case s.BlindSince.Equal(s.Tick):
		return "Samples can't be read from Prometheus, or lag behind."
	}
	return "Prometheus has no data for it, or its query keeps failing."
}
