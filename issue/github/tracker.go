package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// Create writes a new issue or comment. It does not look whether there is one.
func (t *Tracker) Create(ctx context.Context, p issue.Post) (issue.Found, error) {
	repo, err := t.lookUp(ctx, t.repositoryFor(p))
	if err != nil {
		return issue.Found{}, err
	}
	ctx = within(ctx, repo)
	if p.Parent != nil {
		return t.createComment(ctx, repo, p)
	}
	return t.createIssue(ctx, repo, p)
}

func (t *Tracker) createIssue(ctx context.Context, repo repository, p issue.Post) (issue.Found, error) {
	labels := fitLabels(p.Labels)
	title, body := fitTitle(p.Text.Title), encode(p.Marker().String(), p.Text)
	request := &api.IssueRequest{Title: &title, Body: &body, Labels: &labels}
	if len(p.Assignees) > 0 {
		assignees := p.Assignees[:min(len(p.Assignees), maxAssignees)]
		request.Assignees = &assignees
	}
	made, resp, err := t.postIssue(ctx, repo, request)
	if a := readAnswer(resp, err); a.status == http.StatusUnprocessableEntity && request.Assignees != nil && a.concerns("assignee") {
		// Somebody has left. GitHub did nothing, and the post-mortem is more important than its assignee.
		request.Assignees = nil
		made, resp, err = t.postIssue(ctx, repo, request)
	}
	if err != nil {
		return issue.Found{}, t.failure("creating an issue in "+repo.name(), repo.name(), resp, err)
	}
	t.posted(repo, made.GetUser())
	return issue.Found{
		Key: p.Key, Ref: issue.Ref{Number: int64(made.GetNumber()), URL: made.GetHTMLURL()}, Text: p.Text,
		Author: made.GetUser().GetLogin(), Dropped: t.compare(repo, made, p),
	}, nil
}

// concerns reports whether a field of the request is said to be wrong.
func (a answer) concerns(field string) bool {
	return slices.ContainsFunc(a.fields, func(f string) bool { return strings.Contains(f, field) })
}

func (t *Tracker) postIssue(ctx context.Context, repo repository, request *api.IssueRequest) (*api.Issue, *api.Response, error) {
	done, err := t.turn.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	made, resp, err := t.client.Issues.Create(ctx, repo.owner, repo.short, request)
	if err == nil && (made.GetNumber() == 0 || made.GetHTMLURL() == "") {
		err = errors.New("the answer is no issue")
	}
	return made, resp, err
}

func (t *Tracker) createComment(ctx context.Context, repo repository, p issue.Post) (issue.Found, error) {
	number := p.Parent.Ref.Number
	body := encode(p.Marker().String(), p.Text)
	doing := fmt.Sprintf("commenting on issue %d of %s", number, repo.name())
	done, err := t.turn.take(ctx)
	if err != nil {
		return issue.Found{}, t.failure(doing, repo.name(), nil, err)
	}
	made, resp, err := t.client.Issues.CreateComment(ctx, repo.owner, repo.short, int(number), &api.IssueComment{Body: &body})
	done()
	if isGone(resp, err) {
		return issue.Found{}, t.whyGone(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, issue.Ref{Number: number}))
	}
	if err == nil && (made.GetID() == 0 || made.GetHTMLURL() == "") {
		err = errors.New("the answer is no comment")
	}
	if err != nil {
		return issue.Found{}, t.failure(doing, repo.name(), resp, err)
	}
	t.posted(repo, made.GetUser())
	return issue.Found{Key: p.Key, Ref: issue.Ref{Number: made.GetID(), Parent: number, URL: made.GetHTMLURL()}, Text: p.Text}, nil
}

// posted notes that GitHub took a new text, and as whose.
func (t *Tracker) posted(repo repository, user *api.User) {
	t.wrote(repo)
	if user.GetLogin() == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logins[strings.ToLower(user.GetLogin())] = true
}

// Replace reads what stands there, and writes a new text if it is what was sent.
func (t *Tracker) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	repo, err := t.lookUp(ctx, t.repositoryOf(at.Ref))
	if err != nil {
		return err
	}
	ctx = within(ctx, repo)
	doing := fmt.Sprintf("replacing %s", at.Ref.URL)
	now, resp, err := t.read(ctx, repo, at.Ref)
	if err != nil {
		return t.readFailed(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, at.Ref))
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
	if resp, err = t.write(ctx, repo, at.Ref, fitTitle(text.Title), encode(line, text)); isGone(resp, err) {
		return t.whyGone(ctx, repo, doing, resp, err, t.readingOf(ctx, repo, at.Ref))
	}
	if err != nil {
		return t.failure(doing, repo.name(), resp, err)
	}
	t.wrote(repo)
	return nil
}

// read reads an issue's or a comment's text as it stands now.
func (t *Tracker) read(ctx context.Context, repo repository, ref issue.Ref) (issue.Text, *api.Response, error) {
	if ref.Parent == 0 {
		i, resp, err := t.readIssue(ctx, repo, ref.Number)
		return issue.Text{Title: i.GetTitle(), Body: i.GetBody()}, resp, err
	}
	c, resp, err := t.client.Issues.GetComment(ctx, repo.owner, repo.short, ref.Number)
	if err == nil && c.GetID() != ref.Number {
		err = errors.New("the answer is not the comment that was asked for")
	}
	return issue.Text{Body: c.GetBody()}, resp, err
}

func (t *Tracker) readIssue(ctx context.Context, repo repository, number int64) (*api.Issue, *api.Response, error) {
	i, resp, err := t.client.Issues.Get(ctx, repo.owner, repo.short, int(number))
	if err == nil && int64(i.GetNumber()) != number {
		err = errors.New("the answer is not the issue that was asked for")
	}
	return i, resp, err
}

func (t *Tracker) write(ctx context.Context, repo repository, ref issue.Ref, title, body string) (*api.Response, error) {
	done, err := t.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if ref.Parent != 0 {
		c, resp, err := t.client.Issues.EditComment(ctx, repo.owner, repo.short, ref.Number, &api.IssueComment{Body: &body})
		if err == nil && c.GetID() != ref.Number {
			err = errors.New("the answer is not the comment that was written")
		}
		return resp, err
	}
	request := &api.IssueRequest{Title: &title, Body: &body}
	if title == "" {
		request.Title = nil
	}
	i, resp, err := t.client.Issues.Edit(ctx, repo.owner, repo.short, int(ref.Number), request)
	if err == nil && int64(i.GetNumber()) != ref.Number {
		err = errors.New("the answer is not the issue that was written")
	}
	return resp, err
}

// isGone reports whether an answer says that a text is not there, or not there any more, or at another place.
func isGone(resp *api.Response, err error) bool {
	if err == nil || resp == nil {
		return false
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func (t *Tracker) readFailed(ctx context.Context, repo repository, doing string, resp *api.Response, err error, again reading) error {
	if isGone(resp, err) {
		return t.whyGone(ctx, repo, doing, resp, err, again)
	}
	return t.failure(doing, repo.name(), resp, err)
}

// reading reads something for its error alone.
type reading func() (*api.Response, error)

func (t *Tracker) readingOf(ctx context.Context, repo repository, ref issue.Ref) reading {
	return func() (*api.Response, error) {
		_, resp, err := t.read(ctx, repo, ref)
		return resp, err
	}
}

// whyGone says why a text is not there, which must not be believed too easily, as it is left alone for good then. ErrNotFound is
// returned only if the repository is what it was, its issues can be read, and the text can't, twice more. Otherwise the token must not
// see or write it, or GitHub was wrong, and nobody has removed it.
func (t *Tracker) whyGone(ctx context.Context, repo repository, doing string, resp *api.Response, err error, again reading) error {
	for range 2 {
		if err := t.lookUpAgain(ctx, repo); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if err := t.canList(ctx, repo); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		there, readErr := again()
		if readErr == nil {
			a := readAnswer(resp, err)
			a.status = http.StatusForbidden // it is called "not found" where the token may only read
			return t.refused(doing, repo.name(), a, true)
		}
		if !isGone(there, readErr) {
			return t.failure(doing, repo.name(), there, readErr)
		}
	}
	return fmt.Errorf("%s: %w", doing, issue.ErrNotFound)
}

// Find lists issues, newest first, or an issue's comments, and returns those whose marker and author are postburn's. Search would be
// cheaper, and is late. Where it is known where the text is, that is read alone.
func (t *Tracker) Find(ctx context.Context, p issue.Post, since time.Time) ([]issue.Found, error) {
	repo, err := t.lookUp(ctx, t.repositoryFor(p))
	if err != nil {
		return nil, err
	}
	ctx = within(ctx, repo)
	if p.Ref != (issue.Ref{}) {
		return t.findAt(ctx, repo, p)
	}
	if err := t.whoami(ctx); err != nil {
		return nil, err
	}
	if p.Parent != nil {
		return t.findComments(ctx, repo, p, since)
	}
	return t.findIssues(ctx, repo, p, since)
}
