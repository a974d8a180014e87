package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// snapshot is what the store holds to be published, as group needs it.
type snapshot struct {
	behind []issue.Publication // not all posted yet, by key
	over   []alert.Incident    // part of no publication, and long over
	fresh  []alert.Incident    // part of no publication, all others
	recent []alert.Incident    // the fresh ones, and the day before in their repositories
	storms []issue.Publication // of storms in recent that include a fresh one

	incidents map[string]alert.Incident // of all publications, by ID
}

// read takes a snapshot. It changes nothing.
func read(ctx context.Context, store issue.Store, now time.Time) (s snapshot, err error) {
	incidents, unposted, err := store.Behind(ctx)
	if err != nil {
		return s, fmt.Errorf("looking for what to publish: %w", err)
	}
	behind, loose, err := publicationsOf(ctx, store, incidents)
	if err != nil {
		return s, err
	}
	for _, pub := range unposted {
		behind[pub.Key] = pub
	}
	for _, key := range slices.Sorted(maps.Keys(behind)) {
		s.behind = append(s.behind, behind[key])
	}
	for _, i := range loose {
		if isLongOver(i, now) {
			s.over = append(s.over, i)
		} else {
			s.fresh = append(s.fresh, i)
		}
	}
	if s.recent, err = recentOf(ctx, store, s.fresh); err != nil {
		return s, err
	}
	if s.storms, err = publicationsOfStorms(ctx, store, s.recent, s.fresh); err != nil {
		return s, err
	}
	s.incidents, err = incidentsOf(ctx, store, slices.Concat(s.behind, s.storms), slices.Concat(s.recent, incidents))
	return s, err
}

// publicationsOf reads the publications of incidents, by key, each once: a storm's is large.
// Incidents without one are loose.
func publicationsOf(ctx context.Context, store issue.Store, incidents []alert.Incident) (found map[string]issue.Publication, loose []alert.Incident, err error) {
	found = map[string]issue.Publication{}
	seen := map[string]bool{}
	for _, i := range incidents {
		if seen[i.ID] {
			continue
		}
		pub, ok, err := store.Publication(ctx, i.ID)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		}
		if !ok {
			loose = append(loose, i)
			continue
		}
		found[pub.Key] = pub
		for _, part := range pub.Parts {
			seen[part.Incident] = true
		}
	}
	return found, loose, nil
}

// recentOf returns the fresh incidents, and those of the day before them in each repository.
func recentOf(ctx context.Context, store issue.Store, fresh []alert.Incident) (recent []alert.Incident, err error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	isFresh := map[string]bool{}
	since := map[string]time.Time{} // by repository
	for _, i := range fresh {
		isFresh[i.ID] = true
		day := i.Detected().Add(-maxStorm)
		if first, ok := since[i.Repository]; !ok || day.Before(first) {
			since[i.Repository] = day
		}
	}
	recent, err = store.Incidents(ctx, slices.MinFunc(slices.Collect(maps.Values(since)), time.Time.Compare))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	recent = slices.DeleteFunc(recent, func(i alert.Incident) bool {
		first, ok := since[i.Repository]
		return !ok || i.Detected().Before(first) || isFresh[i.ID]
	})
	return append(recent, fresh...), nil
}

// publicationsOfStorms reads the publications of storms with a fresh incident, each once.
func publicationsOfStorms(ctx context.Context, store issue.Store, recent, fresh []alert.Incident) (all []issue.Publication, err error) {
	isFresh := map[string]bool{}
	for _, i := range fresh {
		isFresh[i.ID] = true
	}
	for _, storm := range issue.Storms(recent) {
		if !slices.ContainsFunc(storm, func(i alert.Incident) bool { return isFresh[i.ID] }) {
			continue
		}
		for _, i := range storm {
			if isFresh[i.ID] || slices.ContainsFunc(all, func(pub issue.Publication) bool { return pub.Parts.Of(i.ID) != nil }) {
				continue
			}
			pub, ok, err := store.Publication(ctx, i.ID)
			if err != nil {
				return nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
			}
			if ok {
				all = append(all, pub)
			}
		}
	}
	return all, nil
}

// incidentsOf returns the incidents of publications. It reads those not in have; the last of each
// in have counts.
func incidentsOf(ctx context.Context, store issue.Store, publications []issue.Publication, have []alert.Incident) (map[string]alert.Incident, error) {
	byID := map[string]alert.Incident{}
	for _, i := range have {
		byID[i.ID] = i
	}
	missing := map[string]bool{}
	for _, pub := range publications {
		for _, part := range pub.Parts {
			if _, ok := byID[part.Incident]; !ok {
				missing[part.Incident] = true
			}
		}
	}
	if len(missing) == 0 {
		return byID, nil
	}
	others, err := store.IncidentsByID(ctx, slices.Sorted(maps.Keys(missing)))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	for _, i := range others {
		byID[i.ID] = i
	}
	return byID, nil
}
