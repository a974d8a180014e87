package publish

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
)

// skew is how much the tracker's clock and ours may differ.
const skew = 5 * time.Minute

// find looks for a write's text at the tracker. If its place is known, only that counts, else the
// lowest number.
func (wr *writer) find(ctx context.Context, j *job, w *issue.Write) (issue.Found, bool, error) {
	since := w.At
	if w.Exists() || since.IsZero() {
		since = j.onset() // the first try may be long before the last
	}
	all, err := wr.Tracker.Find(ctx, wr.draft(j).post(w), since.Add(-skew))
	if err != nil {
		return issue.Found{}, false, err
	}
	all = slices.DeleteFunc(all, func(f issue.Found) bool {
		return f.Key != w.Key || w.Exists() && f.Ref.Number != w.Ref.Number
	})
	if len(all) == 0 {
		return issue.Found{}, false, nil
	}
	return slices.MinFunc(all, func(a, b issue.Found) int { return cmp.Compare(a.Ref.Number, b.Ref.Number) }), true, nil
}

// look finds out whether a request without an answer took effect.
func (wr *writer) look(ctx context.Context, j *job, w *issue.Write) error {
	call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
	defer cancel()
	found, ok, err := wr.find(call, j, w)
	now := time.Now().UTC()
	var moved issue.Moved
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &moved):
		wr.moved(j, w, moved)
	case err != nil:
		wr.lookLater(w, err)
	case ok && !w.Exists():
		w.Done()
		labels, found := wr.draft(j).madeWith(found)
		j.pub.Create(w, labels, found)
		wr.found(j, w)
	case ok && sameText(found.Text, w.Text):
		w.Done()
		wr.found(j, w)
	case !w.Miss(now, wr.Settle, wr.LookEvery): // the request may still take effect
	case ok:
		w.Restore()
	case w.Exists():
		wr.remove(&j.pub, w)
	default:
		w.Resend()
	}
	return j.save(ctx, wr.Store)
}

// found notes that a text is there.
func (wr *writer) found(j *job, w *issue.Write) {
	wr.metrics.count(w.Stage, outcomeFound)
	if w.Stage == issue.Opening {
		wr.Logger.Info("post-mortem found", "incident", j.pub.Key, "url", w.Ref.URL)
	}
}

// lookLater notes a look that failed.
func (wr *writer) lookLater(w *issue.Write, err error) {
	notUntil := time.Now().Add(backoff(w.Tries))
	if limited := (issue.RateLimited{}); errors.As(err, &limited) {
		notUntil = wr.pause.keep(limited)
	}
	w.Failed(err, notUntil)
}

// lookFirst looks for an issue before creating it, so that a lost store finds its issues again. It
// leaves a found text as it is, because nobody knows who wrote what in it.
func (wr *writer) lookFirst(ctx context.Context, j *job) (done bool, err error) {
	call, cancel := context.WithTimeout(ctx, wr.CallTimeout)
	defer cancel()
	w := j.pub.Opening()
	post := wr.draft(j).post(w)
	all, err := wr.Tracker.Find(call, post, j.onset().Add(-issue.SameOnset-skew))
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if err != nil {
		wr.lookLater(w, err)
		return true, j.save(ctx, wr.Store)
	}
	slices.SortStableFunc(all, func(a, b issue.Found) int {
		return cmp.Or(-compareBool(a.Key == w.Key, b.Key == w.Key), cmp.Compare(a.Ref.Number, b.Ref.Number))
	})
	for _, found := range all {
		if found.Key != w.Key {
			// Another incident of the group, or this one as the lost store had it.
			if _, known, err := wr.Store.Publication(ctx, found.Key); err != nil || known {
				if err != nil {
					return true, err
				}
				continue
			}
		}
		labels, found := wr.draft(j).madeWith(found)
		j.pub.Adopt(labels, found, time.Now())
		wr.found(j, w)
		return true, j.save(ctx, wr.Store)
	}
	return false, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// sameText compares texts as shown: it ignores line ends and outer blank lines, and compares titles
// only if both have one.
func sameText(a, b issue.Text) bool {
	normal := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return normal(a.Body) == normal(b.Body) && (a.Title == "" || b.Title == "" || a.Title == b.Title)
}
