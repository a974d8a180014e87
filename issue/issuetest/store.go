package issuetest

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// Store is an issue.Store in memory. What is saved goes through JSON, as into a database.
type Store struct {
	// OnSave says of each Save whether it takes effect, and its error; nil: it does.
	OnSave func() (done bool, err error)

	mu           sync.Mutex
	incidents    map[string]alert.Incident
	publications map[string]issue.Publication
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{incidents: map[string]alert.Incident{}, publications: map[string]issue.Publication{}}
}

// Put commits incidents, in one transaction.
func (s *Store) Put(incidents ...alert.Incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range incidents {
		s.incidents[i.ID] = i
	}
}

// Forget loses all publications.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.publications)
}

// Incident returns a committed incident, as it was last.
func (s *Store) Incident(id string) alert.Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incidents[id]
}

// Load returns the publication that an incident is part of.
func (s *Store) Load(incident string) (p issue.Publication, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok = s.of(incident); ok {
		p = copied(p)
	}
	return p, ok
}

// Publications returns all of them, by key.
func (s *Store) Publications() (all []issue.Publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.publications)) {
		all = append(all, copied(s.publications[key]))
	}
	return all
}

func (s *Store) of(incident string) (issue.Publication, bool) {
	for _, p := range s.publications {
		if p.Parts.Of(incident) != nil {
			return p, true
		}
	}
	return issue.Publication{}, false
}

// copied returns a publication that may be changed.
func copied(p issue.Publication) issue.Publication {
	p.Parts, p.Writes, p.FollowUps = slices.Clone(p.Parts), slices.Clone(p.Writes), slices.Clone(p.FollowUps)
	return p
}

// Incidents implements issue.Store, as do the methods below.
func (s *Store) Incidents(_ context.Context, since time.Time) (all []alert.Incident, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.incidents {
		if i.Onset().After(since) || i.IsOpen() || i.Ended().After(since) {
			all = append(all, i)
		}
	}
	return all, nil
}

// IncidentsByID returns those that there are.
func (s *Store) IncidentsByID(_ context.Context, ids []string) (found []alert.Incident, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if i, ok := s.incidents[id]; ok {
			found = append(found, i)
		}
	}
	return found, nil
}

// Behind returns what is to be published, oldest onset first.
func (s *Store) Behind(context.Context) (incidents []alert.Incident, unposted []issue.Publication, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.incidents {
		if p, ok := s.of(i.ID); !ok || p.Parts.Posted(i.ID) < i.Revision {
			incidents = append(incidents, i)
		}
	}
	slices.SortFunc(incidents, func(a, b alert.Incident) int { return cmp.Or(a.Onset().Compare(b.Onset()), cmp.Compare(a.ID, b.ID)) })
	for _, p := range s.publications {
		if !p.IsSettled() {
			unposted = append(unposted, copied(p))
		}
	}
	return incidents, unposted, nil
}

// Publication is Load.
func (s *Store) Publication(_ context.Context, incident string) (issue.Publication, bool, error) {
	p, ok := s.Load(incident)
	return p, ok, nil
}

// Save keeps a publication, unless the context is done or OnSave is against it.
func (s *Store) Save(ctx context.Context, p issue.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	done, failed := true, error(nil)
	if s.OnSave != nil {
		done, failed = s.OnSave()
	}
	if !done {
		return failed
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var saved issue.Publication
	if err := json.Unmarshal(text, &saved); err != nil {
		return err
	}
	s.publications[p.Key] = saved
	return failed
}
