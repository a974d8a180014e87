package issue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// An incident that ended that long ago is published with others that did, once no more of them turn up.
	digestAfter = 7 * 24 * time.Hour
	digestQuiet = 5 * time.Minute
)

// gathered are incidents that are collected for a digest.
type gathered struct {
	incidents int
	since     time.Time // when the last one turned up
}

// behind returns the publications that the tracker does not agree with yet, each with its incidents, earliest onset first.
func (p *Publisher) behind(ctx context.Context) ([]*job, error) {
	incidents, unposted, err := p.Store.Behind(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for what to publish: %w", err)
	}
	var fresh []alert.Incident
	publications, seen := map[string]Publication{}, map[string]bool{}
	for _, i := range incidents {
		if seen[i.ID] {
			continue // a storm's publication is large: it is read once
		}
		pub, ok, err := p.Store.Publication(ctx, i.ID)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		case ok:
			publications[pub.Key] = pub
			for _, part := range pub.Parts {
				seen[part.Incident] = true
			}
		default:
			fresh = append(fresh, i)
		}
	}
	for _, pub := range unposted {
		publications[pub.Key] = pub
	}
	jobs, err := p.resume(ctx, publications, incidents)
	if err != nil {
		return nil, err
	}
	jobs, err = p.gather(ctx, jobs, fresh)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return a.onset().Compare(b.onset()) })
	return jobs, nil
}

// resume makes jobs of publications with all their incidents, of which some are at hand.
func (p *Publisher) resume(ctx context.Context, publications map[string]Publication, have []alert.Incident) (jobs []*job, err error) {
	byID := map[string]alert.Incident{}
	for _, i := range have {
		byID[i.ID] = i
	}
	var missing []string
	for _, pub := range publications {
		for _, part := range pub.Parts {
			if _, ok := byID[part.Incident]; !ok {
				missing = append(missing, part.Incident)
			}
		}
	}
	if len(missing) > 0 {
		others, err := p.Store.IncidentsByID(ctx, missing)
		if err != nil {
			return nil, fmt.Errorf("reading incidents: %w", err)
		}
		for _, i := range others {
			byID[i.ID] = i
		}
	}
	for _, key := range slices.Sorted(maps.Keys(publications)) {
		j := &job{pub: publications[key]}
		for _, part := range j.pub.Parts {
			if i, ok := byID[part.Incident]; ok {
				j.incidents = append(j.incidents, i)
			}
		}
		if len(j.incidents) > 0 {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// gather adds jobs for incidents that are part of no publication yet: one each, but for storms and for those that are long over.
func (p *Publisher) gather(ctx context.Context, jobs []*job, fresh []alert.Incident) ([]*job, error) {
	byRepository := map[string][]alert.Incident{}
	for _, i := range fresh {
		byRepository[i.Repository] = append(byRepository[i.Repository], i)
	}
	for _, name := range slices.Sorted(maps.Keys(p.old)) {
		if _, ok := byRepository[name]; !ok {
			delete(p.old, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byRepository)) {
		made, rest := p.digest(name, byRepository[name], time.Now())
		jobs = append(jobs, made...)
		var err error
		if jobs, err = p.storms(ctx, jobs, name, rest); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// digest makes one publication of a repository's incidents that are long over, once no more of them turn up, and returns the others.
func (p *Publisher) digest(repository string, fresh []alert.Incident, now time.Time) (made []*job, rest []alert.Incident) {
	var old []alert.Incident
	for _, i := range fresh {
		if ended := Ended(i); !ended.IsZero() && now.Sub(ended) > digestAfter {
			old = append(old, i)
		} else {
			rest = append(rest, i)
		}
	}
	wait, ok := p.old[repository]
	if !ok || wait.incidents != len(old) {
		wait = gathered{len(old), now}
		p.old[repository] = wait
	}
	switch {
	case len(old) == 0:
		delete(p.old, repository)
	case now.Sub(wait.since) < digestQuiet:
	case len(old) == 1:
		made = append(made, newJob(Single, old[0]))
	default:
		made = append(made, newJob(Digest, old...))
	}
	return made, rest
}
