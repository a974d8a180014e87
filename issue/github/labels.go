package github

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// GitHub's limits of what one issue has.
const (
	maxLabels    = 100
	maxAssignees = 10
)

// style is how a label is made where it is missing. Labels of other names are the users', and GitHub makes them.
type style struct{ prefix, color, description string }

func styleOf(label string) (style, bool) {
	for _, s := range []style{
		{issue.ServiceLabel, "c5def5", "The service whose objective missed its target"},
		{issue.SeverityLabel, "d93f0b", "How bad the incident is, 1 being the worst"},
		{issue.StatusLabel, "fbca04", "Whether the incident goes on, as far as postburn knows"},
	} {
		if strings.HasPrefix(label, s.prefix) {
			return s, true
		}
	}
	return style{color: "5319e7", description: "Post-mortem opened by postburn"}, label == issue.OwnLabel
}

// fitLabels are labels as GitHub takes them. Names that differ in case only are one label there.
func fitLabels(all []string) []string {
	labels := []string{}
	seen := map[string]bool{}
	for _, name := range all {
		name = fitLabel(name)
		if key := strings.ToLower(name); name != "" && !seen[key] && len(labels) < maxLabels {
			seen[key] = true
			labels = append(labels, name)
		}
	}
	return labels
}

// Prepare makes the labels of an issue that is to be created, as far as they are postburn's own.
func (t *Tracker) Prepare(ctx context.Context, p issue.Post) error {
	repo, err := t.lookUp(ctx, t.repositoryFor(p))
	if err != nil {
		return limit(err) // else the issue's creation will tell
	}
	return t.makeLabels(within(ctx, repo), repo, fitLabels(p.Labels))
}

// limit is the error where it is that of a rate limit.
func limit(err error) error {
	if errors.As(err, new(issue.RateLimited)) {
		return err
	}
	return nil
}

// makeLabels makes postburn's own labels with a colour and a description, where they are missing. Only a rate limit is an error: without
// them the issue is still whole.
func (t *Tracker) makeLabels(ctx context.Context, repo repository, labels []string) error {
	for _, name := range labels {
		s, own := styleOf(name)
		if !own || t.said(t.labels, repo, name) {
			continue
		}
		err := t.makeLabel(ctx, repo, name, s)
		if ctx.Err() != nil || limit(err) != nil {
			t.mu.Lock()
			delete(t.labels, sayKey(repo, name))
			t.mu.Unlock()
		}
		if err := limit(err); err != nil {
			return err
		}
		if err != nil {
			t.logger.Debug("a label was not made", "repository", repo.name(), "label", name, "err", err)
		}
	}
	return nil
}

func (t *Tracker) makeLabel(ctx context.Context, repo repository, name string, s style) error {
	_, resp, err := t.client.Issues.GetLabel(ctx, repo.owner, repo.short, url.PathEscape(name))
	if err == nil {
		return nil
	}
	if resp == nil || resp.StatusCode != http.StatusNotFound {
		return t.failure("looking for the label "+name, repo.name(), resp, err)
	}
	done, err := t.turn.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, resp, err = t.client.Issues.CreateLabel(ctx, repo.owner, repo.short, &api.Label{Name: &name, Color: &s.color, Description: &s.description})
	return t.failure("making the label "+name, repo.name(), resp, err)
}

func sayKey(repo repository, name string) string { return repo.name() + " " + strings.ToLower(name) }

// said notes a name in a set, and reports whether it was there.
func (t *Tracker) said(set map[string]bool, repo repository, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := sayKey(repo, name)
	was := set[key]
	set[key] = true
	return was
}

// dropped returns those of a post's labels and assignees that an issue does not have, as they were asked for.
func dropped(p issue.Post, made *api.Issue) (all []string) {
	has := map[string]bool{}
	for _, l := range made.Labels {
		has[strings.ToLower(l.GetName())] = true
	}
	for _, name := range p.Labels {
		if !has[strings.ToLower(fitLabel(name))] {
			all = append(all, name)
		}
	}
	for _, a := range made.Assignees {
		has["@"+strings.ToLower(a.GetLogin())] = true
	}
	for _, a := range p.Assignees {
		if !has["@"+strings.ToLower(a)] {
			all = append(all, "@"+a)
		}
	}
	return all
}

// compare returns what GitHub left out of an issue without a word, and logs each of it once.
func (t *Tracker) compare(repo repository, made *api.Issue, p issue.Post) []string {
	all := dropped(p, made)
	for _, name := range all {
		if !t.said(t.dropped, repo, name) {
			t.logger.Warn("GitHub left out a label or an assignee: the token needs push access, and an assignee access to the repository",
				"repository", repo.name(), "left_out", name, "url", made.GetHTMLURL())
		}
	}
	return all
}
