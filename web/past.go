package web

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// stripDays is how many days a strip shows, and maxStripped how many incidents that are over
	// are looked at for strips.
	stripDays   = 30
	maxStripped = 2000
	// searchedIncidents is how many incidents of the same group are looked at for an objective's.
	searchedIncidents = 250
)

// breach is what pages remember of a breach window that is over, or was when it was read.
type breach struct {
	incident     string // its ID
	of           slo.ID
	kind         alert.Kind
	onset, ended time.Time // ended is zero while it is open
}

func breachesOf(incidents []alert.Incident) (all []breach) {
	for _, i := range incidents {
		for _, w := range i.Windows {
			all = append(all, breach{i.ID, w.ID(), w.Kind, w.Onset, w.Ended})
		}
	}
	return all
}

// recent is the breach windows of the last days, by objective.
type recent struct {
	since    time.Time // nothing is known of incidents that began before
	breaches map[string][]breach
}

// openOnes are the open incidents at a moment.
type openOnes struct {
	incidents []alert.Incident // newest onset first; not to be changed
	ids       string           // of all of them
}

// openIncidents returns the open incidents, as of the last second.
func (d *Data) openIncidents(ctx context.Context) (openOnes, error) {
	return d.caches.open.get(ctx, struct{}{}, func(ctx context.Context) (open openOnes, err error) {
		open.incidents, err = d.Store.OpenIncidents(ctx)
		for _, i := range open.incidents {
			open.ids += i.ID + " "
		}
		return open, err
	})
}

// pastKey identifies remembered breach windows. They are read again when an incident opens or ends,
// so that none is missing in between.
type pastKey struct{ group, open string }

// breachesOfGroup returns the breach windows of the newest incidents of a group that are over,
// newest incident first.
func (d *Data) breachesOfGroup(ctx context.Context, group string, open openOnes) ([]breach, error) {
	return d.caches.groups.get(ctx, pastKey{group, open.ids}, func(ctx context.Context) ([]breach, error) {
		over, err := d.Store.RecoveredIncidents(ctx, alert.IncidentPage{Group: group, Limit: searchedIncidents})
		return breachesOf(over), err
	})
}

// recentBreaches returns the breach windows that were open in the days that strips show.
func (d *Data) recentBreaches(ctx context.Context, now time.Time, open openOnes) (recent, error) {
	over, err := d.caches.recent.get(ctx, pastKey{open: open.ids}, func(ctx context.Context) (recent, error) {
		r := recent{since: now.AddDate(0, 0, -stripDays), breaches: map[string][]breach{}}
		over, err := d.Store.RecoveredIncidents(ctx, alert.IncidentPage{Start: r.since, Limit: maxStripped})
		if len(over) == maxStripped {
			r.since = over[len(over)-1].Onset()
		}
		for _, b := range breachesOf(over) {
			r.breaches[b.of.SLO] = append(r.breaches[b.of.SLO], b)
		}
		return r, err
	})
	return over.with(open.incidents), err
}

// with returns the breach windows with those of open incidents, which are read more often.
func (r recent) with(open []alert.Incident) recent {
	r.breaches = maps.Clone(r.breaches)
	for _, b := range breachesOf(open) {
		r.breaches[b.of.SLO] = append(slices.Clip(r.breaches[b.of.SLO]), b)
	}
	return r
}
