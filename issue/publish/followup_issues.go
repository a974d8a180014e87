package publish

import (
	"context"
	"errors"
	"time"

	"github.com/postburn/postburn/issue"
)

// isStillWanted drops the write of a follow-up's issue, or of a reminder, that is not needed any
// more: the task is gone or done.
func (wr *writer) isStillWanted(ctx context.Context, j *job, w *issue.Write) (wanted bool, err error) {
	if w.Stage == issue.FollowUpIssue {
		if f := j.pub.FollowUps.Of(w.Key); f == nil || !f.IsOpen() {
			j.pub.ForgetIssue(w.Key)
			return false, nil
		}
		return true, wr.Tracker.Prepare(ctx, wr.draft(j).post(w))
	}
	text, triage, err := wr.present(ctx, j)
	if err != nil {
		return false, err
	}
	now := time.Now()
	j.pub.FollowUps.Note(wr.Tasks(text), j.pub.URL(), now)
	after := wr.Settings(j.worst().Objective.Name).RemindAfter
	if triage.IsUnwanted() || after <= 0 || len(j.pub.FollowUps.Overdue(after, now)) == 0 {
		key := w.Key
		j.pub.Drop(func(w issue.Write) bool { return w.Key == key })
		return false, nil
	}
	return true, nil
}

// present reads a post-mortem as it stands.
func (wr *writer) present(ctx context.Context, j *job) (text string, triage issue.Triage, err error) {
	if wr.List == nil && wr.Reader != nil {
		text, err = wr.Reader.Body(ctx, j.pub.Opening().Ref)
		return text, "", err
	}
	at, ok, err := wr.find(ctx, j, j.pub.Opening())
	if err == nil && !ok {
		err = issue.ErrNotFound
	}
	return at.Text.Body, at.Triage(), err
}

// adoptLinks takes over a comment with links that a lost store wrote, and leaves it as it is,
// because nobody knows who wrote what in it.
func (wr *writer) adoptLinks(ctx context.Context, j *job, w *issue.Write) (adopted bool, err error) {
	if w.Exists() || !w.At.IsZero() {
		return false, nil
	}
	found, ok, err := wr.find(ctx, j, w)
	if err != nil || !ok {
		return false, err
	}
	w.Adopt(found, time.Now())
	wr.metrics.count(w.Stage, outcomeFound)
	return true, nil
}

// nest makes the issue of a follow-up a sub-issue of the post-mortem's.
func (wr *writer) nest(ctx context.Context, j *job) error {
	f, o := j.pub.FollowUps.Unnested(), j.pub.Opening()
	var err error
	if wr.Nest != nil {
		call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
		err = wr.Nest(call, issue.Found{Key: o.Key, Ref: o.Ref}, f.Issue)
		cancel()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, errors.Is(err, issue.ErrNoSubIssues):
		f.Nested()
		wr.metrics.count(issue.NestStage, outcomePosted)
	default:
		wr.repeat(j, &f.Nest, issue.NestStage, "making a sub-issue", err)
	}
	return j.save(ctx, wr.Store)
}
