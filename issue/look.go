package issue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// skew is how much the tracker's clock and this one may differ.
const skew = 5 * time.Minute

// find looks for a write's text at the tracker: the one known, or the one with the lowest number.
func (p *Publisher) find(ctx context.Context, j *job, i int) (Found, bool, error) {
	w := j.pub.Writes[i]
	since := w.At
	if w.exists() || since.IsZero() {
		since = j.onset() // it may have been written long before it was sent last
	}
	all, err := p.Tracker.Find(ctx, p.post(j, i), since.Add(-skew))
	if err != nil {
		return Found{}, false, err
	}
	all = slices.DeleteFunc(all, func(f Found) bool {
		return f.Moved || f.Key != w.Key || w.exists() && f.Ref.Number != w.Ref.Number
	})
	if len(all) == 0 {
		return Found{}, false, nil
	}
	return slices.MinFunc(all, func(a, b Found) int { return cmp.Compare(a.Ref.Number, b.Ref.Number) }), true, nil
}

// look finds out what became of a request without an answer.
func (p *Publisher) look(ctx context.Context, j *job, i int) error {
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	w := &j.pub.Writes[i]
	found, ok, err := p.find(call, j, i)
	now := time.Now().UTC()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		p.lookLater(w, err)
	case !ok:
		p.missing(j, i, now)
	case !w.exists():
		w.State = Posted
		p.created(j, i, p.post(j, i), found)
		p.found(j, i)
	case sameText(found.Text, w.Text):
		w.State = Posted
		p.found(j, i)
	case p.believed(w, now): // it is as it was, or a person has changed it: the tracker will say
		w.Text, w.State, w.Revision, w.Facts, w.Ended = w.Prior, Wanted, 0, "", time.Time{}
		w.clear()
	}
	return p.save(ctx, j)
}

// found notes that a text is there after all.
func (p *Publisher) found(j *job, i int) {
	w := &j.pub.Writes[i]
	w.clear()
	p.metrics.count(*w, outcomeFound)
	if w.Stage == Opening {
		p.Logger.Info("post-mortem found", "incident", j.pub.Key, "url", w.Ref.URL)
	}
}

// missing notes that a text is not there. If it had been there before, a person has removed it.
func (p *Publisher) missing(j *job, i int, now time.Time) {
	w := &j.pub.Writes[i]
	switch {
	case !p.believed(w, now):
	case w.exists():
		p.gone(j, i)
	default:
		w.State, w.Looks, w.NotUntil = Wanted, 0, time.Time{}
		if w.Stage == Opening {
			w.Ended = time.Time{}
		}
	}
}

// believed counts a look in vain, and reports whether the request can be taken to have had no effect: after two looks, the last of
// them late enough.
func (p *Publisher) believed(w *Write, now time.Time) bool {
	w.Looks++
	settled := w.At.Add(p.Settle)
	if w.Looks >= 2 && !now.Before(settled) {
		return true
	}
	w.NotUntil = now.Add(p.LookEvery)
	if settled.After(w.NotUntil) {
		w.NotUntil = settled
	}
	return false
}

// lookLater notes a look that failed.
func (p *Publisher) lookLater(w *Write, err error) {
	var limited RateLimited
	w.NotUntil = time.Now().UTC().Add(backoff(w.Tries))
	if errors.As(err, &limited) {
		w.NotUntil = p.pause(limited).UTC()
	}
	w.Tries++
	w.Error = err.Error()
}

// lookFirst looks for the issue before it is created for the first time: a store that was lost finds its issues again. What is
// found is left as it is, because nobody knows whose words are in it.
func (p *Publisher) lookFirst(ctx context.Context, j *job) (done bool, err error) {
	call, cancel := context.WithTimeout(ctx, p.CallTimeout)
	defer cancel()
	w := j.opening()
	post := p.post(j, 0)
	all, err := p.Tracker.Find(call, post, j.onset().Add(-sameOnset-skew))
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if err != nil {
		p.lookLater(w, err)
		return true, p.save(ctx, j)
	}
	slices.SortStableFunc(all, func(a, b Found) int {
		return cmp.Or(-compareBool(a.Key == w.Key, b.Key == w.Key), cmp.Compare(a.Ref.Number, b.Ref.Number))
	})
	for _, found := range all {
		if found.Key != w.Key {
			// Another incident of the group, or this one as it was found by the store that was lost.
			if _, known, err := p.Store.Publication(ctx, found.Key); err != nil || known {
				if err != nil {
					return true, err
				}
				continue
			}
		}
		w.Key, w.Text, w.State, w.Edited, w.At = found.Key, found.Text, Posted, true, time.Now().UTC()
		j.pub.Triage = found.Triage()
		p.created(j, 0, post, found)
		p.found(j, 0)
		return true, p.save(ctx, j)
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

// sameText compares texts as they are shown: line ends and blank lines at the ends aside, and the title where both have one.
func sameText(a, b Text) bool {
	normal := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return normal(a.Body) == normal(b.Body) && (a.Title == "" || b.Title == "" || a.Title == b.Title)
}
