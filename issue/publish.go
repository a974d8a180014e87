package issue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
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

// maxSteps bounds what is done for one incident before the others have their turn.
const maxSteps = 20

// advance does all that is due for an incident, and returns when something else will be; zero where nothing is known to be.
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
		if err := p.step(ctx, j, i); err != nil {
			return time.Time{}, err
		}
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

// finish notes that the tracker agrees, once the incident is over: as long as it burns there will be more to tell.
func (p *Publisher) finish(ctx context.Context, j *job) error {
	if j.incident.IsOpen() || j.pub.Posted(j.incident.ID) >= j.incident.Revision {
		return nil
	}
	j.pub.Parts = []Part{{Incident: j.incident.ID, Posted: j.incident.Revision}}
	if err := p.save(ctx, j); err != nil {
		return err
	}
	if o := j.opening(); o.State == Posted {
		p.Logger.Info("post-mortem completed", "incident", j.incident.ID, "url", o.Ref.URL)
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
	case w.Stage == Opening && !w.exists() && w.At.IsZero():
		if done, err := p.lookFirst(ctx, j); done || err != nil {
			return err
		}
	case w.Stage == Return && !w.exists():
		if err := p.reopen(ctx, j); err != nil {
			return p.settle(ctx, j, i, *w, err)
		}
	}
	return p.send(ctx, j, i)
}

// send stores the intent, makes the request, and stores the outcome.
func (p *Publisher) send(ctx context.Context, j *job, i int) error {
	w := &j.pub.Writes[i]
	text, err := p.text(ctx, j, w.Stage)
	if err != nil {
		return err
	}
	before := *w
	w.Text, w.State, w.At, w.Looks, w.Revision = text, Sending, time.Now().UTC(), 0, j.incident.Revision
	if w.Stage == Opening {
		w.Ended = j.incident.Ended()
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
		if found, err = p.Tracker.Create(call, p.post(j, i)); err == nil {
			w.Ref = found.Ref
		}
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // it stays as it is stored: Sending
	}
	return p.settle(ctx, j, i, before, err)
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
			p.Logger.Info("post-mortem opened", "incident", j.incident.ID, "url", w.Ref.URL)
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
		w = j.opening()
	}
	w.State = Gone
	w.clear()
	p.metrics.count(*w, outcomeGone)
	if w.Stage == Opening {
		p.Logger.Info("post-mortem was removed by a person and is left so", "incident", j.incident.ID, "url", w.Ref.URL)
	}
}

// clear forgets the troubles that are over.
func (w *Write) clear() {
	w.Prior, w.Tries, w.Looks, w.NotUntil, w.Error = Text{}, 0, 0, time.Time{}, ""
}

// back makes a write as it was before it was sent, to be sent again later.
func (w *Write) back(before Write, err error, notUntil time.Time) {
	tries := w.Tries + 1
	*w = before
	w.State, w.Tries, w.Error, w.NotUntil = Wanted, tries, err.Error(), notUntil.UTC()
}

func backoff(tries int) time.Duration {
	if tries > 10 {
		return lastRetry
	}
	return min(firstRetry<<tries, lastRetry)
}

// reopen opens the issue of an incident that came back, if a person closed it as completed.
func (p *Publisher) reopen(ctx context.Context, j *job) error {
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	at, ok, err := p.find(call, j, 0)
	if err == nil && ok && at.Closed && at.Completed {
		err = p.Tracker.Reopen(call, at)
	}
	switch {
	case err == nil, errors.Is(err, ErrNotFound): // the comment will tell that the issue is gone
		return nil
	case errors.As(err, new(RateLimited)):
		return err
	}
	return fmt.Errorf("reopening the issue: %w: %w", ErrRefused, err) // the comment was not sent, and to reopen twice does no harm
}

// post is what the tracker is asked to write, or to look for.
func (p *Publisher) post(j *job, i int) Post {
	w := j.pub.Writes[i]
	post := Post{Key: w.Key, Group: j.pub.Group, Onset: j.incident.Onset(), Repository: j.pub.Repository, Ref: w.Ref, Text: w.Text}
	if i > 0 {
		o := j.opening()
		post.Parent = &Found{Key: o.Key, Ref: o.Ref, Text: o.Text}
		return post
	}
	post.Labels, post.Assignees = p.settings(j.incident)
	return post
}

// settings are the labels of all the incident's objectives, their services among them, and whom to assign. A team can't be assigned.
func (p *Publisher) settings(i alert.Incident) (labels, assignees []string) {
	for _, w := range i.Windows {
		s := p.Settings(w.Objective.Name)
		if w.Objective.Service != "" {
			labels = appendNew(labels, "service:"+w.Objective.Service)
		}
		labels = appendNew(labels, s.Labels...)
		if owner := strings.TrimPrefix(w.Objective.Owner, "@"); s.Assign == "owner" && owner != "" && !strings.Contains(owner, "/") {
			assignees = appendNew(assignees, owner)
		}
	}
	return labels, assignees
}
