package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// duplicateLabel is GitHub's own label for duplicates, and duplicateReason its reason to close one.
// https://docs.github.com/en/issues/using-labels-and-milestones-to-track-work/managing-labels
const (
	duplicateLabel  = "duplicate"
	duplicateReason = "duplicate"
)

// finder finds postburn's own texts, by their markers and authors.
type finder struct {
	*connection
	repos  *repositories
	issues *issues
	own    *accounts
}

// Find lists issues, newest first, or an issue's comments, and returns those with postburn's marker
// and author. Search would be cheaper, but lags. If the text's place is known, Find reads only
// that.
func (f *finder) Find(ctx context.Context, p issue.Post, since time.Time) ([]issue.Found, error) {
	repo, err := f.repos.ofPost(ctx, p)
	if err != nil {
		return nil, err
	}
	ctx = within(ctx, repo)
	if p.Ref != (issue.Ref{}) {
		return f.findAt(ctx, repo, p)
	}
	if err := f.own.whoami(ctx); err != nil {
		return nil, err
	}
	if p.Parent != nil {
		return f.findComments(ctx, repo, p, since)
	}
	return f.findIssues(ctx, repo, p, since)
}

// findAt reads a text at a known place, even if a person changed its marker.
func (f *finder) findAt(ctx context.Context, repo repository, p issue.Post) ([]issue.Found, error) {
	doing := "reading " + p.Ref.URL
	found := issue.Found{Key: p.Key, Ref: p.Ref}
	var resp *api.Response
	var err error
	if p.Ref.Parent != 0 {
		found.Text, resp, err = f.issues.text(ctx, repo, p.Ref)
	} else {
		var i *api.Issue
		if i, resp, err = f.issues.get(ctx, repo, p.Ref.Number); err == nil {
			found = foundIssue(p.Key, p.Ref, i, i.GetBody())
		}
	}
	if err != nil {
		return nil, absent(f.issues.failed(ctx, repo, doing, resp, err, p.Ref))
	}
	_, _, found.Text.Body, _ = decode(found.Text.Body)
	return []issue.Found{found}, nil
}

func (f *finder) findIssues(ctx context.Context, repo repository, p issue.Post, since time.Time) (all []issue.Found, err error) {
	path := fmt.Sprintf("repos/%s/issues?state=all&sort=created&direction=desc&per_page=100", repo.name())
	doing := "listing the issues of " + repo.name()
	for path != "" {
		var page []*api.Issue
		resp, err := f.get(ctx, path, &page)
		if err != nil {
			return nil, f.failure(doing, repo.name(), resp, err)
		}
		for _, i := range page {
			// GitHub's times are whole seconds
			if i.GetCreatedAt().Before(since.Truncate(time.Second)) {
				return all, nil
			}
			m, _, rest, ok := decode(i.GetBody())
			if !ok || i.IsPullRequest() || !f.own.isOwn(i.GetUser()) || !m.Marks(p) {
				continue
			}
			found := foundIssue(m.Key, issue.Ref{Number: int64(i.GetNumber()), URL: i.GetHTMLURL()}, i, rest)
			found.Dropped = dropped(p, i)
			all = append(all, found)
		}
		path = nextPage(resp)
	}
	return all, nil
}

func (f *finder) findComments(ctx context.Context, repo repository, p issue.Post, since time.Time) (all []issue.Found, err error) {
	number := p.Parent.Ref.Number
	path := fmt.Sprintf("repos/%s/issues/%d/comments?per_page=100&since=%s", repo.name(), number, url.QueryEscape(since.UTC().Format(time.RFC3339)))
	doing := fmt.Sprintf("listing the comments of issue %d of %s", number, repo.name())
	for path != "" {
		var page []*api.IssueComment
		resp, err := f.get(ctx, path, &page)
		if err != nil {
			return nil, absent(f.issues.failed(ctx, repo, doing, resp, err, issue.Ref{Number: number}))
		}
		for _, c := range page {
			m, _, rest, ok := decode(c.GetBody())
			if !ok || !f.own.isOwn(c.GetUser()) || !m.Marks(p) {
				continue
			}
			all = append(all, issue.Found{
				Key: m.Key, Ref: issue.Ref{Number: c.GetID(), Parent: number, URL: c.GetHTMLURL()}, Text: issue.Text{Body: rest},
			})
		}
		path = nextPage(resp)
	}
	return all, nil
}

// List lists the issues of a repository that postburn's accounts opened and that changed since a
// time. It is an issue.Lister. While nothing changes, GitHub does not count it against the rate
// limit.
func (f *finder) List(ctx context.Context, name string, since time.Time) (all []issue.Found, err error) {
	repo, err := f.repos.ofPost(ctx, issue.Post{Repository: name})
	if err != nil {
		return nil, err
	}
	if err := f.own.whoami(ctx); err != nil {
		return nil, err
	}
	ctx = within(ctx, repo)
	for _, author := range f.own.all() {
		found, err := f.listOf(ctx, repo, author, since)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (f *finder) listOf(ctx context.Context, repo repository, author string, since time.Time) (all []issue.Found, err error) {
	// GitHub's times are whole seconds, and two changes may be in one
	since = since.Add(-time.Second)
	path := fmt.Sprintf("repos/%s/issues?state=all&sort=updated&direction=asc&per_page=100&creator=%s&since=%s",
		repo.name(), url.QueryEscape(author), url.QueryEscape(since.UTC().Format(time.RFC3339)))
	for path != "" {
		var page []*api.Issue
		resp, err := f.get(ctx, path, &page)
		if readAnswer(resp, err).status == http.StatusUnprocessableEntity && !f.own.isPresent(author) {
			return nil, nil // the account no longer exists
		}
		if err != nil {
			return nil, f.failure("listing the issues of "+repo.name(), repo.name(), resp, err)
		}
		for _, i := range page {
			if i.IsPullRequest() || !f.own.isOwn(i.GetUser()) {
				continue
			}
			m, _, rest, _ := decode(i.GetBody())
			all = append(all, foundIssue(m.Key, issue.Ref{Number: int64(i.GetNumber()), URL: i.GetHTMLURL()}, i, rest))
		}
		path = nextPage(resp)
	}
	return all, nil
}

// foundIssue returns an issue as it stands now.
func foundIssue(key string, ref issue.Ref, i *api.Issue, body string) issue.Found {
	var labels []string
	for _, l := range i.Labels {
		labels = append(labels, l.GetName())
	}
	return issue.Found{
		Key: key, Ref: ref, Text: issue.Text{Title: i.GetTitle(), Body: body}, Author: i.GetUser().GetLogin(),
		Closed: isClosed(i), Completed: isCompleted(i), Duplicate: isDuplicate(i), Updated: i.GetUpdatedAt().Time, Labels: labels,
	}
}

func isClosed(i *api.Issue) bool { return i.GetState() == "closed" }

// isCompleted reports whether an issue was closed as completed. Old servers give no reason.
func isCompleted(i *api.Issue) bool {
	return isClosed(i) && (i.GetStateReason() == "" || i.GetStateReason() == "completed")
}

func isDuplicate(i *api.Issue) bool {
	return isClosed(i) && i.GetStateReason() == duplicateReason || hasLabel(i, duplicateLabel)
}

func hasLabel(i *api.Issue, name string) bool {
	return slices.ContainsFunc(i.Labels, func(l *api.Label) bool { return strings.EqualFold(l.GetName(), name) })
}
