package issue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// stormAbove and stormWindow say what a storm is: see Storms.
	stormAbove  = 5
	stormWindow = 10 * time.Minute
	// maxStorm is how long after its first onset a storm's publication takes more incidents.
	maxStorm = 24 * time.Hour
)

// Storms returns the storms among incidents, each in the order of detection, earliest storm first.
//
// A storm begins with the first of more than five groups of a repository that have an incident
// within ten minutes. It is over when ten minutes pass in which no further group has one: what has
// broken has broken by then, and what begins later is more likely to be something else. Whether its
// incidents go on does not matter, nor do further incidents of its groups, which may come back again
// and again. Only incidents whose first window is of kind burn count.
//
// It depends on nothing but when incidents were detected, so that a replay finds the storms that
// the publisher saw.
func Storms(incidents []alert.Incident) (storms [][]alert.Incident) {
	byRepository := map[string][]alert.Incident{}
	for _, i := range incidents {
		if len(i.Windows) > 0 && i.Windows[0].Kind == alert.Burn {
			byRepository[i.Repository] = append(byRepository[i.Repository], i)
		}
	}
	for _, all := range byRepository {
		slices.SortFunc(all, byDetection)
		storms = append(storms, stormsOf(all)...)
	}
	slices.SortFunc(storms, func(a, b []alert.Incident) int { return byDetection(a[0], b[0]) })
	return storms
}

// stormsOf is Storms for one repository's incidents that count, ordered by detection.
func stormsOf(all []alert.Incident) (storms [][]alert.Incident) {
	for first := 0; first < len(all); {
		if !breaksOut(all[first:]) {
			first++
			continue
		}
		end, last, groups := first, all[first].Detected(), map[string]bool{}
		for ; end < len(all) && all[end].Detected().Sub(last) <= stormWindow; end++ {
			if i := all[end]; !groups[i.Group] {
				groups[i.Group], last = true, i.Detected()
			}
		}
		storms = append(storms, all[first:end])
		first = end
	}
	return storms
}

// breaksOut reports whether a storm begins with the first of some incidents.
func breaksOut(all []alert.Incident) bool {
	groups := map[string]bool{}
	for _, i := range all {
		if i.Detected().Sub(all[0].Detected()) > stormWindow {
			break
		}
		groups[i.Group] = true
	}
	return len(groups) > stormAbove
}

func byDetection(a, b alert.Incident) int {
	return cmp.Or(a.Detected().Compare(b.Detected()), cmp.Compare(a.ID, b.ID))
}

// grouping is incidents that are to become part of one publication.
type grouping struct {
	kind      Kind
	joins     string // the key of the storm's publication that there is already; empty: none
	incidents []alert.Incident
}

// groupStorms puts the fresh incidents of one storm into one publication, joining an existing one,
// and each of the others into a publication of its own. `recent` are the repository's incidents of
// the last day, the fresh ones included, and `published` the publications that the storms among
// them have. Those that are published already stay where they are, and nothing joins an issue that
// a person removed.
func groupStorms(recent, fresh []alert.Incident, published []Publication) (groups []grouping) {
	left := map[string]bool{} // fresh ones that have no place yet
	for _, i := range fresh {
		left[i.ID] = true
	}
	for _, storm := range Storms(recent) {
		for _, i := range storm {
			if !left[i.ID] {
				continue
			}
			delete(left, i.ID)
			joins := publicationOf(storm, i, published)
			n := slices.IndexFunc(groups, func(g grouping) bool {
				return joins != "" && g.joins == joins || joins == "" && g.joins == "" && g.takes(storm, i)
			})
			if n >= 0 {
				groups[n].incidents = append(groups[n].incidents, i)
				continue
			}
			groups = append(groups, grouping{kind: Storm, joins: joins, incidents: []alert.Incident{i}})
		}
	}
	for _, i := range fresh {
		if left[i.ID] {
			groups = append(groups, grouping{kind: Single, incidents: []alert.Incident{i}})
		}
	}
	return groups
}

// takes reports whether another incident of a storm joins those of a new publication.
func (g grouping) takes(storm []alert.Incident, i alert.Incident) bool {
	first := g.incidents[0]
	return slices.ContainsFunc(storm, func(s alert.Incident) bool { return s.ID == first.ID }) && i.Detected().Sub(first.Onset()) <= maxStorm
}

// publicationOf is the key of the newest publication of a storm that an incident can join; empty
// where there is none.
func publicationOf(storm []alert.Incident, i alert.Incident, published []Publication) string {
	for _, member := range slices.Backward(storm) {
		for _, pub := range published {
			if pub.Kind == Storm && pub.has(member.ID) && !pub.gone() && i.Detected().Sub(pub.Parts[0].Onset) <= maxStorm {
				return pub.Key
			}
		}
	}
	return ""
}

// storms adds jobs for a repository's incidents that are part of no publication yet.
func (p *Publisher) storms(ctx context.Context, jobs []*job, repository string, fresh []alert.Incident) ([]*job, error) {
	if len(fresh) == 0 {
		return jobs, nil
	}
	first := slices.MinFunc(fresh, byDetection).Detected()
	recent, err := p.Store.Incidents(ctx, first.Add(-maxStorm))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	ids := map[string]bool{}
	for _, i := range fresh {
		ids[i.ID] = true
	}
	isFresh := func(i alert.Incident) bool { return ids[i.ID] }
	recent = slices.DeleteFunc(recent, func(i alert.Incident) bool {
		return i.Repository != repository || i.Detected().Before(first.Add(-maxStorm)) || isFresh(i)
	})
	recent = append(recent, fresh...) // as they are in the jobs
	published, err := p.publicationsOfStorms(ctx, recent, isFresh)
	if err != nil {
		return nil, err
	}
	for _, g := range groupStorms(recent, fresh, published) {
		if g.joins == "" {
			jobs = append(jobs, newJob(g.kind, g.incidents...))
			continue
		}
		var storm *job
		if jobs, storm, err = p.jobOf(ctx, jobs, g.joins, published, recent); err != nil {
			return nil, err
		}
		for _, i := range g.incidents {
			storm.join(i)
		}
		if err := p.save(ctx, storm); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// publicationsOfStorms reads the publications of those storms that have a fresh incident, each once.
func (p *Publisher) publicationsOfStorms(ctx context.Context, recent []alert.Incident, isFresh func(alert.Incident) bool) (all []Publication, err error) {
	for _, storm := range Storms(recent) {
		if !slices.ContainsFunc(storm, isFresh) {
			continue
		}
		for _, i := range storm {
			if isFresh(i) || slices.ContainsFunc(all, func(pub Publication) bool { return pub.has(i.ID) }) {
				continue
			}
			pub, ok, err := p.Store.Publication(ctx, i.ID)
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

// jobOf is the job of a publication, which it adds to the others where it is not among them.
func (p *Publisher) jobOf(ctx context.Context, jobs []*job, key string, published []Publication, recent []alert.Incident) ([]*job, *job, error) {
	for _, j := range jobs {
		if j.pub.Key == key {
			return jobs, j, nil
		}
	}
	n := slices.IndexFunc(published, func(pub Publication) bool { return pub.Key == key })
	resumed, err := p.resume(ctx, map[string]Publication{key: published[n]}, recent)
	if err != nil {
		return nil, nil, err
	}
	if len(resumed) == 0 {
		return nil, nil, fmt.Errorf("reading incidents: publication %s has none", key)
	}
	return append(jobs, resumed...), resumed[0], nil
}
