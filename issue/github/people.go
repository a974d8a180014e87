package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// maxCommentPages is how many pages of 100 comments are read.
const maxCommentPages = 10

// people reads what people wrote. It is an issue.Reader.
type people struct {
	*connection
	repos  *repositories
	issues *issues
	own    *accounts
}

// Comments returns the comments of an issue that postburn did not write, as in issue.Reader.
func (p *people) Comments(ctx context.Context, of issue.Ref) (all []issue.Comment, more bool, err error) {
	repo, i, err := p.issues.located(ctx, of)
	if err != nil {
		return nil, false, err
	}
	ctx = within(ctx, repo)
	trusted, err := p.insiders(ctx, repo, i)
	if err != nil {
		return nil, false, err
	}
	path := fmt.Sprintf("repos/%s/issues/%d/comments?per_page=100", repo.name(), i.GetNumber())
	doing := fmt.Sprintf("listing the comments of issue %d of %s", i.GetNumber(), repo.name())
	for pages := 0; path != "" && pages < maxCommentPages; pages++ {
		var page []*api.IssueComment
		resp, err := p.get(ctx, path, &page)
		if err != nil {
			return all, false, p.issues.unread(repo, doing, resp, err)
		}
		for _, c := range page {
			if _, _, _, marked := decode(c.GetBody()); marked && p.own.isOwn(c.GetUser()) {
				continue
			}
			all = append(all, issue.Comment{
				Author: c.GetUser().GetLogin(), Robot: c.GetUser().GetType() == "Bot", Trusted: trusted(c),
				Time: c.GetCreatedAt().Time, Body: c.GetBody(), URL: c.GetHTMLURL(),
			})
		}
		path = nextPage(resp)
	}
	return all, path != "", nil
}

// insiders marks comments by people who work on a repository. In a private or internal one that is
// everybody who can comment. In a public one it is whom GitHub calls owner, member or collaborator,
// and the issue's assignees. An app's bot never counts, as it may repeat what anybody wrote.
// https://docs.github.com/en/graphql/reference/enums#commentauthorassociation
func (p *people) insiders(ctx context.Context, repo repository, i *api.Issue) (func(*api.IssueComment) bool, error) {
	now, err := p.repos.get(ctx, repo.name()) // it may be public by now
	if err != nil {
		return nil, err
	}
	if now.GetPrivate() {
		return func(*api.IssueComment) bool { return true }, nil
	}
	assigned := map[string]bool{}
	for _, a := range i.Assignees {
		assigned[strings.ToLower(a.GetLogin())] = true
	}
	return func(c *api.IssueComment) bool {
		switch c.GetAuthorAssociation() {
		case "OWNER", "MEMBER", "COLLABORATOR":
			return true
		}
		return assigned[strings.ToLower(c.GetUser().GetLogin())]
	}, nil
}

// Trusts reports whether an account may write to an issue's repository, as in issue.Reader. In
// comments, GitHub calls private members of an organization "NONE" or "CONTRIBUTOR", like
// strangers. With access to the repository's metadata, it tells what they may do.
func (p *people) Trusts(ctx context.Context, of issue.Ref, login string) (bool, error) {
	repo, err := p.repos.ofText(ctx, of)
	if err != nil {
		return false, err
	}
	level, resp, err := p.client.Repositories.GetPermissionLevel(within(ctx, repo), repo.owner, repo.short, url.PathEscape(login))
	if a := readAnswer(resp, err); a.status == http.StatusNotFound || a.status == http.StatusForbidden && !a.limited() {
		return false, nil // the account is gone, or the token may not know
	}
	if err != nil {
		return false, p.failure("reading what "+login+" may do in "+repo.name(), repo.name(), resp, err)
	}
	return level.GetPermission() == "admin" || level.GetPermission() == "write", nil
}

// Body returns an issue's current text, as in issue.Reader.
func (p *people) Body(ctx context.Context, of issue.Ref) (string, error) {
	_, i, err := p.issues.located(ctx, of)
	return i.GetBody(), err
}
