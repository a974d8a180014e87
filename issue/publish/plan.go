package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
)

const (
	// progressEvery is the least time between updates of the progress comment.
	progressEvery = 5 * time.Minute
	// standingEvery is the least time between updates of an issue's text while its incident goes
	// on.
	standingEvery = time.Minute
)

// plan adds the writes that the newest revisions need, and drops outdated ones that were never
// sent.
func (j *job) plan(now time.Time) {
	if len(j.pub.Writes) == 0 {
		j.pub.Want(issue.Opening, time.Time{})
	}
	switch o := j.pub.Opening(); {
	case o.State == issue.Gone:
		j.pub.GiveUp()
		return
	case !o.Exists():
		return // comments need an issue
	}
	j.pub.Labels.Want(j.relabelled())
	open, end := j.open(), j.ended()
	j.pub.Drop(func(w issue.Write) bool {
		if !w.IsUnsent() {
			return false
		}
		switch w.Stage {
		case issue.Progress, issue.Return:
			return !open || j.pub.Triage.IsUnwanted()
		case issue.Recovery:
			return !w.Ended.Equal(end) || j.pub.Triage.IsUnwanted()
		case issue.Lint:
			return open
		case issue.FollowUpIssue, issue.FollowUpLinks, issue.Reminder:
			return j.pub.Triage.IsUnwanted()
		}
		return false
	})
	if !j.pub.Triage.IsUnwanted() {
		told := j.told()
		switch {
		case !open && !told.Equal(end):
			j.pub.Want(issue.Recovery, end)
		case open && !told.IsZero():
			j.pub.Want(issue.Return, told)
		}
	}
	j.planProgress(open, now)
	j.planFollowUps()
}

// planProgress adds the progress comment, progressEvery after the issue was written.
func (j *job) planProgress(open bool, now time.Time) {
	i := slices.IndexFunc(j.pub.Writes, func(w issue.Write) bool { return w.Stage == issue.Progress })
	switch {
	case i < 0 && open && j.burning() && !j.pub.Triage.IsUnwanted() && !now.Before(j.pub.Opening().At.Add(progressEvery)):
		j.pub.Want(issue.Progress, time.Time{})
	case i >= 0 && (!open || j.pub.Triage.IsUnwanted()) && j.pub.Writes[i].State == issue.Wanted:
		j.pub.Writes[i].Done() // keep what is there
	}
}

// planFollowUps adds the comment with links to the issues of follow-ups, once there are any.
func (j *job) planFollowUps() {
	if !j.pub.Writes.Has(issue.FollowUpLinks) && len(j.pub.FollowUps.WithIssues()) > 0 {
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

// told returns the end that the tracker states; zero if it says that the incident goes on.
func (j *job) told() time.Time {
	body := j.pub.Opening().Ended
	told := body
	for _, w := range j.pub.Writes {
		if !w.TellsChange() {
			continue
		}
		if told = w.Ended; w.Stage == issue.Return {
			told = time.Time{}
		}
		if w.Ended.Equal(body) {
			body = time.Time{} // a comment said so, or took it back
		}
	}
	if told.IsZero() {
		return body
	}
	return told
}

// task is what to do next about a publication.
type task struct {
	write *issue.Write // the text to work on; nil: exchange the issue's labels
	nest  bool         // or make the next sub-issue instead
	at    time.Time
}

// next returns what to work on, and when; ok is false if there is nothing. If several are due,
// texts come in order, and labels after the issue's own text.
func (j *job) next(now time.Time) (next task, ok bool) {
	blocked := false // an earlier change is not posted yet
	for _, t := range j.tasks() {
		at, due := j.due(t.write)
		if t.nest {
			at, due = j.nestDue()
		}
		if t.write != nil && t.write.TellsChange() {
			if blocked {
				continue
			}
			blocked = !t.write.IsSettled()
		}
		if !due {
			continue
		}
		if t.at = at; !at.After(now) {
			return t, true
		}
		if !ok || at.Before(next.at) {
			next, ok = t, true
		}
	}
	return next, ok
}

// tasks returns all possible tasks, in order.
func (j *job) tasks() (all []task) {
	for n := range j.pub.Writes {
		all = append(all, task{write: &j.pub.Writes[n]})
		if n == 0 {
			all = append(all, task{})
		}
	}
	return append(all, task{nest: true})
}

// nestDue returns when to make the next sub-issue; ok is false if there is none to make.
func (j *job) nestDue() (at time.Time, ok bool) {
	f := j.pub.FollowUps.Unnested()
	if f == nil || j.pub.IsGone() || !j.pub.Opening().IsSettled() {
		return time.Time{}, false
	}
	return f.Nest.NotUntil, true
}

// due returns when to work on a text, or on the labels if it is nil; ok is false if it needs no
// work.
func (j *job) due(w *issue.Write) (at time.Time, ok bool) {
	o := j.pub.Opening()
	switch {
	case o.State == issue.Gone, w != o && (!o.Exists() || o.State == issue.Sending || o.State == issue.Unknown):
		return time.Time{}, false
	case w == nil:
		return j.pub.Labels.NotUntil, !j.pub.Labels.IsSettled()
	case w.Stage == issue.FollowUpLinks && w.State == issue.Wanted && j.makesIssues():
		return time.Time{}, false
	case !w.IsSettled():
		return w.NotUntil, true
	case w.Stage == issue.FollowUpLinks && w.State != issue.Gone && !w.Edited && !j.pub.Triage.IsUnwanted():
		return w.NotUntil, w.Facts != j.linked() && !j.makesIssues()
	case w.State == issue.Gone || w.Edited || w.Revision >= j.revision():
		return time.Time{}, false
	case w.Stage == issue.Opening && j.open():
		changed := w.Standing != "" && w.Standing != j.standing() && !j.pub.Triage.IsUnwanted()
		return later(w.At.Add(standingEvery), w.NotUntil), changed
	case w.Stage == issue.Opening:
		return w.NotUntil, w.Facts != j.facts()
	case w.Stage == issue.Progress:
		return w.At.Add(progressEvery), j.burning() && !j.pub.Triage.IsUnwanted()
	}
	return time.Time{}, false
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
