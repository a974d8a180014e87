package issue

import (
	"fmt"
	"slices"
	"time"
)

// plan adds the writes that the incidents' newest revisions ask for, and drops those that they have overtaken before they were sent.
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
	j.planLabels()
	open, end := j.open(), j.ended()
	j.pub.Writes = slices.DeleteFunc(j.pub.Writes, func(w Write) bool {
		if !w.unsent() {
			return false
		}
		switch w.Stage {
		case Progress, Return:
			return !open || j.unwanted()
		case Recovery:
			return !w.Ended.Equal(end) || j.unwanted()
		}
		return false
	})
	if !j.unwanted() {
		told := j.told()
		switch {
		case !open && !told.Equal(end):
			j.want(Recovery, end)
		case open && !told.IsZero():
			j.want(Return, told)
		}
	}
	j.planProgress(open, now)
}

// planProgress wants the comment that is kept up to date, some time after the issue was written.
func (j *job) planProgress(open bool, now time.Time) {
	i := slices.IndexFunc(j.pub.Writes, func(w Write) bool { return w.Stage == Progress })
	switch {
	case i < 0 && open && j.burning() && !j.unwanted() && !now.Before(j.opening().At.Add(progressEvery)):
		j.pub.Writes = append(j.pub.Writes, Write{Key: j.pub.Key + "/" + string(Progress), Stage: Progress, State: Wanted})
	case i >= 0 && (!open || j.unwanted()) && j.pub.Writes[i].State == Wanted:
		j.pub.Writes[i].State = Posted // what stands there stays
		j.pub.Writes[i].clear()
	}
}

// planLabels wants the issue's labels to be exchanged where they are not as they should be.
func (j *job) planLabels() {
	i := slices.IndexFunc(j.pub.Writes, func(w Write) bool { return w.Stage == Relabel })
	stale := !slices.Equal(j.opening().Labels, j.relabelled())
	switch {
	case i < 0 && stale:
		j.pub.Writes = append(j.pub.Writes, Write{Key: j.pub.Key + "/" + string(Relabel), Stage: Relabel, State: Wanted})
	case i >= 0 && stale && j.pub.Writes[i].State == Posted:
		j.pub.Writes[i].State = Wanted
	case i >= 0 && !stale:
		j.pub.Writes[i].State = Posted
		j.pub.Writes[i].clear()
	}
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

// told is the end that the tracker tells of; zero where it says that it goes on.
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
	case w.State == Gone || w.Edited || w.Revision >= j.revision():
		return time.Time{}, false
	case w.Stage == Opening:
		return w.NotUntil, !j.open() && w.Facts != j.facts()
	case w.Stage == Progress:
		return w.At.Add(progressEvery), j.burning() && !j.unwanted()
	}
	return time.Time{}, false
}
