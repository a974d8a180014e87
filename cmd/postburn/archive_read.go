package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/archive"
	"github.com/postburn/postburn/issue/learn/drill"
)

// beforeAll is a time before GitHub existed.
func beforeAll() time.Time { return time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC) }

// readGitHub reads the finished post-mortems of repositories: issues that were closed as completed.
// problems names those that could not be read.
func readGitHub(
	ctx context.Context, s surroundings, settings config.GitHub, repositories, authors []string,
) (posts []archive.PostMortem, problems, err error) {
	tracker, err := daemon.GitHub(settings, nil, nil, authors...)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if len(repositories) == 0 {
		repositories = []string{settings.Repository}
	}
	for _, name := range repositories {
		all, err := tracker.List(ctx, name, beforeAll())
		if err != nil {
			return nil, nil, err
		}
		slices.SortFunc(all, func(a, b issue.Found) int { return cmp.Compare(a.Ref.Number, b.Ref.Number) })
		for _, found := range all {
			if found.Triage() != issue.Completed || !isPublished(found) {
				continue
			}
			post, more, err := readFinished(ctx, tracker, found)
			if errors.As(err, new(issue.RateLimited)) || ctx.Err() != nil {
				return nil, nil, err
			}
			if err != nil {
				problems = errors.Join(problems, err)
				continue
			}
			if more {
				fmt.Fprintf(s.stderr, "%s has more comments than are read: the archive has the first %d\n", found.Ref.URL, len(post.Comments))
			}
			posts = append(posts, post)
		}
	}
	return posts, problems, nil
}

// isPublished reports whether an issue is a post-mortem, and no other issue of postburn's account,
// such as a month's report.
func isPublished(found issue.Found) bool {
	if issue.IsFollowUpKey(found.Key) || issue.IsReportKey(found.Key) || drill.IsKey(found.Key) {
		return false
	}
	return found.Key != "" || learn.Parse(found.Text.Body).Record.IsKnown()
}

func readFinished(ctx context.Context, tracker *github.Tracker, found issue.Found) (post archive.PostMortem, more bool, err error) {
	post = archive.PostMortem{Title: found.Text.Title, Text: found.Text.Body, URL: found.Ref.URL, Labels: found.Labels, Key: found.Key}
	if post.Comments, more, err = tracker.Comments(ctx, found.Ref); err != nil {
		return post, false, err
	}
	if found.Key != "" && learn.Parse(post.Text).Record.IsOpen() {
		post.Final, err = lastRecovery(ctx, tracker, found)
	}
	return post, more, err
}

// lastRecovery returns the comment with the final numbers, of an issue whose text was edited before
// there were any; empty if there is none.
func lastRecovery(ctx context.Context, tracker *github.Tracker, found issue.Found) (text string, err error) {
	for n := 1; ; n++ {
		key := fmt.Sprintf("%s/%s-%d", found.Key, issue.Recovery, n)
		comments, err := tracker.Find(ctx, issue.Post{Key: key, Parent: &found}, beforeAll())
		if err != nil || len(comments) == 0 {
			return text, err
		}
		text = comments[0].Text.Body
	}
}

// readLocal reads the finished post-mortems of the local tracker: what is over, and has causes or a
// short record.
func (c archiveCommand) readLocal(s surroundings) (posts []archive.PostMortem, err error) {
	dir, _ := s.lookuper.Lookup(config.Prefix + "LOCAL_DIR")
	if dir == "" {
		dir = "postmortems"
	}
	if from, err := os.Stat(dir); err == nil {
		if to, err := os.Stat(c.Dir); err == nil && os.SameFile(from, to) {
			return nil, usageError{fmt.Errorf("%s is the folder that the local tracker writes to: name another one", c.Dir)}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("reading post-mortems: there are no .md files in %s (%sLOCAL_DIR)", dir, config.Prefix)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxPostMortem {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a post-mortem: %w", err)
		}
		post := localPostMortem(file, string(text))
		if d := learn.Parse(post.Text); !drill.IsKey(post.Key) && !d.Record.IsOpen() && len(d.Of(learn.Causes, learn.Brief)) > 0 {
			posts = append(posts, post)
		}
	}
	return posts, nil
}

func localPostMortem(file, text string) archive.PostMortem {
	post := archive.PostMortem{Text: text, Key: strings.TrimSuffix(filepath.Base(file), ".md")}
	for line := range strings.Lines(text) {
		if m, ok := issue.ParseMarker(line); ok {
			post.Key, post.Group = m.Key, m.Group
			break
		}
	}
	return post
}
