package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// findAt reads a text whose place is known, whatever a person made of its marker.
func (t *Tracker) findAt(ctx context.Context, repo repository, p issue.Post) ([]issue.Found, error) {
	doing := "reading " + p.Ref.URL
	found := issue.Found{Key: p.Key, Ref: p.Ref}
	var resp *api.Response
	var err error
	if p.Ref.Parent != 0 {
		found.Text, resp, err = t.read(ctx, repo, p.Ref)
	} else {
		var i *api.Issue
		if i, resp, err = t.readIssue(ctx, repo, p.Ref.Number); err == nil {
			found = foundIssue(p.Key, p.Ref, i, i.GetBody())
		}
	}
	if isMoved(resp, err) && p.Ref.Parent == 0 {
		return []issue.Found{{Key: p.Key, Ref: p.Ref, Moved: true}}, nil
	}
	if err != nil {
		return nil, absent(t.readFailed(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, p.Ref)))
	}
	_, _, found.Text.Body, _ = decode(found.Text.Body)
	return []issue.Found{found}, nil
}

func (t *Tracker) findIssues(ctx context.Context, repo repository, p issue.Post, since time.Time) (all []issue.Found, err error) {
	path := fmt.Sprintf("repos/%s/issues?state=all&sort=created&direction=desc&per_page=100", repo.name())
	doing := "listing the issues of " + repo.name()
	for path != "" {
		var page []*api.Issue
		resp, err := t.get(ctx, path, &page)
		if err != nil {
			return nil, t.failure(doing, repo.name(), resp, err)
		}
		for _, i := range page {
			if i.GetCreatedAt().Before(since.Truncate(time.Second)) { // GitHub's times are whole seconds
				return all, nil
			}
			m, _, rest, ok := decode(i.GetBody())
			if !ok || i.IsPullRequest() || !t.isOwn(i.GetUser()) || !m.Marks(p) {
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

func (t *Tracker) findComments(ctx context.Context, repo repository, p issue.Post, since time.Time) (all []issue.Found, err error) {
	number := p.Parent.Ref.Number
	path := fmt.Sprintf("repos/%s/issues/%d/comments?per_page=100&since=%s", repo.name(), number, url.QueryEscape(since.UTC().Format(time.RFC3339)))
	doing := fmt.Sprintf("listing the comments of issue %d of %s", number, repo.name())
	for path != "" {
		var page []*api.IssueComment
		resp, err := t.get(ctx, path, &page)
		if err != nil {
			return nil, absent(t.readFailed(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, issue.Ref{Number: number})))
		}
		for _, c := range page {
			m, _, rest, ok := decode(c.GetBody())
			if !ok || !t.isOwn(c.GetUser()) || !m.Marks(p) {
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

// get reads what is at a path, or at the address of a next page.
func (t *Tracker) get(ctx context.Context, path string, into any) (*api.Response, error) {
	req, err := t.client.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if base := t.client.BaseURL; req.URL.Host != base.Host || req.URL.Scheme != base.Scheme {
		return nil, notSent{fmt.Errorf("the next page is on another server, %s", req.URL.Host)}
	}
	return t.client.Do(ctx, req, into)
}

// nextPage is the address that GitHub gives for it, which may count pages or not; empty where there is none.
func nextPage(resp *api.Response) string {
	for _, header := range resp.Header.Values("Link") {
		for link := range strings.SplitSeq(header, ",") {
			address, parameters, _ := strings.Cut(strings.TrimSpace(link), ">")
			if strings.HasPrefix(address, "<") && strings.Contains(parameters, `rel="next"`) {
				return address[1:]
			}
		}
	}
	return ""
}
