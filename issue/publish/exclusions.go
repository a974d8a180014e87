package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
)

const (
	// excludeEvery is the time between two looks for issue.ExcludeLabel, and excludeShare the least
	// for each repository: a look costs a request, which GitHub does not count while nothing
	// changed. With 24 repositories it still takes less than a minute to notice a label.
	excludeEvery = 20 * time.Second
	excludeShare = 2 * time.Second
)

// exclusions notes which issues people gave issue.ExcludeLabel, or took it from, and makes their
// budgets follow.
type exclusions struct {
	Options
	rounds *rounds

	changed map[string]time.Time // newest change seen (tracker's clock), by repository
	marked  map[string]place     // the excluded publications, by key; nil: not read yet
	behind  bool                 // the budgets do not know all of it yet
}

// place is where an issue is.
type place struct {
	repository string
	ref        issue.Ref
}

func newExclusions(o Options, r *rounds) *exclusions {
	return &exclusions{Options: o, rounds: r, changed: map[string]time.Time{}}
}

// read looks for labels, from time to time, and returns when it will look again.
func (x *exclusions) read(ctx context.Context) (next time.Time) {
	now := time.Now()
	if x.ListMarked == nil {
		return now.Add(x.Interval)
	}
	if due := x.rounds.due(); now.Before(due) {
		return due
	}
	err := x.readAll(ctx, now)
	next = now.Add(max(min(excludeEvery, x.Interval), time.Duration(len(x.changed))*excludeShare))
	x.rounds.end(next, errors.Join(err, x.correct(ctx)))
	return next
}

// correct makes the budgets follow.
func (x *exclusions) correct(ctx context.Context) error {
	if !x.behind || x.Corrected == nil {
		return nil
	}
	err := x.Corrected(ctx)
	x.behind = err != nil
	return err
}

func (x *exclusions) readAll(ctx context.Context, now time.Time) (failed error) {
	if x.marked == nil {
		if err := x.recall(ctx, now); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.changed)) {
		err := x.readRepository(ctx, name)
		if errors.As(err, new(issue.RateLimited)) || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// recall finds out which repositories have issues, and which publications are excluded.
func (x *exclusions) recall(ctx context.Context, now time.Time) error {
	marked := map[string]place{}
	err := x.each(ctx, now, func(pub issue.Publication) {
		x.lookAt(pub, now)
		if pub.Excluded != nil {
			marked[pub.Key] = place{pub.Repository, pub.Writes[0].Ref}
		}
	})
	if err == nil {
		x.marked = marked
	}
	return err
}

// each calls visit with the publications of recent incidents that have an issue.
func (x *exclusions) each(ctx context.Context, now time.Time, visit func(issue.Publication)) error {
	incidents, err := x.Store.Incidents(ctx, now.Add(-issue.Remembered))
	if err != nil {
		return fmt.Errorf("reading incidents: %w", err)
	}
	seen := map[string]bool{}
	for _, i := range incidents {
		pub, ok, err := x.Store.Publication(ctx, i.ID)
		if err != nil {
			return fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		}
		if ok && !seen[pub.Key] && pub.HasIssue() {
			seen[pub.Key] = true
			visit(pub)
		}
	}
	return nil
}

// note has a publication's repository looked at from now on. If an incident joined an excluded
// publication, that is excluded, too.
func (x *exclusions) note(j *job, now time.Time) {
	x.lookAt(j.pub, now)
	x.behind = x.behind || j.joined && j.pub.Excluded != nil
}

func (x *exclusions) lookAt(pub issue.Publication, now time.Time) {
	if _, known := x.changed[pub.Repository]; !known && pub.HasIssue() {
		x.changed[pub.Repository] = now.Add(-triaged)
	}
}

func (x *exclusions) readRepository(ctx context.Context, name string) error {
	call, cancel := context.WithTimeout(ctx, x.CallTimeout)
	defer cancel()
	since := x.changed[name]
	all, err := x.ListMarked(call, name, since)
	if err != nil {
		return fmt.Errorf("looking for excluded issues: %w", err)
	}
	for _, m := range all {
		if m.Exclusion != nil || x.hasMarked(name, m) {
			err = errors.Join(err, x.apply(ctx, name, m))
		}
		since = later(since, m.Updated)
	}
	if err == nil {
		x.changed[name] = since // else read it again
	}
	return err
}

// hasMarked reports whether an issue was excluded.
func (x *exclusions) hasMarked(repository string, m issue.Marked) bool {
	if _, is := x.marked[m.Key]; is {
		return true
	}
	for _, at := range x.marked {
		if at.repository == repository && isAt(m.Ref, at.ref) {
			return true
		}
	}
	return false
}

// isAt reports whether two places are the same; only some trackers number issues.
func isAt(a, b issue.Ref) bool { return a.Number == b.Number && (a.Number != 0 || a.URL == b.URL) }

// apply notes whether an issue is excluded. An issue that is no publication's is left out: somebody
// may have copied a marker.
func (x *exclusions) apply(ctx context.Context, repository string, m issue.Marked) error {
	pub, ok, err := x.find(ctx, repository, m)
	if err != nil || !ok {
		return err
	}
	var changed bool
	if m.Exclusion == nil {
		changed = pub.Readmit()
	} else {
		changed = pub.Exclude(*m.Exclusion, m.Updated)
	}
	if changed {
		if err := x.Store.Save(ctx, pub); err != nil {
			return fmt.Errorf("storing that an issue is excluded, or not any more: %w", err)
		}
		x.behind = true
	}
	if m.Exclusion == nil {
		delete(x.marked, pub.Key)
	} else {
		x.marked[pub.Key] = place{pub.Repository, pub.Writes[0].Ref}
	}
	if changed {
		x.tell(pub)
	}
	return nil
}

func (x *exclusions) tell(pub issue.Publication) {
	log := x.Logger.With("incident", pub.Key, "url", pub.URL())
	if e := pub.Excluded; e != nil {
		log.Info("people have excluded an incident: it does not count in budgets and reports", "by", e.By, "reason", e.Why())
		return
	}
	log.Info("an excluded incident counts again")
}

// find returns the publication of an issue: the one that its marker names, or else any that has its
// issue there.
func (x *exclusions) find(ctx context.Context, repository string, m issue.Marked) (pub issue.Publication, ok bool, err error) {
	is := func(pub issue.Publication) bool {
		return pub.Repository == repository && len(pub.Writes) > 0 && isAt(m.Ref, pub.Writes[0].Ref)
	}
	if m.Key != "" {
		pub, ok, err = x.Store.Publication(ctx, m.Key)
		if err != nil {
			return pub, false, fmt.Errorf("reading the publication of incident %s: %w", m.Key, err)
		}
		if ok && is(pub) {
			return pub, true, nil
		}
	}
	ok = false
	err = x.each(ctx, time.Now(), func(other issue.Publication) {
		if is(other) {
			pub, ok = other, true
		}
	})
	return pub, ok, err
}
