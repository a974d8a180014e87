package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// Nest makes an issue a sub-issue of another, unless it is one. It is an issue.Nester. Servers
// without sub-issues, as older ones are, answer 404 or 410 to a list of them. What seems to be
// missing is asked for twice, as nothing asks again.
// https://docs.github.com/en/rest/issues/sub-issues
func (w *writer) Nest(ctx context.Context, parent issue.Found, child string) error {
	repo, err := w.repos.ofText(ctx, parent.Ref)
	if err != nil {
		return err
	}
	ctx = within(ctx, repo)
	doing := fmt.Sprintf("making a sub-issue of %s", parent.Ref.URL)
	if _, resp, err := w.issues.get(ctx, repo, parent.Ref.Number); err != nil {
		return w.issues.failed(ctx, repo, doing, resp, err, parent.Ref)
	}
	at := issue.Ref{Number: numberAt(child), URL: child}
	_, below, err := w.issues.located(ctx, at)
	if errors.Is(err, issue.ErrNotFound) {
		_, below, err = w.issues.located(ctx, at)
	}
	if errors.Is(err, issue.ErrNotFound) {
		return fmt.Errorf("%s: %w: its issue is gone", doing, issue.ErrNoSubIssues)
	}
	if err != nil {
		return err
	}
	there, err := w.hasSubIssue(ctx, repo, parent.Ref.Number, below.GetID())
	if errors.Is(err, issue.ErrNoSubIssues) {
		there, err = w.hasSubIssue(ctx, repo, parent.Ref.Number, below.GetID())
	}
	if err != nil || there {
		return err
	}
	resp, err := w.write(ctx, repo, func() (*api.Response, error) {
		body := struct {
			ID int64 `json:"sub_issue_id"`
		}{below.GetID()}
		req, err := w.client.NewRequest(http.MethodPost, subIssues(repo, parent.Ref.Number), body)
		if err != nil {
			return nil, notSent{err}
		}
		return w.client.Do(ctx, req, nil)
	})
	if a := readAnswer(resp, err); a.status == http.StatusUnprocessableEntity {
		// It has a parent already, or the parent has a hundred sub-issues.
		return fmt.Errorf("%s: %w: GitHub refused: %s", doing, issue.ErrNoSubIssues, a.said())
	}
	return w.failure(doing, repo.name(), resp, err)
}

func subIssues(repo repository, number int64) string {
	return fmt.Sprintf("repos/%s/issues/%d/sub_issues", repo.name(), number)
}

// hasSubIssue reports whether an issue has a sub-issue with an ID.
func (w *writer) hasSubIssue(ctx context.Context, repo repository, number, id int64) (bool, error) {
	path := subIssues(repo, number) + "?per_page=100"
	for path != "" {
		var page []*api.Issue
		resp, err := w.get(ctx, path, &page)
		if isGone(resp, err) {
			return false, fmt.Errorf("listing sub-issues: %w", issue.ErrNoSubIssues)
		}
		if err != nil {
			return false, w.failure("listing sub-issues", repo.name(), resp, err)
		}
		for _, i := range page {
			if i.GetID() == id {
				return true, nil
			}
		}
		path = nextPage(resp)
	}
	return false, nil
}

// State reports whether an issue that people name in another's text is closed, as in
// issue.StateReader. It asks only about repositories to which postburn would follow an issue:
// whoever can write in a post-mortem must not learn of others through postburn's token.
func (p *people) State(ctx context.Context, address string, in issue.Ref) (closed bool, at time.Time, err error) {
	doing := "reading " + address
	number, name, home := numberAt(address), p.repos.nameIn(address), p.repos.nameIn(in.URL)
	if number == 0 || !sameServer(address, in.URL) || p.repos.mayFollow(home, name) != nil {
		return false, at, fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
	}
	var i *api.Issue
	resp, err := p.get(anywhere(ctx), fmt.Sprintf("repos/%s/issues/%d", name, number), &i)
	a := readAnswer(resp, err)
	switch {
	case err != nil && a.status/100 == 4 && !a.limited() && !a.isPage():
		return false, at, fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
	case err != nil:
		return false, at, p.failure(doing, home, resp, err)
	}
	if now := repositoryAt(i.GetRepositoryURL()); now != "" && p.repos.mayFollow(home, now) != nil {
		return false, at, fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
	}
	return isClosed(i), i.GetClosedAt().Time, nil
}

// numberAt returns the number at the end of an issue's address; 0 if there is none.
func numberAt(address string) (number int64) {
	_, err := fmt.Sscanf(address[strings.LastIndex(address, "/")+1:], "%d", &number)
	if err != nil {
		return 0
	}
	return number
}

// sameServer reports whether two addresses are of one server.
func sameServer(a, b string) bool {
	server := func(address string) string {
		parts := strings.SplitN(address, "/", 4)
		return strings.ToLower(strings.Join(parts[:min(len(parts), 3)], "/"))
	}
	return server(a) == server(b)
}
