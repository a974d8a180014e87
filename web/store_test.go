package web_test

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

// memory is a web.Store that counts what is read from it.
type memory struct {
	incidents    []alert.Incident
	publications map[string]issue.Publication
	failing      error // of reading incidents
	unpublished  error // of reading publications

	read  atomic.Int64 // incidents
	asked atomic.Int64 // publications
}

var _ web.Store = (*memory)(nil)

// where returns the incidents that match, newest onset first.
func (m *memory) where(match func(alert.Incident) bool) []alert.Incident {
	var found []alert.Incident
	for _, i := range m.incidents {
		if match(i) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, alert.NewestFirst)
	return found
}

func (m *memory) OpenIncidents(context.Context) ([]alert.Incident, error) {
	found := m.where(alert.Incident.IsOpen)
	m.read.Add(int64(len(found)))
	return found, m.failing
}

func (m *memory) RecoveredIncidents(_ context.Context, page alert.IncidentPage) ([]alert.Incident, error) {
	found := m.where(func(i alert.Incident) bool {
		after := page.After
		return !i.IsOpen() && i.Ended().After(page.Start) && (page.End.IsZero() || i.Onset().Before(page.End)) &&
			(page.Group == "" || page.Group == i.Group) &&
			(after == alert.IncidentPosition{} || i.Onset().Before(after.Onset) || i.Onset().Equal(after.Onset) && i.ID > after.ID)
	})
	found = found[:min(len(found), page.Limit)]
	m.read.Add(int64(len(found)))
	return found, m.failing
}

func (m *memory) IncidentsByID(_ context.Context, ids []string) ([]alert.Incident, error) {
	found := m.where(func(i alert.Incident) bool { return slices.Contains(ids, i.ID) })
	m.read.Add(int64(len(found)))
	return found, m.failing
}

func (m *memory) Publication(_ context.Context, incident string) (issue.Publication, bool, error) {
	m.asked.Add(1)
	p, ok := m.publications[incident]
	return p, ok, m.unpublished
}

func (m *memory) Summaries(_ context.Context, incidents []string) (map[string]issue.Summary, error) {
	m.asked.Add(int64(len(incidents)))
	found := map[string]issue.Summary{}
	for _, id := range incidents {
		if p, ok := m.publications[id]; ok {
			found[id] = p.Summary()
		}
	}
	return found, m.unpublished
}
