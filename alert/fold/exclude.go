package fold

import (
	"maps"
	"reflect"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// exclusions are the incidents that people took out of budgets, by ID. Those restored from a
// checkpoint have no windows.
type exclusions map[string]alert.Incident

// anyOf reports whether an excluded incident changed since the last step.
func (all exclusions) anyOf(r *record) bool {
	if len(all) == 0 {
		return false
	}
	for i := range r.incidents {
		if _, is := all[r.incidents[i].ID]; is && r.changed[i] {
			return true
		}
	}
	return false
}

// Exclude makes these incidents the excluded ones: what happened in their windows no longer counts
// in a budget, and what happened in those of others counts again. The lane need not remember them.
// It reports whether that changed a budget. Neither opens a window about the past, and a window of
// kind budget that is not overspent any more closes at the next tick.
func (l *Lane) Exclude(incidents []alert.Incident) (changed bool) {
	if len(incidents) == 0 && len(l.excluded) == 0 {
		return false
	}
	l.excluded = exclusions{}
	for _, i := range incidents {
		l.excluded[i.ID] = i
	}
	return l.correct()
}

// Excluded returns the IDs of the excluded incidents, in order.
func (l *Lane) Excluded() []string { return slices.Sorted(maps.Keys(l.excluded)) }

// RestoreExcluded sets the excluded incidents as a checkpoint has them. Call Exclude when their
// windows are known.
func (l *Lane) RestoreExcluded(ids []string) {
	if l.excluded = nil; len(ids) > 0 {
		l.excluded = exclusions{}
	}
	for _, id := range ids {
		l.excluded[id] = alert.Incident{ID: id}
	}
}

// correct makes the corrections of all watches agree with the excluded incidents.
func (l *Lane) correct() (changed bool) {
	if l.excluded == nil {
		return false
	}
	known := map[string]alert.Incident{}
	for id, i := range l.excluded {
		if n := slices.IndexFunc(l.incidents, func(have alert.Incident) bool { return have.ID == id }); n >= 0 {
			i = l.incidents[n]
		}
		if len(i.Windows) > 0 {
			known[id] = i
		}
	}
	standing := func(id string) (bool, bool) {
		_, excluded := l.excluded[id]
		_, is := known[id]
		return excluded, is
	}
	holding := map[slo.ID][]alert.Correction{}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		for _, c := range known[id].Corrections() {
			holding[c.ID] = append(holding[c.ID], c)
		}
	}
	for _, w := range l.watches {
		hold := slices.DeleteFunc(holding[w.ID()], func(c alert.Correction) bool { return !w.counts(known[c.Incident], c) })
		before := w.corrections
		w.ledger.correct(hold, standing)
		changed = changed || !reflect.DeepEqual(before, w.corrections)
	}
	return changed
}
