package issue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	triageEvery = 2 * time.Minute
	// triaged is for how long after an incident's end it is looked what people do with its issue.
	triaged = 30 * 24 * time.Hour
)

// triage is how far the publisher has read back what people did with issues.
type triage struct {
	next    time.Time
	changed map[string]time.Time // the newest change that was seen, by repository and the tracker's clock
	checked map[string]string    // the key of the publication that was last checked for being there, by repository
}

func newTriage() triage {
	return triage{changed: map[string]time.Time{}, checked: map[string]string{}}
}

// readBack reads what people did with issues, from time to time.
func (p *Publisher) readBack(ctx context.Context) {
	now := time.Now()
	if p.List == nil || now.Before(p.triage.next) || now.Before(p.paused) {
		return
	}
	p.triage.next = now.Add(triageEvery)
	err := p.readIssues(ctx, now)
	var limited RateLimited
	if errors.As(err, &limited) {
		p.pause(limited)
	}
	p.report("", reading, err)
}

func (p *Publisher) readIssues(ctx context.Context, now time.Time) error {
	byRepository, err := p.published(ctx, now)
	if err != nil {
		return err
	}
	var failed error
	for _, name := range slices.Sorted(maps.Keys(byRepository)) {
		err := p.readRepository(ctx, name, byRepository[name], now)
		if errors.As(err, new(RateLimited)) || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// published are the publications of open and recent incidents, by repository and key. On the way, noise is counted.
func (p *Publisher) published(ctx context.Context, now time.Time) (map[string]map[string]Publication, error) {
	incidents, err := p.Store.Incidents(ctx, now.Add(-remembered))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	found := map[string]map[string]Publication{}
	noise := map[string]int{}
	for _, i := range incidents {
		pub, ok, err := p.Store.Publication(ctx, i.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		}
		slos := map[string]bool{}
		for _, w := range i.Windows {
			slos[w.Objective.Name] = true
		}
		for name := range slos {
			if noise[name] += 0; pub.Triage == Noise {
				noise[name]++
			}
		}
		recent := IsOpen(i) || now.Sub(Ended(i)) < triaged
		if !ok || !recent || len(pub.Writes) == 0 || !pub.Writes[0].exists() || pub.Writes[0].State == Gone {
			continue
		}
		if found[pub.Repository] == nil {
			found[pub.Repository] = map[string]Publication{}
		}
		found[pub.Repository][pub.Key] = pub
	}
	p.metrics.noise.Reset()
	for name, n := range noise {
		p.metrics.noise.WithLabelValues(name).Set(float64(n))
	}
	return found, nil
}

// readRepository reads what has changed since it last looked, and whether one of the issues of which nothing is heard is still there.
func (p *Publisher) readRepository(ctx context.Context, name string, publications map[string]Publication, now time.Time) error {
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	since, ok := p.triage.changed[name]
	if !ok {
		since = now.Add(-triaged)
	}
	all, err := p.List(call, name, since)
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
			err = errors.Join(err, p.decided(ctx, publications[key], found))
		}
		if found.Updated.After(since) {
			since = found.Updated
		}
	}
	for _, found := range all {
		for _, pub := range publications {
			if found.Key == pub.Writes[0].Key && byNumber[found.Ref.Number] == "" {
				err = errors.Join(err, p.sweep(ctx, pub.Parts[0].Incident, found))
			}
		}
	}
	if err == nil {
		p.triage.changed[name] = since // else it is read again
	}
	return errors.Join(err, p.checkOne(call, name, silent))
}

// decided notes what people made of an issue.
func (p *Publisher) decided(ctx context.Context, pub Publication, found Found) error {
	now := found.Triage()
	if pub.Triage == now {
		return nil
	}
	pub.Triage = now
	if err := p.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing what people made of an issue: %w", err)
	}
	p.Logger.Info("people have triaged a post-mortem", "incident", pub.Key, "triage", string(now), "url", pub.URL())
	return nil
}

// checkOne looks whether an issue is still where it was: each time the next one of those that are not in the list of what has changed.
func (p *Publisher) checkOne(ctx context.Context, name string, publications map[string]Publication) error {
	keys := slices.Sorted(maps.Keys(publications))
	if len(keys) == 0 {
		return nil
	}
	n, _ := slices.BinarySearch(keys, p.triage.checked[name]+"\x00")
	pub := publications[keys[n%len(keys)]]
	p.triage.checked[name] = pub.Key
	o := &pub.Writes[0]
	all, err := p.Tracker.Find(ctx, Post{Key: o.Key, Kind: pub.Kind, Group: pub.Group, Repository: pub.Repository, Ref: o.Ref}, time.Time{})
	if err != nil {
		return fmt.Errorf("looking for an issue: %w", err)
	}
	for _, found := range all {
		if found.Ref.Number == o.Ref.Number && !found.Moved {
			return p.decided(ctx, pub, found)
		}
	}
	o.State, pub.Triage = Gone, ""
	o.clear()
	if len(all) > 0 {
		return p.decided(ctx, pub, Found{Moved: true})
	}
	pub.Triage = Deleted
	if err := p.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing that an issue was deleted: %w", err)
	}
	p.Logger.Info("post-mortem was removed by a person and is left so", "incident", pub.Key, "url", pub.URL())
	return nil
}

// sweep wants the higher of two open issues with one key to be closed, with a link to the other. Another postburn that writes to the same
// repository may have made it, or a tracker that acted very late.
func (p *Publisher) sweep(ctx context.Context, incident string, second Found) error {
	pub, ok, err := p.Store.Publication(ctx, incident)
	if err != nil || !ok {
		return err
	}
	o := &pub.Writes[0]
	known := slices.ContainsFunc(pub.Writes, func(w Write) bool { return w.Stage == Sweep && w.Issue.Number == second.Ref.Number })
	if known || second.Closed || pub.Triage != "" || second.Ref.Number == 0 || o.State != Posted {
		return nil // what a person closed, or opened again, stays so
	}
	higher := second.Ref
	if higher.Number < o.Ref.Number {
		higher = o.Ref
		o.Ref, o.Text, o.Edited = second.Ref, second.Text, true
		for i := range pub.Writes {
			if pub.Writes[i].Stage == Progress {
				pub.Writes[i].State = Gone // it stays behind
			}
		}
	}
	pub.Writes = append(pub.Writes, Write{
		Key: fmt.Sprintf("%s/%s-%d", pub.Key, Sweep, higher.Number), Stage: Sweep, State: Wanted, Issue: higher,
	})
	if err := p.Store.Save(ctx, pub); err != nil {
		return fmt.Errorf("storing that there is a second issue: %w", err)
	}
	p.Logger.Warn("there is a second issue for an incident; it will be closed", "incident", pub.Key, "url", higher.URL, "original", o.Ref.URL)
	return nil
}
