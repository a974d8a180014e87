package issue

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// job is an incident and its publication, while the publisher works on them.
type job struct {
	pub      Publication
	incident alert.Incident
}

// exists reports whether the text is at the tracker.
func (w Write) exists() bool { return w.Ref != Ref{} }

// unsent reports whether it is certain that the text is not at the tracker.
func (w Write) unsent() bool { return w.State == Wanted && !w.exists() }

// settled reports whether there is nothing to be done or found out about it.
func (w Write) settled() bool { return w.State == Posted || w.State == Gone }

// passing reports whether the text tells of a change: that it is over, or that it came back.
func (w Write) passing() bool { return w.Stage == Recovery || w.Stage == Return }

// opening is the write of the issue itself.
func (j *job) opening() *Write { return &j.pub.Writes[0] }

// unsettled reports whether there is something to be written that is not at the tracker.
func (j *job) unsettled() bool {
	return slices.ContainsFunc(j.pub.Writes, func(w Write) bool { return !w.settled() })
}

// failure is why the tracker did not take what is wanted; nil where it did.
func (j *job) failure() error {
	for _, w := range j.pub.Writes {
		if !w.settled() && w.Error != "" {
			return fmt.Errorf("writing the %s text: %w", w.Stage, errors.New(w.Error))
		}
	}
	return nil
}

// plan adds the writes that the incident's newest revision asks for, and drops those that it has overtaken before they were sent.
func (j *job) plan(now time.Time) {
	if len(j.pub.Writes) == 0 {
		j.pub.Writes = []Write{{Key: j.pub.Key, Stage: Opening, State: Wanted}}
	}
	switch o := j.opening(); {
	case o.State == Gone:
		j.pub.Writes = slices.DeleteFunc(j.pub.Writes, func(w Write) bool { return !w.settled() })
		return
	case !o.exists():
		return // comments need an issue
	}
	open, end := j.incident.IsOpen(), j.incident.Ended()
	j.pub.Writes = slices.DeleteFunc(j.pub.Writes, func(w Write) bool {
		switch w.Stage {
		case Progress:
			return w.unsent() && !open
		case Recovery:
			return w.unsent() && !w.Ended.Equal(end)
		case Return:
			return w.unsent() && !open
		}
		return false
	})
	told := j.told()
	switch {
	case !open && !told.Equal(end):
		j.want(Recovery, end)
	case open && !told.IsZero():
		j.want(Return, told)
	}
	j.planProgress(open, now)
}

// planProgress wants the comment that is kept up to date, some time after the issue was written. A budget that stays spent has no
// progress to tell of.
func (j *job) planProgress(open bool, now time.Time) {
	i := slices.IndexFunc(j.pub.Writes, func(w Write) bool { return w.Stage == Progress })
	switch {
	case i < 0 && open && j.burning() && !now.Before(j.opening().At.Add(progressEvery)):
		j.pub.Writes = append(j.pub.Writes, Write{Key: j.pub.Key + "/" + string(Progress), Stage: Progress, State: Wanted})
	case i >= 0 && !open && j.pub.Writes[i].State == Wanted:
		j.pub.Writes[i].State = Posted // what stands there stays
	}
}

func (j *job) burning() bool {
	return slices.ContainsFunc(j.incident.Windows, func(w alert.Window) bool { return w.IsOpen() && w.Kind == alert.Burn })
}

// want adds a comment on a change. For a return, the end is the one that it takes back.
func (j *job) want(stage Stage, end time.Time) {
	for n := 1; ; n++ {
		key := fmt.Sprintf("%s/%s-%d", j.pub.Key, stage, n)
		if !slices.ContainsFunc(j.pub.Writes, func(w Write) bool { return w.Key == key }) {
			j.pub.Writes = append(j.pub.Writes, Write{Key: key, Stage: stage, State: Wanted, Ended: end})
			return
		}
	}
}

// told is the incident's end that the tracker tells of; zero where it says that the incident goes on.
func (j *job) told() time.Time {
	body := j.opening().Ended
	told := body
	for _, w := range j.pub.Writes {
		if !w.passing() {
			continue
		}
		if told = w.Ended; w.Stage == Return {
			told = time.Time{}
		}
		if w.Ended.Equal(body) {
			body = time.Time{} // a comment has said so, or taken it back
		}
	}
	if told.IsZero() {
		return body
	}
	return told
}

// next is the write to work on, and when; -1 where there is none.
func (j *job) next(now time.Time) (index int, at time.Time) {
	index = -1
	blocked := false // an earlier change is not told of yet
	for i, w := range j.pub.Writes {
		due, ok := j.due(i)
		if w.passing() && blocked {
			continue
		}
		blocked = blocked || w.passing() && !w.settled()
		if ok && (index < 0 || due.Before(at)) {
			index, at = i, due
		}
		if ok && !due.After(now) {
			return i, due
		}
	}
	return index, at
}

// due is when a write is to be worked on; ok is false where it is not.
func (j *job) due(i int) (at time.Time, ok bool) {
	w, o := j.pub.Writes[i], j.opening()
	switch {
	case o.State == Gone, i > 0 && (!o.exists() || o.State == Sending || o.State == Unknown):
		return time.Time{}, false
	case !w.settled():
		return w.NotUntil, true
	case w.State == Gone || w.Edited || w.Revision >= j.incident.Revision:
		return time.Time{}, false
	case w.Stage == Opening:
		return w.NotUntil, !j.incident.IsOpen()
	case w.Stage == Progress:
		return w.At.Add(progressEvery), j.burning()
	}
	return time.Time{}, false
}
