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

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// The most that looking for changes costs for one repository: a request for it, maxPages of each
// kind, and one for each merge listed.
const (
	maxPages        = 2
	maxMerges       = 8
	maxRepositories = 3 // of one incident's objectives
)

// services reads what changed in the repositories of services.
type services struct {
	*connection
	repos   *repositories
	reading *api.Client // may read their code
}

// Changes returns a collector of what changed in the services' repositories, as the objectives'
// settings name them: deployments, releases and merges to the default branch, from two hours before
// the onset until the end. It only reads.
func (s *services) Changes(settings func(objective string) issue.Settings) issue.Collector {
	return func(ctx context.Context, i alert.Incident) issue.Evidence {
		var found issue.Evidence
		if issue.Headline(i).Kind == alert.Budget {
			return found
		}
		var names []string
		for _, w := range i.Windows {
			name := settings(w.Objective.Name).Evidence.Repository
			if name != "" && !slices.Contains(names, strings.ToLower(name)) && len(names) < maxRepositories {
				names = append(names, strings.ToLower(name))
			}
		}
		for _, name := range names {
			c := changes{services: s, name: name, from: issue.Core(i).Onset().Add(-issue.Lookback), to: issue.Ended(i)}
			if c.to.IsZero() {
				c.to = time.Now()
			}
			c.collect(ctx)
			found.Add(c.found)
		}
		return found
	}
}

// changes collects from one repository.
type changes struct {
	*services
	name     string
	from, to time.Time
	owner    string
	short    string
	home     string // its web address
	found    issue.Evidence
	unread   []kind // kinds that the token may not read
}

// kind is something to list.
type kind struct{ noun, permission string }

var (
	deployments = kind{"deployments", "Deployments: read"}
	releases    = kind{"releases", "Contents: read"}
	merges      = kind{"merges", "Pull requests: read"}
)

func (c *changes) collect(ctx context.Context) {
	repo, err := c.repos.get(ctx, c.name)
	if err != nil {
		c.unresolved("What changed in "+c.name, "GitHub did not show the repository: check its name, and that the token may see it", err)
		return
	}
	c.owner, c.short, _ = strings.Cut(repo.GetFullName(), "/")
	c.name, c.home = repo.GetFullName(), repo.GetHTMLURL()
	c.list(ctx, deployments, c.deployments)
	c.list(ctx, releases, c.releases)
	c.list(ctx, merges, func(ctx context.Context, page int) (bool, *api.Response, error) {
		return c.merges(ctx, repo.GetDefaultBranch(), page)
	})
	if len(c.unread) > 0 {
		var nouns, permissions []string
		for _, k := range c.unread {
			nouns, permissions = append(nouns, k.noun), append(permissions, `"`+k.permission+`"`)
		}
		c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("Which %s there were in %s could not be found out: the token lacks a permission; grant %s.",
			strings.Join(nouns, " and "), c.name, strings.Join(permissions, " and ")))
	}
}

// list reads pages of a kind, newest first, until one goes back far enough.
func (c *changes) list(ctx context.Context, k kind, read func(ctx context.Context, page int) (older bool, resp *api.Response, err error)) {
	what := "Which " + k.noun + " there were in " + c.name
	for page, n := 1, 0; ; n++ {
		if n == maxPages {
			c.found.Unresolved = append(c.found.Unresolved, what+" was found out in part: there are too many newer ones.")
			return
		}
		older, resp, err := read(ctx, page)
		a := readAnswer(resp, err)
		switch {
		case err != nil && !a.limited() && !a.isPage() && (a.status == http.StatusForbidden || a.status == http.StatusNotFound):
			c.unread = append(c.unread, k)
			return
		case err != nil && !a.limited() && a.status == http.StatusUnprocessableEntity: // no access
			c.unread = append(c.unread, k)
			return
		case err != nil:
			c.unresolved(what, "", c.failure("listing "+k.noun, c.name, resp, err))
			return
		case older || resp.NextPage == 0:
			return
		}
		page = resp.NextPage
	}
}

func (c *changes) unresolved(what, hint string, err error) {
	text := "GitHub did not answer as it should"
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		text = "GitHub took too long"
	case errors.As(err, new(issue.RateLimited)):
		text = "GitHub limits requests for a while"
	case hint != "":
		text = hint
	}
	c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("%s could not be found out: %s.", what, text))
}

// in reports whether a time is in the range looked at, and older whether it is before that.
func (c *changes) in(at api.Timestamp) (in, older bool) {
	older = at.Before(c.from.Truncate(time.Second)) // GitHub's times are whole seconds
	return !older && !at.After(c.to), older
}

// add adds a row for what somebody did.
func (c *changes) add(at api.Timestamp, user *api.User, address, text string) {
	if login := user.GetLogin(); login != "" {
		text += " by " + login
		if user.GetType() != "Bot" && !slices.Contains(c.found.People, login) {
			c.found.People = append(c.found.People, login)
		}
	}
	c.found.Timeline = append(c.found.Timeline, issue.Entry{Time: at.UTC(), Text: text, Source: "GitHub, " + c.name, URL: address})
}

func (c *changes) deployments(ctx context.Context, page int) (older bool, resp *api.Response, err error) {
	all, resp, err := c.reading.Repositories.ListDeployments(ctx, c.owner, c.short, &api.DeploymentsListOptions{
		ListOptions: api.ListOptions{PerPage: 100, Page: page},
	})
	for _, d := range all {
		in, before := c.in(d.GetCreatedAt())
		older = older || before
		if !in {
			continue
		}
		what := d.GetRef()
		if short := shortCommit(d.GetSHA()); short != "" && !strings.HasPrefix(d.GetSHA(), what) {
			what += " (" + short + ")"
		}
		c.add(d.GetCreatedAt(), d.Creator, c.home+"/commit/"+d.GetSHA(), "Deployment of "+what+" to "+d.GetEnvironment()+" was begun")
	}
	return older, resp, err
}

func (c *changes) releases(ctx context.Context, page int) (older bool, resp *api.Response, err error) {
	all, resp, err := c.reading.Repositories.ListReleases(ctx, c.owner, c.short, &api.ListOptions{PerPage: 100, Page: page})
	for _, r := range all {
		if r.GetDraft() || r.PublishedAt == nil {
			continue
		}
		in, before := c.in(r.GetPublishedAt())
		older = older || before && r.GetCreatedAt().Before(c.from)
		if in {
			c.add(r.GetPublishedAt(), r.Author, r.GetHTMLURL(), "Release "+r.GetTagName()+" was published")
		}
	}
	return older, resp, err
}

func (c *changes) merges(ctx context.Context, branch string, page int) (older bool, resp *api.Response, err error) {
	all, resp, err := c.reading.PullRequests.List(ctx, c.owner, c.short, &api.PullRequestListOptions{
		State: "closed", Base: branch, Sort: "updated", Direction: "desc", ListOptions: api.ListOptions{PerPage: 100, Page: page},
	})
	asked := 0
	for _, p := range all {
		_, before := c.in(p.GetUpdatedAt()) // a merge and all that follows update it
		older = older || before
		if in, _ := c.in(p.GetMergedAt()); !in || p.MergedAt == nil {
			continue
		}
		by := p.User // lists do not say who merged it
		text := fmt.Sprintf("Pull request %d (%s) was merged to %s, written", p.GetNumber(), p.GetTitle(), branch)
		if asked++; asked <= maxMerges {
			if whole, _, err := c.reading.PullRequests.Get(ctx, c.owner, c.short, p.GetNumber()); err == nil && whole.MergedBy != nil {
				by, text = whole.MergedBy, strings.TrimSuffix(text, ", written")
			}
		}
		c.add(p.GetMergedAt(), by, p.GetHTMLURL(), text)
	}
	return older, resp, err
}

// shortCommit returns a commit's abbreviated hash; empty if it is no hash.
func shortCommit(sha string) string {
	if len(sha) < 7 {
		return ""
	}
	return sha[:7]
}
