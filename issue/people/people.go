package people

import (
	"context"
	"errors"
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue"
)

// maxFollowUps is how many tasks of one issue are listed.
const maxFollowUps = 5

// Collector returns a collector of what people wrote.
func Collector(store issue.Store, reader issue.Reader) issue.Collector {
	return func(ctx context.Context, i alert.Incident) (found issue.Evidence) {
		tell(ctx, &found, comments(ctx, store, reader, i, &found), "What people wrote in comments could not be read.")
		tell(ctx, &found, followUps(ctx, store, reader, i, &found), "What is still to be done after earlier incidents could not be read.")
		return found
	}
}

// fromStore is an error of the store, not of the tracker.
type fromStore struct{ error }

func (e fromStore) Unwrap() error { return e.error }

// tell notes an error. If the time was too short, that is said as well: the tracker, which needs
// most of it, may be slow for long.
func tell(ctx context.Context, found *issue.Evidence, err error, sentence string) {
	switch {
	case err == nil:
	case errors.As(err, new(fromStore)) && ctx.Err() == nil:
		found.StoreError = errors.Join(found.StoreError, err)
	default:
		found.Unresolved = append(found.Unresolved, sentence)
	}
}

func followUps(ctx context.Context, store issue.Store, reader issue.Reader, i alert.Incident, found *issue.Evidence) error {
	others, err := store.Incidents(ctx, i.Onset().Add(-issue.Remembered))
	if err != nil {
		return fromStore{fmt.Errorf("reading earlier incidents: %w", err)}
	}
	publications := map[string]issue.Publication{}
	f, err := issue.NewFacts(i, others, func(id string) (issue.Publication, error) {
		pub, ok, err := store.Publication(ctx, id)
		if err == nil && ok && pub.Kind == issue.Single && len(pub.Writes) > 0 {
			publications[id] = pub
		}
		return pub, err
	})
	if err != nil {
		return fromStore{fmt.Errorf("reading the publications of earlier incidents: %w", err)}
	}
	var failed error
	for _, e := range f.Earlier {
		pub, ok := publications[e.ID]
		if !ok {
			continue
		}
		open, err := openOf(ctx, reader, pub)
		if err != nil && !errors.Is(err, issue.ErrNotFound) {
			failed = err
		}
		for _, f := range open[:min(len(open), maxFollowUps)] {
			found.Unfinished = append(found.Unfinished, issue.Unfinished{Incident: e.ID, FollowUp: f})
		}
	}
	return failed
}

// openOf returns the follow-ups of a post-mortem that are not done, as they were last read: only
// then it is known whether their issues are closed. If they were never read, it reads the text.
func openOf(ctx context.Context, reader issue.Reader, pub issue.Publication) (open []issue.FollowUp, err error) {
	if len(pub.FollowUps) > 0 {
		return pub.FollowUps.Open(), nil
	}
	body, err := reader.Body(ctx, pub.Writes[0].Ref)
	for _, text := range unfinished(body) {
		open = append(open, issue.FollowUp{Text: text})
	}
	return open, err
}

// task matches an unticked item of a task list.
var task = lazyregexp.New(`(?m)^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[ \][ \t]+(\S.*?)[ \t\r]*$`)

// unfinished returns the unticked tasks in a text.
func unfinished(body string) (tasks []string) {
	for _, found := range task.FindAllStringSubmatch(body, -1) {
		tasks = append(tasks, found[1])
	}
	return tasks
}
