package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/issue/postmortem"
)

// evidenceTimeout is how long evidence of one incident may take. The daemon gives it ten seconds;
// nobody waits for a replay, and what it writes is not to depend on how busy Prometheus is.
const evidenceTimeout = time.Minute

// writeIssues writes each post-mortem to a file in a folder, which it creates: the text that the
// tracker would have got. It leaves files that exist, and returns an error if one of them says
// something else.
func writeIssues(
	ctx context.Context, dir string, found []alert.Incident, collect issue.Collector, settings func(string) issue.Settings, interval time.Duration,
) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the folder for post-mortems: %w", err)
	}
	var problems []error
	for _, i := range found {
		text, err := postMortem(ctx, i, found, collect, settings, interval)
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(dir, i.ID+".md"), text); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// postMortem is the text of an incident's issue, its evidence included.
func postMortem(
	ctx context.Context, i alert.Incident, all []alert.Incident, collect issue.Collector, settings func(string) issue.Settings, interval time.Duration,
) ([]byte, error) {
	facts, err := issue.NewFacts(i, all, func(string) (issue.Publication, error) { return issue.Publication{}, nil })
	if err != nil {
		return nil, err
	}
	facts.Interval, facts.Settings = interval, settings(i.Worst().Objective.Name)
	bounded, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	facts.Add(collect(bounded, i))
	facts.AddQueries(evidence.Queries(func(string) string { return "" }))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, err := postmortem.Render(facts, issue.Opening)
	if err != nil {
		return nil, err
	}
	return []byte("# " + text.Title + "\n\n" + text.Body), nil
}

// writeNew writes a file that is not there, whole or not at all.
func writeNew(path string, content []byte) error {
	was, err := os.ReadFile(path)
	switch {
	case err == nil && string(was) == string(content):
		return nil
	case err == nil:
		return fmt.Errorf("%s is there and says something else; it was left as it is", path)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("looking for %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("writing a post-mortem: %w", err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing a post-mortem: %w", err), os.Remove(path))
	}
	return nil
}
