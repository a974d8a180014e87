package issue

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// maxTold is how many rows of a timeline people's comments make at most, and maxFollowUps how many tasks of one issue are told.
	maxTold      = 40
	maxFollowUps = 5
	// clockSkew is how far ahead of the tracker's clock the time in a comment may be.
	clockSkew = 10 * time.Minute
)

// Reader reads what people wrote at the tracker. Its errors are those of a Tracker.
type Reader interface {
	// Comments are those of an issue that are not postburn's own, oldest first; a few hundred at most.
	Comments(ctx context.Context, of Ref) ([]Comment, error)
	// Body is what an issue says now.
	Body(ctx context.Context, of Ref) (string, error)
}

// Comment is one that a person wrote, or a robot that is not postburn.
type Comment struct {
	Author string // login
	Robot  bool
	Time   time.Time // when it was written, by the tracker's clock
	Body   string
	URL    string
}

// FollowUp is a task in the issue of an earlier incident that is not done.
type FollowUp struct {
	Incident string // its ID
	Text     string // untrusted
}

// People makes a collector of what people wrote: of comments on the incident's issue those lines that begin with a time, and of the issues of
// earlier incidents the tasks that are not done.
func People(store Store, reader Reader) Collector {
	return func(ctx context.Context, i alert.Incident) (found Evidence) {
		if err := comments(ctx, store, reader, i, &found); err != nil {
			found.Unresolved = append(found.Unresolved, "What people wrote in comments could not be read.")
		}
		if err := followUps(ctx, store, reader, i, &found); err != nil {
			found.Unresolved = append(found.Unresolved, "What is still to be done after earlier incidents could not be read.")
		}
		return found
	}
}

func comments(ctx context.Context, store Store, reader Reader, i alert.Incident, found *Evidence) error {
	pub, ok, err := store.Publication(ctx, i.ID)
	if err != nil || !ok || pub.Kind != Single || len(pub.Writes) == 0 || pub.Writes[0].Ref == (Ref{}) {
		return err
	}
	all, err := reader.Comments(ctx, pub.Writes[0].Ref)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	for _, c := range all {
		if !c.Robot {
			found.People = appendNew(found.People, c.Author)
		}
		for _, e := range c.entries() {
			if len(found.Timeline) < maxTold {
				found.Timeline = append(found.Timeline, e)
			}
		}
	}
	return err
}

func followUps(ctx context.Context, store Store, reader Reader, i alert.Incident, found *Evidence) error {
	others, err := store.Incidents(ctx, i.Onset().Add(-remembered))
	if err != nil {
		return err
	}
	refs := map[string]Ref{}
	f, err := NewFacts(i, others, func(id string) (Publication, error) {
		pub, ok, err := store.Publication(ctx, id)
		if err == nil && ok && pub.Kind == Single && len(pub.Writes) > 0 {
			refs[id] = pub.Writes[0].Ref
		}
		return pub, err
	})
	if err != nil {
		return err
	}
	var failed error
	for _, e := range f.Earlier {
		if refs[e.ID] == (Ref{}) {
			continue
		}
		body, err := reader.Body(ctx, refs[e.ID])
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = err
		}
		for n, text := range unfinished(body) {
			if n < maxFollowUps {
				found.FollowUps = append(found.FollowUps, FollowUp{Incident: e.ID, Text: text})
			}
		}
	}
	return failed
}

// task is an item of a task list that is not ticked.
var task = regexp.MustCompile(`(?m)^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[ \][ \t]+(\S.*?)[ \t\r]*$`)

// unfinished are the tasks of a text that are not ticked.
func unfinished(body string) (tasks []string) {
	for _, found := range task.FindAllStringSubmatch(body, -1) {
		tasks = append(tasks, found[1])
	}
	return tasks
}

// timed is a line that begins with a time of day, with a date or without: "09:14 restarted nginx", "- 2026-01-02 09:14:30 UTC: back".
var timed = regexp.MustCompile(`^[ \t]*(?:[-*+][ \t]+)?(?:(\d{4}-\d\d-\d\d)[ T])?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:[ ]?(?:UTC|Z))?[ \t]*[-–—:,]?[ \t]+(\S.*)$`)

// entries are rows of the timeline, of a comment that begins with a time: one for each of its lines that does.
func (c Comment) entries() (all []Entry) {
	for n, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(c.Body, "\r\n", "\n")), "\n") {
		at, text, ok := c.at(line)
		switch {
		case ok:
			all = append(all, Entry{Time: at, Text: text, Source: c.Author, URL: c.URL, Person: true})
		case n == 0:
			return nil
		}
	}
	return all
}

// at is the time with which a line begins, and the rest of it. Without a date it is the last such time before the comment was written.
func (c Comment) at(line string) (at time.Time, text string, ok bool) {
	found := timed.FindStringSubmatch(line)
	if found == nil {
		return at, "", false
	}
	var clock [3]int
	for i := range clock {
		clock[i], _ = strconv.Atoi(found[2+i])
	}
	written := c.Time.UTC()
	day := written
	if found[1] != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, found[1]); err != nil {
			return at, "", false
		}
	}
	at = time.Date(day.Year(), day.Month(), day.Day(), clock[0], clock[1], clock[2], 0, time.UTC)
	if found[1] == "" && at.After(written.Add(clockSkew)) {
		at = at.AddDate(0, 0, -1)
	}
	return at, found[5], true
}
