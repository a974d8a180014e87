package github

import (
	"context"
	"fmt"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// maxCommentPages is how many pages of comments are read, of 100 each.
const maxCommentPages = 3

// Comments are those of an issue that postburn did not write. It is a method of an issue.Reader.
func (t *Tracker) Comments(ctx context.Context, of issue.Ref) (all []issue.Comment, err error) {
	repo, err := t.lookUp(ctx, t.repositoryOf(of))
	if err != nil {
		return nil, err
	}
	path := fmt.Sprintf("repos/%s/issues/%d/comments?per_page=100", repo.name(), of.Number)
	doing := fmt.Sprintf("listing the comments of issue %d of %s", of.Number, repo.name())
	for pages := 0; path != "" && pages < maxCommentPages; pages++ {
		var page []*api.IssueComment
		resp, err := t.get(ctx, path, &page)
		if err != nil {
			return nil, t.unread(repo, doing, resp, err)
		}
		for _, c := range page {
			if _, _, _, marked := decode(c.GetBody()); marked && t.isOwn(c.GetUser()) {
				continue
			}
			all = append(all, issue.Comment{
				Author: c.GetUser().GetLogin(), Robot: c.GetUser().GetType() == "Bot", Time: c.GetCreatedAt().Time, Body: c.GetBody(), URL: c.GetHTMLURL(),
			})
		}
		path = nextPage(resp)
	}
	return all, nil
}

// Body is what an issue says now. It is a method of an issue.Reader.
func (t *Tracker) Body(ctx context.Context, of issue.Ref) (string, error) {
	repo, err := t.lookUp(ctx, t.repositoryOf(of))
	if err != nil {
		return "", err
	}
	i, resp, err := t.readIssue(ctx, repo, of.Number)
	if err != nil {
		return "", t.unread(repo, "reading "+of.URL, resp, err)
	}
	return i.GetBody(), nil
}

// unread is the error of reading what people wrote. That an issue is gone is believed at once: nothing comes of it.
func (t *Tracker) unread(repo repository, doing string, resp *api.Response, err error) error {
	if isGone(resp, err) {
		return fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
	}
	return t.failure(doing, repo.name(), resp, err)
}
