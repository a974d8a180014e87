package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/issue"
)

// writer takes one step after another for a publication at the tracker. issue.Write describes the
// order; each change is stored before the next step begins.
//
// Harmless repeats need no such care, and are retried until they succeed: making labels, exchanging
// an issue's labels, reopening and closing it. Each happens only while what it changes is as
// postburn left it.
type writer struct {
	Options
	texts   *texts
	metrics *metrics
	pause   *pause
}

// step does one task of a publication, and stores the outcome.
func (wr *writer) step(ctx context.Context, j *job, next task) error {
	w := next.write
	switch {
	case next.nest:
		return wr.nest(ctx, j)
	case w == nil:
		return wr.relabel(ctx, j)
	case w.State == issue.Sending:
		w.Lose(nil)
		return j.save(ctx, wr.Store)
	case w.State == issue.Unknown:
		return wr.look(ctx, j, w)
	case w.Exists():
		return wr.send(ctx, j, w)
	}
	if w.Stage == issue.Opening && w.At.IsZero() {
		if done, err := wr.lookFirst(ctx, j); done || err != nil {
			return err
		}
	}
	ready, err := wr.ready(ctx, j, w)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return wr.settle(ctx, j, w, *w, err)
	case !ready:
		return j.save(ctx, wr.Store)
	}
	return wr.send(ctx, j, w)
}

// ready prepares the first sending of a text; ready is false if it must not be sent after all.
func (wr *writer) ready(ctx context.Context, j *job, w *issue.Write) (ready bool, err error) {
	call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
	defer cancel()
	doing := ""
	switch w.Stage {
	case issue.Opening:
		doing, err = "preparing the issue", wr.Tracker.Prepare(call, wr.draft(j).post(w))
		if call.Err() != nil && ctx.Err() == nil {
			err = nil // the issue matters more than its labels
		}
	case issue.Return:
		doing = "reopening the issue"
		if err = wr.reopen(call, j); j.pub.Triage.IsUnwanted() {
			return false, err
		}
	case issue.Lint:
		doing = "linting the post-mortem"
		if ready, err = wr.lint(call, j); err == nil && !ready {
			j.pub.Drop(func(w issue.Write) bool { return w.Stage == issue.Lint })
			return false, nil
		}
	case issue.FollowUpIssue, issue.Reminder:
		doing = "reading the follow-ups"
		if ready, err = wr.isStillWanted(call, j, w); err == nil && !ready {
			return false, nil
		}
	case issue.FollowUpLinks:
		doing = "looking for the links to follow-ups"
		if ready, err = wr.adoptLinks(call, j, w); ready {
			return false, nil
		}
	case issue.Sweep:
		doing = "closing the second issue"
		err = wr.Tracker.Change(call, issue.Found{Key: j.pub.Opening().Key, Ref: w.Issue}, issue.Change{Close: true})
	}
	switch {
	case err == nil, errors.Is(err, issue.ErrNotFound): // sending the text will tell
		return true, nil
	case errors.As(err, new(issue.RateLimited)), errors.As(err, new(issue.Moved)):
		return false, err
	}
	// not sent; repeating it does no harm
	return false, fmt.Errorf("%s: %w: %w", doing, issue.ErrRefused, err)
}

// reopen opens the issue of an incident that came back, if a person closed it as completed.
func (wr *writer) reopen(ctx context.Context, j *job) error {
	at, ok, err := wr.find(ctx, j, j.pub.Opening())
	if err != nil || !ok {
		return err
	}
	if j.pub.Decide(at.Triage()); j.pub.Triage != issue.Completed {
		return nil
	}
	return wr.Tracker.Change(ctx, at, issue.Change{Reopen: true})
}

// relabel exchanges the issue's labels.
func (wr *writer) relabel(ctx context.Context, j *job) error {
	l, o := &j.pub.Labels, j.pub.Opening()
	now := j.relabelled()
	call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
	defer cancel()
	err := wr.Tracker.Change(call, issue.Found{Key: o.Key, Ref: o.Ref}, exchange(l.Given, now))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		l.Exchange(now)
		wr.metrics.count(issue.LabelsStage, outcomePosted)
	default:
		wr.repeat(j, &l.Delivery, issue.LabelsStage, "exchanging labels", err)
	}
	return j.save(ctx, wr.Store)
}

// repeat notes that a request failed which may be made again, whatever became of it: making a label
// twice does no harm, for example.
func (wr *writer) repeat(j *job, d *issue.Delivery, stage issue.Stage, doing string, err error) {
	var limited issue.RateLimited
	var moved issue.Moved
	switch {
	case errors.As(err, &limited):
		d.Failed(err, wr.pause.keep(limited))
		wr.metrics.count(stage, outcomeRateLimited)
	case errors.As(err, &moved):
		wr.follow(&j.pub, moved)
	case errors.Is(err, issue.ErrNotFound):
		wr.metrics.count(stage, outcomeGone)
		wr.remove(&j.pub, j.pub.Opening())
	default:
		d.Failed(fmt.Errorf("%s: %w: %w", doing, issue.ErrRefused, err), time.Now().Add(backoff(d.Tries)))
		wr.metrics.count(stage, outcomeRefused)
	}
}

// send stores the intent, makes the request, and stores the outcome.
func (wr *writer) send(ctx context.Context, j *job, w *issue.Write) error {
	text, err := wr.texts.of(ctx, j, w)
	if err != nil {
		return err
	}
	before := w.Send(j.content(w, text), time.Now())
	if w.Exists() && text == before.Text {
		w.Done()
		return j.save(ctx, wr.Store)
	}
	if err := j.save(ctx, wr.Store); err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
	defer cancel()
	if w.Exists() {
		err = wr.Tracker.Replace(call, issue.Found{Key: w.Key, Ref: w.Ref, Text: w.Prior}, text)
	} else {
		var found issue.Found
		post := wr.draft(j).post(w)
		if found, err = wr.Tracker.Create(call, post); err == nil {
			j.pub.Create(w, post.Labels, found)
		}
	}
	if err != nil && ctx.Err() != nil {
		return wr.takeBack(ctx, j, w, before, err)
	}
	return wr.settle(ctx, j, w, before, err)
}

// takeBack ends a sending whose context ended. If nothing was sent, the text is stored as before,
// so that whoever publishes next need not look for it. Otherwise it stays stored as Sending, and so
// it does if the store refuses because another process has taken over.
func (wr *writer) takeBack(ctx context.Context, j *job, w *issue.Write, before issue.Write, err error) error {
	if !errors.Is(err, issue.ErrNotSent) {
		return ctx.Err()
	}
	w.Undo(before)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	return errors.Join(ctx.Err(), j.save(last, wr.Store))
}

// settle stores the outcome of a request. A text that the tracker did not take stays as before.
func (wr *writer) settle(ctx context.Context, j *job, w *issue.Write, before issue.Write, err error) error {
	var limited issue.RateLimited
	var moved issue.Moved
	switch {
	case err == nil:
		w.Done()
		wr.metrics.count(w.Stage, outcomePosted)
		if w.Stage == issue.Opening && !before.Exists() {
			wr.Logger.Info("post-mortem opened", "incident", j.pub.Key, "url", w.Ref.URL)
		}
	case errors.As(err, &limited):
		w.Refuse(before, err, wr.pause.keep(limited))
		wr.metrics.count(w.Stage, outcomeRateLimited)
	case errors.As(err, &moved):
		w.Undo(before)
		wr.moved(j, w, moved)
	case errors.Is(err, issue.ErrEdited):
		w.LeaveEdited(before)
		wr.metrics.count(w.Stage, outcomeEdited)
	case errors.Is(err, issue.ErrNotFound) && (w.Exists() || w.Stage != issue.Opening && w.Stage != issue.FollowUpIssue):
		wr.remove(&j.pub, w)
	case errors.Is(err, issue.ErrRefused), errors.Is(err, issue.ErrNotSent), errors.Is(err, issue.ErrNotFound):
		w.Refuse(before, err, time.Now().Add(backoff(w.Tries)))
		wr.metrics.count(w.Stage, outcomeRefused)
	default:
		w.Lose(err)
		wr.metrics.count(w.Stage, outcomeUnknown)
	}
	return j.save(ctx, wr.Store)
}

// remove notes that a person removed a text, or the issue.
func (wr *writer) remove(pub *issue.Publication, w *issue.Write) {
	wr.metrics.count(w.Stage, outcomeGone)
	if !pub.Remove(w) {
		return
	}
	if w.Stage != issue.Opening {
		wr.metrics.count(issue.Opening, outcomeGone)
	}
	wr.Logger.Info("post-mortem was removed by a person and is left so", "incident", pub.Key, "url", pub.URL())
}

// moved notes that the issue of a write was transferred.
func (wr *writer) moved(j *job, w *issue.Write, to issue.Moved) {
	if w.Stage == issue.Sweep {
		w.Remove() // the second issue is not ours any more
		return
	}
	wr.follow(&j.pub, to)
}

// follow notes that the issue was transferred, or that another tracker wrote it. In the latter case
// it stays as it is, whatever becomes of its incident.
func (wr *writer) follow(pub *issue.Publication, to issue.Moved) {
	from := pub.URL()
	if !pub.Follow(to) {
		wr.metrics.count(issue.Opening, outcomeGone)
		if to.Foreign {
			wr.Logger.Info("post-mortem was written by another tracker and stays as it is", "incident", pub.Key, "url", from)
			return
		}
		wr.Logger.Warn("post-mortem was transferred and is left alone", "incident", pub.Key, "url", from, "repository", to.Repository, "err", to)
		return
	}
	wr.Logger.Info("post-mortem was transferred and goes on there", "incident", pub.Key, "from", from, "url", pub.URL())
}
