package issue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// In a storm, more than stormAbove incidents of a repository begin within stormWindow. It goes on until none begins for that long.
	stormAbove  = 5
	stormWindow = 10 * time.Minute
	maxStorm    = 24 * time.Hour
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
	publications := map[string]Publication{}
	for _, i := range incidents {
		pub, ok, err := p.Store.Publication(ctx, i.ID)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		case ok:
			publications[pub.Key] = pub
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
		if jobs, err = p.weather(ctx, jobs, name, rest); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// digest makes one publication of a repository's incidents that are long over, once no more of them turn up, and returns the others.
func (p *Publisher) digest(repository string, fresh []alert.Incident, now time.Time) (made []*job, rest []alert.Incident) {
	var old []alert.Incident
	for _, i := range fresh {
		if ended := i.Ended(); !ended.IsZero() && now.Sub(ended) > digestAfter {
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

// weather makes publications of a repository's incidents: those of a storm share one, and join the one that there is.
func (p *Publisher) weather(ctx context.Context, jobs []*job, repository string, fresh []alert.Incident) ([]*job, error) {
	if len(fresh) == 0 {
		return jobs, nil
	}
	first := slices.MinFunc(fresh, byDetection).Detected()
	all, err := p.Store.Incidents(ctx, first.Add(-maxStorm))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	isFresh := map[string]bool{}
	for _, i := range fresh {
		isFresh[i.ID] = true
	}
	all = slices.DeleteFunc(all, func(i alert.Incident) bool {
		return isFresh[i.ID] || i.Repository != repository || i.Detected().Before(first.Add(-maxStorm))
	})
	all = append(all, fresh...)
	slices.SortFunc(all, byDetection)
	for _, run := range runs(all) {
		if !slices.ContainsFunc(run, func(i alert.Incident) bool { return isFresh[i.ID] }) {
			continue
		}
		if jobs, err = p.spread(ctx, jobs, run, isFresh); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func byDetection(a, b alert.Incident) int {
	return cmp.Or(a.Detected().Compare(b.Detected()), cmp.Compare(a.ID, b.ID))
}

// runs cuts incidents, ordered by detection, where none began for long enough to end a storm.
func runs(all []alert.Incident) (found [][]alert.Incident) {
	for n, i := range all {
		if n == 0 || i.Detected().Sub(all[n-1].Detected()) > stormWindow {
			found = append(found, nil)
		}
		found[len(found)-1] = append(found[len(found)-1], i)
	}
	return found
}

// breaks returns when a storm began in a run of incidents; ok is false where there was none.
func breaks(run []alert.Incident) (at time.Time, ok bool) {
	for n := stormAbove; n < len(run); n++ {
		if from := run[n-stormAbove].Detected(); run[n].Detected().Sub(from) <= stormWindow {
			return from, true
		}
	}
	return time.Time{}, false
}

// spread makes publications of the fresh incidents of a run. Those that are published already stay as they are.
func (p *Publisher) spread(ctx context.Context, jobs []*job, run []alert.Incident, isFresh map[string]bool) ([]*job, error) {
	began, isStorm := breaks(run)
	jobs, storm, err := p.stormOf(ctx, jobs, run)
	if err != nil {
		return nil, err
	}
	if storm != nil {
		began, isStorm = storm.incidents[0].Detected(), true
	}
	joined := false
	for _, i := range run {
		in := isStorm && !i.Detected().Before(began) && i.Detected().Sub(began) <= maxStorm
		switch {
		case !isFresh[i.ID]:
		case !in:
			jobs = append(jobs, newJob(Single, i))
		case storm == nil:
			storm = newJob(Storm, i)
			jobs = append(jobs, storm)
		default:
			joined = joined || len(storm.pub.Writes) > 0
			storm.join(i)
		}
	}
	if joined {
		return jobs, p.save(ctx, storm)
	}
	return jobs, nil
}

// stormOf is the storm that incidents of a run are published in, and among the jobs that are returned; nil where there is none, or a
// person removed its issue.
func (p *Publisher) stormOf(ctx context.Context, jobs []*job, run []alert.Incident) ([]*job, *job, error) {
	for _, i := range slices.Backward(run) {
		pub, ok, err := p.Store.Publication(ctx, i.ID)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		}
		if !ok || pub.Kind != Storm || pub.Writes[0].State == Gone {
			continue
		}
		for _, j := range jobs {
			if j.pub.Key == pub.Key {
				return jobs, j, nil
			}
		}
		resumed, err := p.resume(ctx, map[string]Publication{pub.Key: pub}, run)
		if err != nil || len(resumed) == 0 {
			return nil, nil, err
		}
		return append(jobs, resumed...), resumed[0], nil
	}
	return jobs, nil, nil
}
