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
	triageEvery = 2 * time.Minute
	// triaged is how long after an incident's end to read what people do with its issue.
	triaged = 30 * 24 * time.Hour
)

// triage reads what people did with issues: closed, moved or deleted one. It also finds second
// issues.
type triage struct {
	Options
	writer  *writer
	metrics *metrics
	rounds  *rounds

	changed map[string]time.Time // newest change seen (tracker's clock), by repository
	checked map[string]string    // key of the publication last checked, by repository
}

// readBack reads what people did with issues, from time to time.
func (t *triage) readBack(ctx context.Context) {
	now := time.Now()
	if t.List != nil && !now.Before(t.rounds.due()) {
		t.rounds.end(now.Add(triageEvery), t.readIssues(ctx, now))
	}
}

func (t *triage) readIssues(ctx context.Context, now time.Time) error {
	byRepository, err := t.published(ctx, now)
	if err != nil {
		return err
	}
	var failed error
	for _, name := range slices.Sorted(maps.Keys(byRepository)) {
		err := t.readRepository(ctx, name, byRepository[name], now)
		if errors.As(err, new(issue.RateLimited)) || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// published returns the publications of open and recent incidents, by repository and key. It also
// counts noise.
func (t *triage) published(ctx context.Context, now time.Time) (map[string]map[string]issue.Publication, error) {
	incidents, err := t.Store.Incidents(ctx, now.Add(-issue.Remembered))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	publications, _, err := publicationsOf(ctx, t.Store, incidents)
	if err != nil {
		return nil, err
	}
	byIncident := map[string]issue.Publication{}
	for _, pub := range publications {
		for _, part := range pub.Parts {
			byIncident[part.Incident] = pub
		}
	}
	found := map[string]map[string]issue.Publication{}
	noise := map[string]int{}
	for _, i := range incidents {
		pub, ok := byIncident[i.ID]
		slos := map[string]bool{}
		for _, w := range i.Windows {
			slos[w.Objective.Name] = true
		}
		for name := range slos {
			if noise[name] += 0; pub.Triage == issue.Noise && pub.Excluded == nil {
				noise[name]++
			}
		}
		recent := issue.IsOpen(i) || now.Sub(issue.Ended(i)) < triaged
		if !ok || !recent || !pub.HasIssue() || pub.IsGone() {
			continue
		}
		if found[pub.Repository] == nil {
			found[pub.Repository] = map[string]issue.Publication{}
		}
		found[pub.Repository][pub.Key] = pub
	}
	t.metrics.noise.Reset()
	for name, n := range noise {
		t.metrics.noise.WithLabelValues(name).Set(float64(n))
	}
	return found, nil
}

// readRepository reads what changed since its last look, and checks whether one of the unchanged
// issues is still there.
func (t *triage) readRepository(ctx context.Context, name string, publications map[string]issue.Publication, now time.Time) error {
	call, cancel := context.WithTimeout(ctx, t.CallTimeout)
	defer cancel()
	since, ok := t.changed[name]
	if !ok {
		since = now.Add(-triaged)
	}
	all, err := t.List(call, name, since)
	if err != nil {
		return fmt.Errorf("listing issues: %w", err)
	}
	byNumber := map[int64]string{}
	silent := maps.Clone(publications)
	for key, pub := range publications {
		byNumber[pub.Writes[0].Ref.Number] = key
	}
	for _, found := range all {
		if key, ok := byNumber[found.Ref.Number]; ok {
			delete(silent, key)
			err = errors.Join(err, t.decided(ctx, publications[key], found))
		}
		if found.Updated.After(since) {
			since = found.Updated
		}
	}
	for _, found := range all {
		for _, pub := range publications {
			if found.Key == pub.Writes[0].Key && byNumber[found.Ref.Number] == "" {
				err = errors.Join(err, t.sweep(ctx, pub.Parts[0].Incident, found))
			}
		}
	}
	if err == nil {
		t.changed[name] = since // else read it again
	}
	return errors.Join(err, t.checkOne(call, name, silent))
}

// decided notes what people did with an issue.
func (t *triage) decided(ctx context.Context, pub issue.Publication, found issue.Found) error {
	news := pub.Decide(found.Triage())
	noted := pub.Note(found.Labels)
	planned, err := t.planLint(ctx, &pub)
	if err != nil || !news && !noted && !planned {
		return err
	}
	if err := t.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing what people made of an issue: %w", err)
	}
	if !news {
		return nil
	}
	t.Logger.Info("people have triaged a post-mortem", "incident", pub.Key, "triage", string(pub.Triage), "url", pub.URL())
	return nil
}

// checkOne checks whether one issue is still in its place: each time the next that is not in the
// list of changes.
func (t *triage) checkOne(ctx context.Context, name string, publications map[string]issue.Publication) error {
	keys := slices.Sorted(maps.Keys(publications))
	if len(keys) == 0 {
		return nil
	}
	n, _ := slices.BinarySearch(keys, t.checked[name]+"\x00")
	pub := publications[keys[n%len(keys)]]
	t.checked[name] = pub.Key
	o := pub.Opening()
	all, err := t.Tracker.Find(ctx, issue.Post{Key: o.Key, Kind: pub.Kind, Group: pub.Group, Repository: pub.Repository, Ref: o.Ref}, time.Time{})
	if moved := (issue.Moved{}); errors.As(err, &moved) {
		t.writer.follow(&pub, moved)
		if err := t.Store.Save(ctx, pub); err != nil {
			return fmt.Errorf("storing that an issue was transferred: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for an issue: %w", err)
	}
	for _, found := range all {
		if found.Ref.Number == o.Ref.Number {
			return t.decided(ctx, pub, found)
		}
	}
	pub.Remove(o)
	if err := t.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing that an issue was deleted: %w", err)
	}
	t.Logger.Info("post-mortem was removed by a person and is left so", "incident", pub.Key, "url", pub.URL())
	return nil
}

// sweep plans to close the higher-numbered of two open issues with one key, with a link to the
// other. A second postburn on the same repository may have made it, or a tracker that acted very
// late.
func (t *triage) sweep(ctx context.Context, incident string, second issue.Found) error {
	pub, ok, err := t.Store.Publication(ctx, incident)
	if err != nil || !ok {
		return err
	}
	closed, ok := pub.CloseSecond(second)
	if !ok {
		return nil
	}
	if err := t.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing that there is a second issue: %w", err)
	}
	t.Logger.Warn("there is a second issue for an incident; it will be closed", "incident", pub.Key, "url", closed.URL, "original", pub.URL())
	return nil
}
