package github

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// writer creates, replaces and changes postburn's own texts.
type writer struct {
	*connection
	repos    *repositories
	issues   *issues
	accounts *accounts
	labels   *labels
	logger   *slog.Logger
	leftOut  once // labels and assignees that were logged as left out
}

// Prepare creates postburn's own labels for a new issue, and the one by which people exclude it.
func (w *writer) Prepare(ctx context.Context, p issue.Post) error {
	repo, err := w.repos.ofPost(ctx, p)
	if err != nil {
		return limit(err) // creating the issue will tell the rest
	}
	labels := fitLabels(p.Labels)
	if len(labels) > 0 {
		labels = append(labels, issue.ExcludeLabel) // so that people find it
	}
	return w.labels.make(within(ctx, repo), repo, labels)
}

// Create writes a new issue or comment. It does not check whether there is one already.
func (w *writer) Create(ctx context.Context, p issue.Post) (issue.Found, error) {
	repo, err := w.repos.ofPost(ctx, p)
	if err != nil {
		return issue.Found{}, unsent(ctx, err)
	}
	ctx = within(ctx, repo)
	if p.Parent != nil {
		return w.createComment(ctx, repo, p)
	}
	return w.createIssue(ctx, repo, p)
}

func (w *writer) createIssue(ctx context.Context, repo repository, p issue.Post) (issue.Found, error) {
	labels := fitLabels(p.Labels)
	title, body := fitTitle(p.Text.Title), encode(p.Marker().String(), p.Text)
	request := &api.IssueRequest{Title: &title, Body: &body, Labels: &labels}
	if len(p.Assignees) > 0 {
		assignees := p.Assignees[:min(len(p.Assignees), maxAssignees)]
		request.Assignees = &assignees
	}
	made, resp, err := w.postIssue(ctx, repo, request)
	if a := readAnswer(resp, err); a.status == http.StatusUnprocessableEntity && request.Assignees != nil && a.concerns("assignee") {
		// An assignee has left. GitHub did nothing, and the post-mortem matters more.
		request.Assignees = nil
		made, resp, err = w.postIssue(ctx, repo, request)
	}
	if err != nil {
		return issue.Found{}, w.failure("creating an issue in "+repo.name(), repo.name(), resp, err)
	}
	w.accounts.add(made.GetUser().GetLogin())
	return issue.Found{
		Key: p.Key, Ref: issue.Ref{Number: int64(made.GetNumber()), URL: made.GetHTMLURL()}, Text: p.Text,
		Author: made.GetUser().GetLogin(), Dropped: w.compare(repo, made, p),
	}, nil
}

func (w *writer) postIssue(ctx context.Context, repo repository, request *api.IssueRequest) (made *api.Issue, resp *api.Response, err error) {
	resp, err = w.write(ctx, repo, func() (resp *api.Response, err error) {
		made, resp, err = w.client.Issues.Create(ctx, repo.owner, repo.short, request)
		if err == nil && (made.GetNumber() == 0 || made.GetHTMLURL() == "") {
			err = errors.New("the answer is no issue")
		}
		return resp, err
	})
	return made, resp, err
}

// compare returns what GitHub silently left out of an issue, and logs each once.
func (w *writer) compare(repo repository, made *api.Issue, p issue.Post) []string {
	all := dropped(p, made)
	for _, name := range all {
		if w.leftOut.first(repo, name) {
			w.logger.Warn("GitHub left out a label or an assignee: the token needs push access, and an assignee access to the repository",
				"repository", repo.name(), "left_out", name, "url", made.GetHTMLURL())
		}
	}
	return all
}

func (w *writer) createComment(ctx context.Context, repo repository, p issue.Post) (issue.Found, error) {
	number := p.Parent.Ref.Number
	body := encode(p.Marker().String(), p.Text)
	doing := fmt.Sprintf("commenting on issue %d of %s", number, repo.name())
	var made *api.IssueComment
	resp, err := w.write(ctx, repo, func() (resp *api.Response, err error) {
		made, resp, err = w.client.Issues.CreateComment(ctx, repo.owner, repo.short, int(number), &api.IssueComment{Body: &body})
		if err == nil && (made.GetID() == 0 || made.GetHTMLURL() == "") {
			err = errors.New("the answer is no comment")
		}
		return resp, err
	})
	if err != nil {
		return issue.Found{}, w.issues.failed(ctx, repo, doing, resp, err, issue.Ref{Number: number})
	}
	w.accounts.add(made.GetUser().GetLogin())
	return issue.Found{Key: p.Key, Ref: issue.Ref{Number: made.GetID(), Parent: number, URL: made.GetHTMLURL()}, Text: p.Text}, nil
}

// Replace reads the present text, and writes a new one if it is still what was sent.
func (w *writer) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	repo, err := w.repos.ofText(ctx, at.Ref)
	if err != nil {
		return unsent(ctx, err)
	}
	ctx = within(ctx, repo)
	doing := fmt.Sprintf("replacing %s", at.Ref.URL)
	now, resp, err := w.issues.text(ctx, repo, at.Ref)
	if err != nil {
		return unsent(ctx, w.issues.failed(ctx, repo, doing, resp, err, at.Ref))
	}
	marker, line, rest, ok := decode(now.Body)
	if !ok || marker.Key != at.Key {
		return fmt.Errorf("%s: %w", doing, issue.ErrEdited)
	}
	is := func(text issue.Text) bool {
		_, _, sent, _ := decode(encode(line, text))
		return same(rest, sent) && sameTitle(now.Title, text.Title)
	}
	switch {
	case is(text):
		return nil
	case !is(at.Text):
		return fmt.Errorf("%s: %w", doing, issue.ErrEdited)
	}
	resp, err = w.overwrite(ctx, repo, at.Ref, fitTitle(text.Title), encode(line, text))
	return w.issues.failed(ctx, repo, doing, resp, err, at.Ref)
}

func (w *writer) overwrite(ctx context.Context, repo repository, ref issue.Ref, title, body string) (*api.Response, error) {
	return w.write(ctx, repo, func() (*api.Response, error) {
		if ref.Parent != 0 {
			c, resp, err := w.client.Issues.EditComment(ctx, repo.owner, repo.short, ref.Number, &api.IssueComment{Body: &body})
			if err == nil && c.GetID() != ref.Number {
				err = errors.New("the answer is not the comment that was written")
			}
			return resp, err
		}
		request := &api.IssueRequest{Title: &title, Body: &body}
		if title == "" {
			request.Title = nil
		}
		i, resp, err := w.client.Issues.Edit(ctx, repo.owner, repo.short, int(ref.Number), request)
		if err == nil && int64(i.GetNumber()) != ref.Number {
			err = errors.New("the answer is not the issue that was written")
		}
		return resp, err
	})
}

// Change changes an issue besides its text. It reads the issue first, and does only what is left to
// do.
func (w *writer) Change(ctx context.Context, at issue.Found, c issue.Change) error {
	repo, err := w.repos.ofText(ctx, at.Ref)
	if err != nil {
		return err
	}
	ctx = within(ctx, repo)
	doing := fmt.Sprintf("changing %s", at.Ref.URL)
	now, resp, err := w.issues.get(ctx, repo, at.Ref.Number)
	if err != nil {
		return w.issues.failed(ctx, repo, doing, resp, err, at.Ref)
	}
	add, remove := exchanged(now, c)
	if err := w.labels.make(ctx, repo, add); err != nil {
		return err
	}
	switch {
	case c.Reopen && isCompleted(now) && !isDuplicate(now):
		resp, err = w.setState(ctx, repo, now, "open", "reopened")
	case c.Close && !isClosed(now):
		resp, err = w.setState(ctx, repo, now, "closed", "not_planned")
	}
	if err == nil && len(add) > 0 {
		resp, err = w.addLabels(ctx, repo, now, add)
	}
	for _, name := range remove {
		if err == nil {
			resp, err = w.removeLabel(ctx, repo, now, name)
		}
	}
	return w.issues.failed(ctx, repo, doing, resp, err, at.Ref)
}

// exchanged returns the labels to add to an issue and to remove from it. It keeps what a person
// exchanged: if none of the labels to remove of a kind is there, it adds none of that kind. For
// example, nothing is exchanged for `severity:2` if a person replaced it by `severity:3`.
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

// setState closes or opens an issue. https://docs.github.com/en/rest/issues/issues#update-an-issue
func (w *writer) setState(ctx context.Context, repo repository, i *api.Issue, state, reason string) (*api.Response, error) {
	return w.write(ctx, repo, func() (*api.Response, error) {
		_, resp, err := w.client.Issues.Edit(ctx, repo.owner, repo.short, i.GetNumber(), &api.IssueRequest{State: &state, StateReason: &reason})
		return resp, err
	})
}

func (w *writer) addLabels(ctx context.Context, repo repository, i *api.Issue, names []string) (*api.Response, error) {
	return w.write(ctx, repo, func() (*api.Response, error) {
		// go-github sends a list alone, which GitHub takes and does not describe.
		// https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue
		body := struct {
			Labels []string `json:"labels"`
		}{names}
		req, err := w.client.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/issues/%d/labels", repo.name(), i.GetNumber()), body)
		if err != nil {
			return nil, notSent{err}
		}
		return w.client.Do(ctx, req, nil)
	})
}

// removeLabel takes a label off an issue. A missing label is no error: the issue was there a moment
// ago.
func (w *writer) removeLabel(ctx context.Context, repo repository, i *api.Issue, name string) (*api.Response, error) {
	return w.write(ctx, repo, func() (*api.Response, error) {
		resp, err := w.client.Issues.RemoveLabelForIssue(ctx, repo.owner, repo.short, i.GetNumber(), url.PathEscape(name))
		if a := readAnswer(resp, err); a.status == http.StatusNotFound && strings.Contains(a.message, "Label") {
			err = nil
		}
		return resp, err
	})
}

// dropped returns the post's labels and assignees that an issue lacks, named as in the post.
func dropped(p issue.Post, made *api.Issue) (all []string) {
	for _, name := range p.Labels {
		if !hasLabel(made, fitLabel(name)) {
			all = append(all, name)
		}
	}
	for _, login := range p.Assignees {
		if !slices.ContainsFunc(made.Assignees, func(a *api.User) bool { return strings.EqualFold(a.GetLogin(), login) }) {
			all = append(all, "@"+login)
		}
	}
	return all
}
