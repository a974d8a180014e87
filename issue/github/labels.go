package github

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// GitHub's limits for one issue.
// https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue
const (
	maxLabels    = 100 // as GitHub refuses more: "Issues cannot have more than 100 labels"
	maxAssignees = 10
)

// style is the look of a label that postburn creates. Labels with other names are the users';
// GitHub creates them.
type style struct{ prefix, color, description string }

func styleOf(label string) (style, bool) {
	if label == issue.FollowUpLabel {
		return style{color: "0e8a16", description: "On a post-mortem: make its follow-ups issues. On these: what they are"}, true
	}
	for _, s := range []style{
		{issue.ServiceLabel, "c5def5", "The service whose objective missed its target"},
		{issue.SeverityLabel, "d93f0b", "How bad the incident is, 1 being the worst"},
		{issue.StatusLabel, "fbca04", "Whether the incident goes on, as far as postburn knows"},
		{issue.ExcludeLabel, "d4c5f9", "Counts in no error budget, report or trend; a comment 'postburn: ...' says why"},
	} {
		if strings.HasPrefix(label, s.prefix) {
			return s, true
		}
	}
	return style{color: "5319e7", description: "Post-mortem opened by postburn"}, label == issue.OwnLabel
}

// fitLabels returns labels that are valid at GitHub. Names that differ only in case are one label
// there.
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

// limit returns the error if it is a rate limit, else nil.
func limit(err error) error {
	if errors.As(err, new(issue.RateLimited)) {
		return err
	}
	return nil
}

// labels makes postburn's own labels.
type labels struct {
	*connection
	logger *slog.Logger
	made   once
}

// make creates missing labels of postburn's own, with a colour and a description. Only a rate
// limit is an error: the issue does not need them.
func (l *labels) make(ctx context.Context, repo repository, labels []string) error {
	for _, name := range labels {
		s, own := styleOf(name)
		if !own || !l.made.first(repo, name) {
			continue
		}
		err := l.makeOne(ctx, repo, name, s)
		if ctx.Err() != nil || limit(err) != nil {
			l.made.again(repo, name)
		}
		if err := limit(err); err != nil {
			return err
		}
		if err != nil {
			l.logger.Debug("a label was not made", "repository", repo.name(), "label", name, "err", err)
		}
	}
	return nil
}

func (l *labels) makeOne(ctx context.Context, repo repository, name string, s style) error {
	_, resp, err := l.client.Issues.GetLabel(ctx, repo.owner, repo.short, url.PathEscape(name))
	if err == nil {
		return nil
	}
	if resp == nil || resp.StatusCode != http.StatusNotFound {
		return l.failure("looking for the label "+name, repo.name(), resp, err)
	}
	resp, err = l.write(ctx, repo, func() (*api.Response, error) { return l.createLabel(ctx, repo, name, s) })
	return l.failure("making the label "+name, repo.name(), resp, err)
}

// createLabel asks for a new label. https://docs.github.com/en/rest/issues/labels#create-a-label
func (c *connection) createLabel(ctx context.Context, repo repository, name string, s style) (*api.Response, error) {
	_, resp, err := c.client.Issues.CreateLabel(ctx, repo.owner, repo.short, &api.Label{Name: &name, Color: &s.color, Description: &s.description})
	return resp, err
}
