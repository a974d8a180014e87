package publish

import (
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

const (
	// maxStorm is how long after its first onset a storm's publication accepts more incidents.
	maxStorm = 24 * time.Hour
	// An incident that ended that long ago goes into a digest, once no more of them turn up.
	digestAfter = 7 * 24 * time.Hour
	digestQuiet = 5 * time.Minute
)

// gathered is a repository's incidents collected for a digest.
type gathered struct {
	incidents int
	since     time.Time // when the last one was added
}

// group returns the stored and new publications to work on, each with its incidents, earliest onset
// first. An incident is published by itself, unless it belongs to a storm, or is long over: then it
// goes into a digest. `old` is what the last call gathered for digests.
func group(s snapshot, old map[string]gathered, now time.Time) (jobs []*job, gathering map[string]gathered) {
	for _, pub := range s.behind {
		if j := s.resume(pub); len(j.incidents) > 0 {
			jobs = append(jobs, j)
		}
	}
	made, gathering := digests(s.over, old, now)
	jobs = append(jobs, made...)
	for _, g := range groupStorms(s.recent, s.fresh, s.storms) {
		if g.joins == "" {
			jobs = append(jobs, newJob(g.kind, g.incidents...))
			continue
		}
		n := slices.IndexFunc(jobs, func(j *job) bool { return j.pub.Key == g.joins })
		if n < 0 {
			n = len(jobs)
			stored := slices.IndexFunc(s.storms, func(pub issue.Publication) bool { return pub.Key == g.joins })
			jobs = append(jobs, s.resume(s.storms[stored]))
		}
		for _, i := range g.incidents {
			jobs[n].join(i)
		}
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return a.onset().Compare(b.onset()) })
	return jobs, gathering
}

// resume makes a job of a stored publication.
func (s snapshot) resume(pub issue.Publication) *job {
	j := &job{pub: pub}
	for _, part := range pub.Parts {
		if i, ok := s.incidents[part.Incident]; ok {
			j.incidents = append(j.incidents, i)
		}
	}
	return j
}

// isLongOver reports whether an incident goes into a digest.
func isLongOver(i alert.Incident, now time.Time) bool {
	ended := issue.Ended(i)
	return !ended.IsZero() && now.Sub(ended) > digestAfter
}

// digests makes one publication of a repository's long-over incidents, once no more turn up.
func digests(over []alert.Incident, old map[string]gathered, now time.Time) (jobs []*job, gathering map[string]gathered) {
	byRepository := map[string][]alert.Incident{}
	for _, i := range over {
		byRepository[i.Repository] = append(byRepository[i.Repository], i)
	}
	gathering = map[string]gathered{}
	for _, name := range slices.Sorted(maps.Keys(byRepository)) {
		all := byRepository[name]
		wait, ok := old[name]
		if !ok || wait.incidents != len(all) {
			wait = gathered{len(all), now}
		}
		gathering[name] = wait
		switch {
		case now.Sub(wait.since) < digestQuiet:
		case len(all) == 1:
			jobs = append(jobs, newJob(issue.Single, all[0]))
		default:
			jobs = append(jobs, newJob(issue.Digest, all...))
		}
	}
	return jobs, gathering
}

// grouping is incidents for one publication.
type grouping struct {
	kind      issue.Kind
	joins     string // key of the storm's existing publication; empty: none
	incidents []alert.Incident
}

// groupStorms puts the fresh incidents of one storm into one publication, joining an existing one,
// and each of the others into a publication of its own. `recent` is the repository's incidents of
// the last day, including fresh ones; `published` is the publications of the storms among them.
// Published incidents stay where they are, and nothing joins an issue that a person removed.
func groupStorms(recent, fresh []alert.Incident, published []issue.Publication) (groups []grouping) {
	left := map[string]bool{} // fresh ones without a place yet
	for _, i := range fresh {
		left[i.ID] = true
	}
	for _, storm := range issue.Storms(recent) {
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
			groups = append(groups, grouping{kind: issue.Storm, joins: joins, incidents: []alert.Incident{i}})
		}
	}
	for _, i := range fresh {
		if left[i.ID] {
			groups = append(groups, grouping{kind: issue.Single, incidents: []alert.Incident{i}})
		}
	}
	return groups
}

// takes reports whether a storm's new publication accepts another incident.
func (g grouping) takes(storm []alert.Incident, i alert.Incident) bool {
	first := g.incidents[0]
	return slices.ContainsFunc(storm, func(s alert.Incident) bool { return s.ID == first.ID }) && i.Detected().Sub(first.Onset()) <= maxStorm
}

// publicationOf returns the key of a storm's newest publication that an incident can join; empty if
// there is none.
func publicationOf(storm []alert.Incident, i alert.Incident, published []issue.Publication) string {
	for _, member := range slices.Backward(storm) {
		for _, pub := range published {
			if pub.Kind == issue.Storm && pub.Parts.Of(member.ID) != nil && !pub.IsGone() && i.Detected().Sub(pub.Parts[0].Onset) <= maxStorm {
				return pub.Key
			}
		}
	}
	return ""
}
