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

// ownLabel is on every issue of postburn's.
const ownLabel = "postburn"

// style is how a label is made where it is missing. Labels of other names are the users', and GitHub makes them.
type style struct{ prefix, color, description string }

func styleOf(label string) (style, bool) {
	for _, s := range []style{
		{"service:", "c5def5", "The service whose objective missed its target"},
		{"severity:", "d93f0b", "How much of the error budget the incident spent"},
		{"status:", "fbca04", "Whether the incident goes on, as far as postburn knows"},
	} {
		if strings.HasPrefix(label, s.prefix) {
			return s, true
		}
	}
	return style{color: "5319e7", description: "Post-mortem opened by postburn"}, label == ownLabel
}

// labelsOf are a post's labels as GitHub takes them. Names that differ in case only are one label there.
func labelsOf(p issue.Post) []string {
	var labels []string
	seen := map[string]bool{}
	for _, name := range append([]string{ownLabel}, p.Labels...) {
		name = fitLabel(name)
		if key := strings.ToLower(name); name != "" && !seen[key] && len(labels) < maxLabels {
			seen[key] = true
			labels = append(labels, name)
		}
	}
	return labels
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
		if errors.As(err, new(issue.RateLimited)) {
			t.mu.Lock()
			delete(t.labels, sayKey(repo, name))
			t.mu.Unlock()
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

// compare returns what GitHub left out of an issue without a word, and logs each of it once.
func (t *Tracker) compare(repo repository, made *api.Issue, labels, assignees []string) []string {
	has := map[string]bool{}
	for _, l := range made.Labels {
		has[strings.ToLower(l.GetName())] = true
	}
	for _, a := range made.Assignees {
		has["@"+strings.ToLower(a.GetLogin())] = true
	}
	wanted := labels
	for _, a := range assignees {
		wanted = append(wanted[:len(wanted):len(wanted)], "@"+a)
	}
	var dropped []string
	for _, name := range wanted {
		if has[strings.ToLower(name)] {
			continue
		}
		dropped = append(dropped, name)
		if !t.said(t.dropped, repo, name) {
			t.logger.Warn("GitHub left out a label or an assignee: the token needs push access, and an assignee access to the repository",
				"repository", repo.name(), "left_out", name, "url", made.GetHTMLURL())
		}
	}
	return dropped
}
