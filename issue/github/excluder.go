package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

const (
	// maxEventPages is how many pages of 100 events are read to find out who added a label.
	maxEventPages = 10
	// maxReasons is the most authors that GitHub is asked about, to take a reason from them.
	maxReasons = 5
)

// excluder finds out which issues people excluded.
type excluder struct {
	*connection
	repos  *repositories
	finder *finder
	people *people
}

// ListMarked lists the issues that List does, and says of those that carry issue.ExcludeLabel who
// added it, when, and why. It is an issue.MarkedLister. While nothing changes, GitHub does not
// count it against the rate limit.
func (x *excluder) ListMarked(ctx context.Context, repository string, since time.Time) (all []issue.Marked, err error) {
	found, err := x.finder.List(ctx, repository, since)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		m := issue.Marked{Key: f.Key, Ref: f.Ref, Updated: f.Updated}
		if slices.ContainsFunc(f.Labels, isExcludeLabel) {
			if m.Exclusion, err = x.exclusion(ctx, repository, f); err != nil {
				return nil, err
			}
		}
		all = append(all, m)
	}
	return all, nil
}

func isExcludeLabel(name string) bool { return strings.EqualFold(name, issue.ExcludeLabel) }

// exclusion returns who excluded an issue, when, and why. An issue that is gone by now is as it was
// found.
func (x *excluder) exclusion(ctx context.Context, repository string, f issue.Found) (*issue.Exclusion, error) {
	e := &issue.Exclusion{}
	err := x.findLabelling(ctx, repository, f.Ref.Number, e)
	if err == nil {
		e.Reason, err = x.reason(ctx, f.Ref)
	}
	if err != nil && !errors.Is(err, issue.ErrNotFound) {
		return nil, err
	}
	return e, nil
}

// findLabelling sets who added the label last, and when.
// https://docs.github.com/en/rest/issues/events#list-issue-events
func (x *excluder) findLabelling(ctx context.Context, repository string, number int64, e *issue.Exclusion) error {
	repo, err := x.repos.ofPost(ctx, issue.Post{Repository: repository})
	if err != nil {
		return err
	}
	ctx = within(ctx, repo)
	path := fmt.Sprintf("repos/%s/issues/%d/events?per_page=100", repo.name(), number)
	for pages := 0; path != "" && pages < maxEventPages; pages++ {
		var page []*api.IssueEvent
		resp, err := x.get(ctx, path, &page)
		if err != nil {
			return x.people.issues.unread(repo, fmt.Sprintf("listing the events of issue %d of %s", number, repo.name()), resp, err)
		}
		for _, event := range page {
			if event.GetEvent() == "labeled" && isExcludeLabel(event.GetLabel().GetName()) {
				e.By, e.At = event.GetActor().GetLogin(), event.GetCreatedAt().Time
			}
		}
		path = nextPage(resp)
	}
	return nil
}

// reason returns the newest reason that somebody gave who works on the repository.
func (x *excluder) reason(ctx context.Context, of issue.Ref) (string, error) {
	comments, _, err := x.people.Comments(ctx, of)
	if err != nil {
		return "", err
	}
	trusts := map[string]bool{}
	for _, c := range slices.Backward(comments) {
		reason := issue.ReasonIn(c.Body)
		if reason == "" || c.Robot {
			continue
		}
		trusted, asked := trusts[c.Author]
		if !c.Trusted && !asked && len(trusts) < maxReasons {
			if trusted, err = x.people.Trusts(ctx, of, c.Author); err != nil {
				return "", err
			}
			trusts[c.Author] = trusted
		}
		if c.Trusted || trusted {
			return reason, nil
		}
	}
	return "", nil
}
