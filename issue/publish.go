package issue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How the states of a write follow each other. Each step is stored before the next begins.
//
//	Wanted -> Sending -> request
//	  done                        -> Posted
//	  refused                     -> Wanted, later
//	  rate limited                -> Wanted, not before the time named
//	  removed by a person         -> Gone
//	  edited by a person          -> Posted, and left alone from then on
//	  no answer                   -> Unknown
//	Sending, found in the store   -> Unknown: the process died between the intent and the outcome
//	Unknown -> look
//	  there                       -> Posted
//	  not there, twice, and long enough after it was sent -> Wanted (or Gone, if it had been there before)
//
// What does no harm when it is done twice needs no such care, and is done again until it is known to be done: making labels, exchanging an
// issue's labels, reopening and closing it. Each is asked for only while what it changes is as postburn left it.

// maxSteps bounds what is done for one publication before the others have their turn.
const maxSteps = 20

// advance does all that is due for a publication, and returns when something else will be; zero where nothing is known to be.
func (p *Publisher) advance(ctx context.Context, j *job) (time.Time, error) {
	for range maxSteps {
		now := time.Now()
		j.plan(now)
		i, at := j.next(now)
		if i < 0 {
			return time.Time{}, p.finish(ctx, j)
		}
		if at.Before(p.paused) {
			at = p.paused
		}
		if at.After(now) {
			return at, nil
		}
		p.tried[j.pub.Key] = now
		if err := p.step(ctx, j, i); err != nil {
			return time.Time{}, err
		}
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

// finish notes that the tracker agrees, once all is over and all evidence is fetched: as long as
// something burns there will be more to tell.
func (p *Publisher) finish(ctx context.Context, j *job) error {
	if j.open() || j.hasOpenWindow() || j.posted() || len(p.withoutEvidence(j)) > 0 {
		return nil
	}
	j.agree()
	if err := p.save(ctx, j); err != nil {
		return err
	}
	if o := j.opening(); o.State == Posted {
		p.Logger.Info("post-mortem completed", "incident", j.pub.Key, "url", o.Ref.URL)
	}
	return nil
}

func (p *Publisher) save(ctx context.Context, j *job) error {
	if err := p.Store.Save(ctx, j.pub); err != nil {
		return fmt.Errorf("storing the publication: %w", err)
	}
	return nil
}

// step does one thing about a write and stores what came of it.
func (p *Publisher) step(ctx context.Context, j *job, i int) error {
	w := &j.pub.Writes[i]
	switch {
	case w.State == Sending:
		w.State, w.Looks = Unknown, 0
		return p.save(ctx, j)
	case w.State == Unknown:
		return p.look(ctx, j, i)
	case w.Stage == Relabel:
		return p.relabel(ctx, j, i)
	case w.exists():
		return p.send(ctx, j, i)
	}
	if w.Stage == Opening && w.At.IsZero() {
		if done, err := p.lookFirst(ctx, j); done || err != nil {
			return err
		}
	}
	ready, err := p.ready(ctx, j, i)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return p.settle(ctx, j, i, *w, err)
	case !ready:
		return p.save(ctx, j)
	}
	return p.send(ctx, j, i)
}

// ready does what has to come before a text is sent for the first time; ready is false where it is not to be sent after all.
func (p *Publisher) ready(ctx context.Context, j *job, i int) (ready bool, err error) {
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	doing := ""
	switch w := j.pub.Writes[i]; w.Stage {
	case Opening:
		doing, err = "preparing the issue", p.Tracker.Prepare(call, p.post(j, i))
		if call.Err() != nil && ctx.Err() == nil {
			err = nil // the issue is worth more than its labels
		}
	case Return:
		doing = "reopening the issue"
		if err = p.reopen(call, j); j.unwanted() {
			return false, err
		}
	case Sweep:
		doing, err = "closing the second issue", p.Tracker.Change(call, Found{Key: j.opening().Key, Ref: w.Issue}, Change{Close: true})
	}
	switch {
	case err == nil, errors.Is(err, ErrNotFound): // the text will tell
		return true, nil
	case errors.As(err, new(RateLimited)):
		return false, err
	}
	return false, fmt.Errorf("%s: %w: %w", doing, ErrRefused, err) // the text was not sent, and to do this twice does no harm
}

// reopen opens the issue of an incident that came back, if a person closed it as completed.
func (p *Publisher) reopen(ctx context.Context, j *job) error {
	at, ok, err := p.find(ctx, j, 0)
	if err != nil || !ok {
		return err
	}
	if j.pub.Triage = at.Triage(); j.pub.Triage != Completed {
		return nil
	}
	return p.Tracker.Change(ctx, at, Change{Reopen: true})
}

// relabel exchanges labels of the issue.
func (p *Publisher) relabel(ctx context.Context, j *job, i int) error {
	w, o := &j.pub.Writes[i], j.opening()
	before, now := *w, j.relabelled()
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	err := p.Tracker.Change(call, Found{Key: o.Key, Ref: o.Ref}, exchange(o.Labels, now))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		o.Labels = now
	case !errors.Is(err, ErrNotFound) && !errors.As(err, new(RateLimited)):
		err = fmt.Errorf("exchanging labels: %w: %w", ErrRefused, err) // to do it twice does no harm
	}
	return p.settle(ctx, j, i, before, err)
}

// send stores the intent, makes the request, and stores the outcome.
func (p *Publisher) send(ctx context.Context, j *job, i int) error {
	w := &j.pub.Writes[i]
	text, err := p.text(ctx, j, i)
	if err != nil {
		return err
	}
	before := *w
	w.Text, w.State, w.At, w.Looks, w.Revision, w.Facts = text, Sending, time.Now().UTC(), 0, j.revision(), j.facts()
	if w.Stage == Opening {
		w.Ended = j.ended()
	}
	if w.exists() && text == before.Text {
		w.State = Posted
		w.clear()
		return p.save(ctx, j)
	}
	if w.exists() {
		w.Prior = before.Text
	}
	if err := p.save(ctx, j); err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	if w.exists() {
		err = p.Tracker.Replace(call, Found{Key: w.Key, Ref: w.Ref, Text: w.Prior}, text)
	} else {
		var found Found
		post := p.post(j, i)
		if found, err = p.Tracker.Create(call, post); err == nil {
			p.created(j, i, post, found)
		}
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // it stays as it is stored: Sending
	}
	return p.settle(ctx, j, i, before, err)
}

// created notes where a new text is, and what of an issue the tracker left out.
func (p *Publisher) created(j *job, i int, post Post, found Found) {
	w := &j.pub.Writes[i]
	w.Ref = found.Ref
	if w.Stage != Opening {
		return
	}
	w.Labels, w.Dropped = withoutDropped(post.Labels, found.Dropped), found.Dropped
	if found.Author != "" {
		j.pub.Author = found.Author
	}
	if len(w.Dropped) > 0 {
		w.Revision, w.Facts = 0, "" // to be said in the text when it is written again
	}
}

// settle stores the outcome of a request. What a tracker did not take is as it was before.
func (p *Publisher) settle(ctx context.Context, j *job, i int, before Write, err error) error {
	w := &j.pub.Writes[i]
	var limited RateLimited
	switch {
	case err == nil:
		w.State = Posted
		w.clear()
		p.metrics.count(*w, outcomePosted)
		if w.Stage == Opening && !before.exists() {
			p.Logger.Info("post-mortem opened", "incident", j.pub.Key, "url", w.Ref.URL)
		}
	case errors.As(err, &limited):
		w.back(before, err, p.pause(limited))
		p.metrics.count(*w, outcomeRateLimited)
	case errors.Is(err, ErrEdited):
		*w = before
		w.State, w.Edited = Posted, true
		w.clear()
		p.metrics.count(*w, outcomeEdited)
	case errors.Is(err, ErrNotFound) && (w.exists() || w.Stage != Opening):
		p.gone(j, i)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrNotFound):
		w.back(before, err, time.Now().Add(backoff(w.Tries)))
		p.metrics.count(*w, outcomeRefused)
	default:
		w.State, w.Error, w.NotUntil = Unknown, err.Error(), time.Time{}
		p.metrics.count(*w, outcomeUnknown)
	}
	return p.save(ctx, j)
}

// pause keeps the tracker in peace until the time that it named.
func (p *Publisher) pause(limited RateLimited) time.Time {
	p.paused = limited.Until
	if soonest := time.Now().Add(leastPause); p.paused.Before(soonest) {
		p.paused = soonest
	}
	return p.paused
}

// gone notes that a person has removed a text. A comment that can't be written means that its issue was removed.
func (p *Publisher) gone(j *job, i int) {
	w := &j.pub.Writes[i]
	if !w.exists() {
		p.metrics.count(*w, outcomeGone)
		w.State = Gone
		w.clear()
		if w.Stage == Sweep {
			return // that was of another issue
		}
		w = j.opening()
	}
	w.State = Gone
	w.clear()
	p.metrics.count(*w, outcomeGone)
	if w.Stage == Opening {
		if j.pub.Triage != Transferred {
			j.pub.Triage = Deleted
		}
		p.Logger.Info("post-mortem was removed by a person and is left so", "incident", j.pub.Key, "url", w.Ref.URL)
	}
}

func backoff(tries int) time.Duration {
	if tries > 10 {
		return lastRetry
	}
	return min(firstRetry<<tries, lastRetry)
}

// post is what the tracker is asked to write, or to look for.
func (p *Publisher) post(j *job, i int) Post {
	w := j.pub.Writes[i]
	post := Post{Key: w.Key, Kind: j.pub.Kind, Group: j.pub.Group, Onset: j.onset(), Repository: j.pub.Repository, Ref: w.Ref, Text: w.Text}
	if j.pub.Kind == Single {
		post.MergeGap = j.mergeGap(p.Settings)
	}
	o := j.opening()
	switch {
	case w.Stage == Opening:
		post.Labels = j.labels(p.Settings)
		post.Assignees, _ = j.owners(p.Settings)
	case w.Issue != Ref{}:
		post.Parent = &Found{Key: o.Key, Ref: w.Issue}
	default:
		post.Parent = &Found{Key: o.Key, Ref: o.Ref, Text: o.Text}
	}
	return post
}

// mergeGap returns the shortest merge gap of the incident's objectives; 0 if none is known.
func (j *job) mergeGap(settings func(slo string) Settings) (shortest time.Duration) {
	for _, w := range j.incidents[0].Windows {
		if gap := settings(w.Objective.Name).MergeGap; gap > 0 && (shortest == 0 || gap < shortest) {
			shortest = gap
		}
	}
	return shortest
}
