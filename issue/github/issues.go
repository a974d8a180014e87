package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// issues reads an issue or a comment, and finds out why one is gone.
type issues struct {
	*connection
	repos *repositories
}

// text returns the current text of an issue or a comment.
func (s *issues) text(ctx context.Context, repo repository, ref issue.Ref) (issue.Text, *api.Response, error) {
	if ref.Parent == 0 {
		i, resp, err := s.get(ctx, repo, ref.Number)
		return issue.Text{Title: i.GetTitle(), Body: i.GetBody()}, resp, err
	}
	c, resp, err := s.client.Issues.GetComment(ctx, repo.owner, repo.short, ref.Number)
	if err == nil && c.GetID() != ref.Number {
		err = errors.New("the answer is not the comment that was asked for")
	}
	return issue.Text{Body: c.GetBody()}, resp, err
}

func (s *issues) get(ctx context.Context, repo repository, number int64) (*api.Issue, *api.Response, error) {
	i, resp, err := s.client.Issues.Get(ctx, repo.owner, repo.short, int(number))
	if err == nil && int64(i.GetNumber()) != number {
		err = errors.New("the answer is not the issue that was asked for")
	}
	return i, resp, err
}

// located reads an issue at its old place, or at the one that it was transferred to. It believes at
// once that an issue is gone, as nothing depends on it.
func (s *issues) located(ctx context.Context, of issue.Ref) (repository, *api.Issue, error) {
	doing := "reading " + of.URL
	for range 2 {
		if of.Number == 0 {
			break // of another tracker
		}
		repo, err := s.repos.ofText(ctx, of)
		if err != nil {
			return repository{}, nil, err
		}
		i, resp, err := s.get(within(ctx, repo), repo, of.Number)
		if err == nil {
			return repo, i, nil
		}
		if !isRedirect(resp, err) {
			return repository{}, nil, s.unread(repo, doing, resp, err)
		}
		var moved issue.Moved
		if err := s.transferred(ctx, repo, doing, of.Number); !errors.As(err, &moved) || moved.To == (issue.Ref{}) {
			return repository{}, nil, err
		}
		of = moved.To
	}
	return repository{}, nil, fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
}

// unread returns the error of a request, and believes at once that the issue is gone.
func (s *issues) unread(repo repository, doing string, resp *api.Response, err error) error {
	if isGone(resp, err) {
		return fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
	}
	return s.failure(doing, repo.name(), resp, err)
}

// failed returns the error of a request about a text; nil if there is none. If the text seems to be
// gone, it finds out why.
func (s *issues) failed(ctx context.Context, repo repository, doing string, resp *api.Response, err error, of issue.Ref) error {
	if isGone(resp, err) {
		return s.whyGone(ctx, repo, doing, resp, err, of)
	}
	return s.failure(doing, repo.name(), resp, err)
}

// whyGone returns why an issue or a comment is not there. It is careful, because a removed text is
// left alone for good. It returns ErrNotFound only if the repository is the same, its issues can be
// read, the text can't be read twice more, and its issue was not transferred. Otherwise the token
// may not see or write it, or GitHub was wrong, and nobody removed it.
func (s *issues) whyGone(ctx context.Context, repo repository, doing string, resp *api.Response, err error, of issue.Ref) error {
	for range 2 {
		if err := s.repos.lookUpAgain(ctx, repo); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if err := s.canList(ctx, repo); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		_, there, readErr := s.text(ctx, repo, of)
		switch {
		case readErr == nil:
			// GitHub answers "not found" to a token that may read and not write.
			// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
			a := readAnswer(resp, err)
			a.status = http.StatusForbidden
			return s.refused(doing, repo.name(), a, true)
		case of.Parent == 0 && isRedirect(there, readErr):
			return s.transferred(ctx, repo, doing, of.Number)
		case !isGone(there, readErr):
			return s.failure(doing, repo.name(), there, readErr)
		}
	}
	if of.Parent != 0 {
		if _, resp, err := s.get(ctx, repo, of.Parent); isRedirect(resp, err) {
			return s.transferred(ctx, repo, doing, of.Parent)
		}
	}
	return fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
}

// isGone reports whether GitHub says that a text does not exist, was deleted, or has moved: with
// 404, 410 and 301. https://docs.github.com/en/rest/issues/issues#get-an-issue
func isGone(resp *api.Response, err error) bool {
	if err == nil || resp == nil || readAnswer(resp, err).isPage() {
		return false
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return true
	}
	return isRedirect(resp, err)
}

// isRedirect reports whether an answer is a redirect on the same server that was not followed.
func isRedirect(resp *api.Response, err error) bool {
	if err == nil || resp == nil || otherServer(resp.Response) != "" {
		return false
	}
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// transferred returns an issue.Moved with the place that an issue's old address redirects to.
func (s *issues) transferred(ctx context.Context, repo repository, doing string, number int64) error {
	i, resp, err := s.client.Issues.Get(anywhere(ctx), repo.owner, repo.short, int(number))
	switch {
	case isGone(resp, err):
		return fmt.Errorf("%s: %w", doing, issue.Moved{Reason: "the token can't see where it is now"})
	case err != nil:
		return s.failure(doing, repo.name(), resp, err)
	}
	to := issue.Ref{Number: int64(i.GetNumber()), URL: i.GetHTMLURL()}
	name := repositoryAt(i.GetRepositoryURL())
	if to.Number == 0 || name == "" || !strings.EqualFold(name, s.repos.nameIn(to.URL)) {
		return fmt.Errorf("%s: the answer does not say where the issue is now", doing)
	}
	if err := s.repos.mayFollow(repo.name(), name); err != nil {
		return fmt.Errorf("%s: %w", doing, issue.Moved{Repository: name, Reason: err.Error()})
	}
	return fmt.Errorf("%s: %w", doing, issue.Moved{To: to, Repository: name})
}

// canList returns an error if issues can't be read.
func (s *issues) canList(ctx context.Context, repo repository) error {
	_, resp, err := s.client.Issues.ListByRepo(within(ctx, repo), repo.owner, repo.short, &api.IssueListByRepoOptions{
		State: "all", ListOptions: api.ListOptions{PerPage: 1},
	})
	if err == nil {
		if scopes, ok := resp.Header["X-Oauth-Scopes"]; ok && !hasScope(scopes) {
			return fmt.Errorf("reading the issues of %s: %w", repo.name(),
				refusal{NoPermission, `the token lacks a scope: give it "repo", or "public_repo" for a public repository`})
		}
	}
	return s.failure("reading the issues of "+repo.name(), repo.name(), resp, err)
}

// hasScope checks the scopes of a classic token; others have none.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
func hasScope(headers []string) bool {
	for _, header := range headers {
		if strings.TrimSpace(header) == "" {
			continue
		}
		for scope := range strings.SplitSeq(header, ",") {
			if s := strings.TrimSpace(scope); s == "repo" || s == "public_repo" {
				return true
			}
		}
		return false
	}
	return true
}

// absent returns the error of a look, but nil for a text that is gone.
func absent(err error) error {
	if errors.Is(err, issue.ErrNotFound) {
		return nil
	}
	return err
}
