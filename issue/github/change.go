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

// duplicateLabel is GitHub's own label for it, and duplicateReason why an issue is closed then.
const (
	duplicateLabel  = "duplicate"
	duplicateReason = "duplicate"
)

func isClosed(i *api.Issue) bool { return i.GetState() == "closed" }

// isCompleted reports whether a closed issue was closed for no other reason. Old servers give none.
func isCompleted(i *api.Issue) bool {
	return isClosed(i) && (i.GetStateReason() == "" || i.GetStateReason() == "completed")
}

func isDuplicate(i *api.Issue) bool {
	return isClosed(i) && i.GetStateReason() == duplicateReason || hasLabel(i, duplicateLabel)
}

func hasLabel(i *api.Issue, name string) bool {
	return slices.ContainsFunc(i.Labels, func(l *api.Label) bool { return strings.EqualFold(l.GetName(), name) })
}

// foundIssue is an issue as it stands now.
func foundIssue(key string, ref issue.Ref, i *api.Issue, body string) issue.Found {
	return issue.Found{
		Key: key, Ref: ref, Text: issue.Text{Title: i.GetTitle(), Body: body}, Author: i.GetUser().GetLogin(),
		Closed: isClosed(i), Completed: isCompleted(i), Duplicate: isDuplicate(i), Updated: i.GetUpdatedAt().Time,
	}
}

// isMoved reports whether an answer says that an issue is in another repository now.
func isMoved(resp *api.Response, err error) bool {
	return err != nil && resp != nil && resp.StatusCode == http.StatusMovedPermanently
}

// Change changes an issue besides its text. It reads the issue first, and does only what still is to be done.
func (t *Tracker) Change(ctx context.Context, at issue.Found, c issue.Change) error {
	repo, err := t.lookUp(ctx, t.repositoryOf(at.Ref))
	if err != nil {
		return err
	}
	ctx = within(ctx, repo)
	doing := fmt.Sprintf("changing %s", at.Ref.URL)
	now, resp, err := t.readIssue(ctx, repo, at.Ref.Number)
	if err != nil {
		return t.readFailed(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, at.Ref))
	}
	add, remove := exchanged(now, c)
	if err := t.makeLabels(ctx, repo, add); err != nil {
		return err
	}
	switch {
	case c.Reopen && isCompleted(now) && !isDuplicate(now):
		resp, err = t.setState(ctx, repo, now, "open", "reopened")
	case c.Close && !isClosed(now):
		resp, err = t.setState(ctx, repo, now, "closed", "not_planned")
	}
	if err == nil && len(add) > 0 {
		resp, err = t.addLabels(ctx, repo, now, add)
	}
	for _, name := range remove {
		if err == nil {
			resp, err = t.removeLabel(ctx, repo, now, name)
		}
	}
	if isGone(resp, err) {
		return t.whyGone(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, at.Ref))
	}
	return t.failure(doing, repo.name(), resp, err)
}

// exchanged are the labels that are to be added to an issue and to be removed from it. What a person exchanged stays: where none of the
// labels of a kind is there that are to be removed, none of that kind is added.
func exchanged(i *api.Issue, c issue.Change) (add, remove []string) {
	left := map[string]bool{} // kinds that a person has decided on
	for _, name := range fitLabels(c.Remove) {
		kind, _, _ := strings.Cut(name, ":")
		if hasLabel(i, name) {
			remove = append(remove, name)
			left[kind] = false
		} else if _, known := left[kind]; !known {
			left[kind] = true
		}
	}
	for _, name := range fitLabels(c.Add) {
		if kind, _, _ := strings.Cut(name, ":"); !left[kind] && !hasLabel(i, name) {
			add = append(add, name)
		}
	}
	return add, remove
}

// writing takes a turn for a write.
func (t *Tracker) writing(ctx context.Context, repo repository, write func() (*api.Response, error)) (*api.Response, error) {
	done, err := t.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	resp, err := write()
	if err == nil {
		t.wrote(repo)
	}
	return resp, err
}

func (t *Tracker) setState(ctx context.Context, repo repository, i *api.Issue, state, reason string) (*api.Response, error) {
	return t.writing(ctx, repo, func() (*api.Response, error) {
		_, resp, err := t.client.Issues.Edit(ctx, repo.owner, repo.short, i.GetNumber(), &api.IssueRequest{State: &state, StateReason: &reason})
		return resp, err
	})
}

func (t *Tracker) addLabels(ctx context.Context, repo repository, i *api.Issue, names []string) (*api.Response, error) {
	return t.writing(ctx, repo, func() (*api.Response, error) {
		// go-github sends a list alone, which GitHub takes and does not describe.
		body := struct {
			Labels []string `json:"labels"`
		}{names}
		req, err := t.client.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/issues/%d/labels", repo.name(), i.GetNumber()), body)
		if err != nil {
			return nil, notSent{err}
		}
		return t.client.Do(ctx, req, nil)
	})
}

// removeLabel takes a label off an issue. That it is not there any more is no error: the issue was, a moment ago.
func (t *Tracker) removeLabel(ctx context.Context, repo repository, i *api.Issue, name string) (*api.Response, error) {
	return t.writing(ctx, repo, func() (*api.Response, error) {
		resp, err := t.client.Issues.RemoveLabelForIssue(ctx, repo.owner, repo.short, i.GetNumber(), url.PathEscape(name))
		if a := readAnswer(resp, err); a.status == http.StatusNotFound && strings.Contains(a.message, "Label") {
			err = nil
		}
		return resp, err
	})
}

// List lists the issues of a repository that postburn's accounts have opened and that have changed since a time. It is an issue.Lister.
// While nothing changes, GitHub does not count it.
func (t *Tracker) List(ctx context.Context, name string, since time.Time) (all []issue.Found, err error) {
	if name == "" {
		name = t.repository
	}
	repo, err := t.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := t.whoami(ctx); err != nil {
		return nil, err
	}
	ctx = within(ctx, repo)
	for _, author := range t.accounts() {
		found, err := t.listOf(ctx, repo, author, since)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (t *Tracker) accounts() (all []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.logins {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (t *Tracker) listOf(ctx context.Context, repo repository, author string, since time.Time) (all []issue.Found, err error) {
	since = since.Add(-time.Second) // GitHub's times are whole seconds, and two changes may be in one
	path := fmt.Sprintf("repos/%s/issues?state=all&sort=updated&direction=asc&per_page=100&creator=%s&since=%s",
		repo.name(), url.QueryEscape(author), url.QueryEscape(since.UTC().Format(time.RFC3339)))
	for path != "" {
		var page []*api.Issue
		resp, err := t.get(ctx, path, &page)
		if readAnswer(resp, err).status == http.StatusUnprocessableEntity && !strings.EqualFold(author, t.writer()) {
			return nil, nil // an account that is no more
		}
		if err != nil {
			return nil, t.failure("listing the issues of "+repo.name(), repo.name(), resp, err)
		}
		for _, i := range page {
			if i.IsPullRequest() || !t.isOwn(i.GetUser()) {
				continue
			}
			m, _, rest, _ := decode(i.GetBody())
			all = append(all, foundIssue(m.Key, issue.Ref{Number: int64(i.GetNumber()), URL: i.GetHTMLURL()}, i, rest))
		}
		path = nextPage(resp)
	}
	return all, nil
}

// writer is the account that the tracker writes as; empty before that was found out.
func (t *Tracker) writer() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own.name
}
