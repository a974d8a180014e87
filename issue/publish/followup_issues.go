package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
)

// planFollowUps adds the comment with links to the issues of follow-ups, once there are any.
func (j *job) planFollowUps() {
	has := slices.ContainsFunc(j.pub.Writes, func(w issue.Write) bool { return w.Stage == issue.FollowUpLinks })
	if !has && len(j.pub.FollowUps.WithIssues()) > 0 {
		j.pub.Want(issue.FollowUpLinks, time.Time{})
	}
}

// makesIssues reports whether an issue of a follow-up is on its way, so that links to it can be
// written soon.
func (j *job) makesIssues() bool {
	return slices.ContainsFunc(j.pub.Writes, func(w issue.Write) bool {
		return w.Stage == issue.FollowUpIssue && !w.IsSettled() && w.Error == ""
	})
}

// linked returns a digest of the issues that the comment with links names.
func (j *job) linked() string {
	h := sha256.New()
	for _, f := range j.pub.FollowUps.WithIssues() {
		fmt.Fprintf(h, "%s\n%s\n", f.Key, f.Issue)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// followUpsFor returns the follow-ups that a text is about.
func (j *job) followUpsFor(w *issue.Write, settings func(slo string) issue.Settings, now time.Time) []issue.FollowUp {
	switch w.Stage {
	case issue.FollowUpIssue:
		if f := j.pub.FollowUps.Of(w.Key); f != nil {
			return []issue.FollowUp{*f}
		}
	case issue.FollowUpLinks:
		return j.pub.FollowUps.WithIssues()
	case issue.Reminder:
		worst := issue.Headline(issue.WorstFirst(j.incidents)[0])
		late := j.pub.FollowUps.Overdue(settings(worst.Objective.Name).RemindAfter, now)
		slices.SortStableFunc(late, func(a, b issue.FollowUp) int { return a.Opened.Compare(b.Opened) })
		return late
	}
	return nil
}

// isStillWanted drops the write of a follow-up's issue, or of a reminder, that is not needed any
// more: the task is gone or done.
func (wr *writer) isStillWanted(ctx context.Context, j *job, w *issue.Write) (wanted bool, err error) {
	if w.Stage == issue.FollowUpIssue {
		if f := j.pub.FollowUps.Of(w.Key); f == nil || !f.IsOpen() {
			j.pub.ForgetIssue(w.Key)
			return false, nil
		}
		return true, wr.Tracker.Prepare(ctx, j.post(w, wr.Settings))
	}
	text, triage, err := wr.present(ctx, j)
	if err != nil {
		return false, err
	}
	now := time.Now()
	j.pub.FollowUps.Note(wr.Tasks(text), j.pub.URL(), now)
	worst := issue.Headline(issue.WorstFirst(j.incidents)[0])
	after := wr.Settings(worst.Objective.Name).RemindAfter
	if triage == issue.Noise || triage == issue.Duplicate || after <= 0 || len(j.pub.FollowUps.Overdue(after, now)) == 0 {
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
	var limited issue.RateLimited
	var moved issue.Moved
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, errors.Is(err, issue.ErrNoSubIssues):
		f.Nested()
		wr.metrics.count(issue.NestStage, outcomePosted)
	case errors.As(err, &limited):
		f.Nest.Failed(err, wr.pause.keep(limited))
		wr.metrics.count(issue.NestStage, outcomeRateLimited)
	case errors.As(err, &moved):
		wr.follow(&j.pub, moved)
	case errors.Is(err, issue.ErrNotFound):
		wr.metrics.count(issue.NestStage, outcomeGone)
		wr.remove(&j.pub, o)
	default: // a repeat does no harm
		f.Nest.Failed(fmt.Errorf("making a sub-issue: %w: %w", issue.ErrRefused, err), time.Now().Add(backoff(f.Nest.Tries)))
		wr.metrics.count(issue.NestStage, outcomeRefused)
	}
	return j.save(ctx, wr.Store)
}

// followUpPost returns the issue of a follow-up. It is nobody's incident: its marker has a key and
// nothing else.
func (j *job) followUpPost(w *issue.Write) issue.Post {
	post := issue.Post{Key: w.Key, Repository: j.pub.Repository, Ref: w.Ref, Text: w.Text, Labels: []string{issue.FollowUpLabel}}
	worst := issue.Headline(issue.WorstFirst(j.incidents)[0])
	if service := worst.Objective.Service; service != "" {
		post.Labels = append(post.Labels, issue.ServiceLabel+service)
	}
	if f := j.pub.FollowUps.Of(w.Key); f != nil {
		if parts := login.FindStringSubmatch(f.Owner); parts != nil && parts[2] == "" {
			post.Assignees = []string{parts[1]}
		}
	}
	return post
}
