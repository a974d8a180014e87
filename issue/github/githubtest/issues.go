package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// issueCalls answers for issues, their comments and labels.
type issueCalls struct{ *call }

func (c issueCalls) serveIssues() {
	if c.repo.IssuesOff {
		panic(failed{status: 410, message: "Issues are disabled for this repo"})
	}
	if c.user.Issues == "none" {
		panic(failed{status: 403, message: "Resource not accessible by personal access token"})
	}
	get, post, patch := c.r.Method == http.MethodGet, c.r.Method == http.MethodPost, c.r.Method == http.MethodPatch
	n := len(c.path)
	switch {
	case n == 1 && get:
		c.listIssues()
	case n == 1 && post:
		c.createIssue()
	case n == 3 && c.path[1] == "comments" && (get || patch):
		c.serveComment(c.path[2], patch)
	case n == 2 && (get || patch):
		i := c.issue(c.path[1], true)
		if i != nil && patch {
			c.editIssue(i)
		} else if i != nil {
			c.answer(200, c.issueJSON(i))
		}
	case n >= 3 && c.path[2] == "labels":
		if i := c.issue(c.path[1], false); i != nil {
			c.serveIssueLabels(i)
		}
	case n == 3 && c.path[2] == "sub_issues" && (get || post):
		if i := c.issue(c.path[1], false); i != nil {
			c.serveSubIssues(i, post)
		}
	case n == 3 && c.path[2] == "events" && get:
		if i := c.issue(c.path[1], false); i != nil {
			c.listEvents(i)
		}
	case n == 3 && c.path[2] == "comments" && (get || post):
		i := c.issue(c.path[1], false)
		if i != nil && post {
			c.createComment(i)
		} else if i != nil {
			c.listComments(i)
		}
	default:
		c.notFound()
	}
}

// issue finds an issue; nil if the answer is a redirect. GitHub redirects from a transferred issue
// itself, but not from addresses below it, such as its comments.
func (c issueCalls) issue(text string, itself bool) *Issue {
	number, _ := strconv.Atoi(text)
	for _, i := range c.repo.Issues {
		switch {
		case i.Number != number:
		case i.MovedTo != 0 && itself:
			c.redirect(http.StatusMovedPermanently, i.MovedTo, []string{"issues", strconv.Itoa(i.MovedAs)})
			return nil
		case i.MovedTo != 0:
			c.notFound()
		case i.Deleted:
			panic(failed{status: 410, message: "This issue was deleted"})
		default:
			return i
		}
	}
	c.notFound()
	return nil
}

func (c issueCalls) listIssues() {
	query := c.r.URL.Query()
	state := query.Get("state")
	if state == "" {
		state = "open"
	}
	since, _ := time.Parse(time.RFC3339, query.Get("since"))
	issues := slices.Clone(c.repo.Issues)
	slices.SortStableFunc(issues, func(a, b *Issue) int {
		order := b.Created.Compare(a.Created)
		if query.Get("sort") == "updated" {
			order = b.Updated.Compare(a.Updated)
		}
		if order == 0 {
			order = b.Number - a.Number
		}
		if query.Get("direction") == "asc" {
			return -order
		}
		return order
	})
	creator := query.Get("creator")
	if creator != "" && c.accounts.byLogin(creator) == nil {
		panic(invalid("Issue", "creator", "invalid"))
	}
	var all []any
	for _, i := range issues {
		theirs := creator == "" || strings.EqualFold(i.Author, creator)
		if theirs && (state == "all" || i.State == state) && !i.Updated.Before(since) && !i.Deleted && i.MovedTo == 0 {
			all = append(all, c.issueJSON(i))
		}
	}
	page := c.page(all)
	c.answer(200, page)
}

func (c issueCalls) createIssue() {
	c.mayWrite()
	var in struct {
		Title     string
		Body      string
		Labels    []string
		Assignees []string
	}
	c.read(&in, "title", "body", "labels", "assignees", "milestone", "assignee", "type")
	c.checkLength("Issue", "title", in.Title, maxTitle)
	c.checkLength("Issue", "body", in.Body, maxBody)
	if strings.TrimSpace(in.Title) == "" {
		panic(invalid("Issue", "title", "missing_field"))
	}
	i := &Issue{Title: strings.TrimSpace(in.Title), Body: in.Body, Author: c.user.Login, State: "open", Created: time.Now(), Updated: time.Now()}
	if c.user.Push {
		for _, a := range in.Assignees {
			if !slices.Contains(c.repo.Assignable, a) {
				panic(invalid("Issue", "assignees", "invalid"))
			}
		}
		i.Assignees = in.Assignees
		for _, name := range in.Labels {
			i.Labels = append(i.Labels, c.label(name, "ededed", "").Name)
		}
	}
	c.repo.nextNumber++
	i.ID, i.Number = c.s.id(), c.repo.nextNumber
	c.repo.Issues = append(c.repo.Issues, i)
	c.answer(201, c.issueJSON(i))
}

func (c issueCalls) editIssue(i *Issue) {
	c.mayWrite()
	var in struct {
		Title, Body, State *string
		StateReason        *string `json:"state_reason"`
		Labels, Assignees  *[]string
	}
	c.read(&in, "title", "body", "state", "state_reason", "labels", "assignees", "milestone")
	if in.Title != nil {
		c.checkLength("Issue", "title", *in.Title, maxTitle)
		i.Title = strings.TrimSpace(*in.Title)
	}
	if in.Body != nil {
		c.checkLength("Issue", "body", *in.Body, maxBody)
		i.Body = *in.Body
	}
	if in.State != nil && *in.State != i.State {
		i.State, i.Reason = *in.State, "reopened"
		if i.State == "closed" {
			i.Reason = "completed"
			if in.StateReason != nil {
				i.Reason = *in.StateReason
			}
		}
	}
	i.Updated = time.Now()
	c.answer(200, c.issueJSON(i))
}

func (c issueCalls) listComments(i *Issue) {
	since, _ := time.Parse(time.RFC3339, c.r.URL.Query().Get("since"))
	var all []any
	for _, comment := range i.Comments {
		if !comment.Updated.Before(since) {
			all = append(all, c.commentJSON(i, comment))
		}
	}
	page := c.page(all)
	c.answer(200, page)
}

func (c issueCalls) listEvents(i *Issue) {
	var all []any
	for n, e := range i.Events {
		all = append(all, c.eventJSON(i, n, e))
	}
	page := c.page(all)
	c.answer(200, page)
}

func (c issueCalls) createComment(i *Issue) {
	c.mayWrite()
	if i.Locked && !c.user.Push {
		panic(failed{
			status: 403, message: "Unable to create comment because issue is locked.", about: "https://docs.github.com/articles/locking-conversations/",
		})
	}
	comment := &Comment{Body: c.commentBody(), Author: c.user.Login, Created: time.Now(), Updated: time.Now()}
	comment.ID = c.s.id()
	i.Comments = append(i.Comments, comment)
	i.Updated = time.Now()
	c.answer(201, c.commentJSON(i, comment))
}

func (c issueCalls) commentBody() string {
	var in struct{ Body string }
	c.read(&in, "body")
	c.checkLength("IssueComment", "body", in.Body, maxBody)
	if strings.TrimSpace(in.Body) == "" {
		panic(invalid("IssueComment", "body", "missing_field"))
	}
	return in.Body
}

func (c issueCalls) serveComment(text string, patch bool) {
	id, _ := strconv.ParseInt(text, 10, 64)
	for _, i := range c.repo.Issues {
		for _, comment := range i.Comments {
			if comment.ID != id || i.Deleted || i.MovedTo != 0 {
				continue
			}
			if patch {
				c.mayWrite()
				comment.Body, comment.Updated = c.commentBody(), time.Now()
			}
			c.answer(200, c.commentJSON(i, comment))
			return
		}
	}
	c.notFound()
}

// serveIssueLabels adds labels to an issue, creates missing ones, and takes labels off. Without
// push access it answers 403.
func (c issueCalls) serveIssueLabels(i *Issue) {
	c.mayWrite()
	if !c.user.Push {
		panic(failed{status: 403, message: "Must have push access to repository"})
	}
	switch n := len(c.path); {
	case n == 3 && c.r.Method == http.MethodPost:
		var in struct{ Labels []string }
		c.read(&in, "labels")
		for _, name := range in.Labels {
			if l := c.label(name, "ededed", ""); !i.hasLabel(l.Name) {
				i.Labels = append(i.Labels, l.Name)
			}
		}
	case n == 4 && c.r.Method == http.MethodDelete:
		if !i.hasLabel(c.path[3]) {
			panic(failed{status: 404, message: "Label does not exist"})
		}
		i.Labels = slices.DeleteFunc(slices.Clone(i.Labels), func(l string) bool { return strings.EqualFold(l, c.path[3]) })
	default:
		c.notFound()
	}
	i.Updated = time.Now()
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, c.labelJSON(c.label(name, "ededed", "")))
	}
	c.answer(200, labels)
}

func (i *Issue) hasLabel(name string) bool {
	return slices.ContainsFunc(i.Labels, func(l string) bool { return strings.EqualFold(l, name) })
}

func (c issueCalls) serveLabels() {
	switch {
	case len(c.path) == 2 && c.r.Method == http.MethodGet:
		for _, l := range c.repo.Labels {
			if strings.EqualFold(l.Name, c.path[1]) {
				c.answer(200, c.labelJSON(l))
				return
			}
		}
	case len(c.path) == 1 && c.r.Method == http.MethodPost:
		c.mayWrite()
		if !c.user.Push {
			c.notFound()
		}
		var in struct{ Name, Color, Description string }
		c.read(&in, "name", "color", "description")
		c.checkLength("Label", "description", in.Description, maxDescription)
		for _, l := range c.repo.Labels {
			if strings.EqualFold(l.Name, in.Name) {
				panic(invalid("Label", "name", "already_exists"))
			}
		}
		c.answer(201, c.labelJSON(c.label(in.Name, in.Color, in.Description)))
		return
	}
	c.notFound()
}
