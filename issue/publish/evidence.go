package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

const (
	// evidenceTimeout bounds how long fetching evidence holds up a pass, for all its incidents
	// together.
	evidenceTimeout = 10 * time.Second
	// evidenceGrace is the end of that time, when a stopped collector may still hand in what it
	// has.
	evidenceGrace = time.Second
	// storming is the least time left in a pass to fetch evidence that no text waits for.
	storming = evidenceTimeout / 2
	// maxFetched is how many incidents of a storm get evidence: the worst ones.
	maxFetched = 100
)

// fetcher asks collectors for evidence, and stores what they find.
type fetcher struct {
	Options
	patience time.Duration // left in this pass
}

// of returns the evidence for one of the publication's incidents. It is fetched when the incident
// opens and again after it ends, and stored in between, so that a retried text says the same. It is
// not stored if time ran out. Its only errors are those of the store.
func (f *fetcher) of(ctx context.Context, j *job, i alert.Incident) (issue.Evidence, error) {
	if len(f.Collectors) == 0 {
		return issue.Evidence{}, nil
	}
	part := j.pub.Parts.Of(i.ID)
	if part.HasEvidence(i) {
		e, err := part.Unpack()
		if err == nil {
			return e, nil
		}
		f.Logger.Error("reading kept evidence; it is fetched again", "incident", i.ID, "err", err)
	}
	if f.patience <= 0 {
		return issue.Evidence{Unresolved: []string{"Evidence was not collected yet: that of other incidents took all the time there was."}}, nil
	}
	e := f.fetch(ctx, i)
	if ctx.Err() != nil {
		return e, nil // incomplete
	}
	if e.StoreError != nil {
		return issue.Evidence{}, fmt.Errorf("collecting evidence: %w", e.StoreError)
	}
	if err := part.Keep(e, issue.Ended(i)); err != nil {
		f.Logger.Error("keeping evidence", "incident", i.ID, "err", err)
	}
	return e, nil
}

// fetch runs all collectors side by side. It reports as missing what they do not return in time.
func (f *fetcher) fetch(ctx context.Context, i alert.Incident) (all issue.Evidence) {
	began := time.Now()
	defer func() { f.patience -= time.Since(began) }()
	bounded, cancel := context.WithTimeout(ctx, max(f.patience-evidenceGrace, f.patience/2))
	defer cancel()
	found := make([]chan issue.Evidence, len(f.Collectors))
	for n, c := range f.Collectors {
		found[n] = make(chan issue.Evidence, 1)
		go func() {
			e := issue.Evidence{Unresolved: []string{"A part of the evidence was not collected: postburn made a mistake, its log has more."}}
			defer func() {
				if wrong := recover(); wrong != nil {
					f.Logger.Error("collecting evidence panicked", "incident", i.ID, "err", wrong)
				}
				found[n] <- e
			}()
			e = c(bounded, i)
		}()
	}
	late := time.NewTimer(f.patience)
	defer late.Stop()
	for n := range found {
		select {
		case e := <-found[n]:
			all.Add(e)
			continue
		default:
		}
		select {
		case e := <-found[n]:
			all.Add(e)
		case <-late.C:
			late.Reset(0) // for other late collectors
			all.Unresolved = append(all.Unresolved, "A part of the evidence was not collected in time.")
		}
	}
	return all
}

// ofOthers fetches evidence that no text waits for, the worst incidents' first, while this pass has
// time: storms', for the incidents' pages, and that of an open incident whose text had to do
// without.
func (f *fetcher) ofOthers(ctx context.Context, jobs []*job) (failed error) {
	for _, j := range jobs {
		fetched := false
		for _, i := range f.missing(j) {
			if f.patience < storming || ctx.Err() != nil {
				break
			}
			if _, err := f.of(ctx, j, i); err != nil {
				failed = err // the last one will do
				continue
			}
			fetched = true
		}
		if fetched {
			if err := j.save(ctx, f.Store); err != nil {
				return err
			}
		}
	}
	return failed
}

// missing returns incidents that still need evidence: those of a storm, or one that is open and has
// its issue. There are none if the issue was removed.
func (f *fetcher) missing(j *job) (without []alert.Incident) {
	switch {
	case j.pub.IsGone() || len(f.Collectors) == 0:
		return nil
	case j.pub.Kind == issue.Storm:
	case j.pub.Kind != issue.Single || !j.open() || j.isUnopened():
		return nil
	}
	worst := issue.WorstFirst(j.incidents)
	for _, i := range worst[:min(len(worst), maxFetched)] {
		if !j.pub.Parts.Of(i.ID).HasEvidence(i) {
			without = append(without, i)
		}
	}
	return without
}
