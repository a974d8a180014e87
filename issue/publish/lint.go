package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postburn/postburn/issue"
)

// planLint plans the comment with what a post-mortem lacks, once its issue is closed and its
// incidents are over.
func (t *triage) planLint(ctx context.Context, pub *issue.Publication) (planned bool, err error) {
	if !pub.ToLint {
		return false, nil
	}
	var ids []string
	for _, part := range pub.Parts {
		ids = append(ids, part.Incident)
	}
	all, err := t.Store.IncidentsByID(ctx, ids)
	if err != nil {
		return false, fmt.Errorf("reading the incidents of %s: %w", pub.Key, err)
	}
	if incidents(all).open() {
		return false, nil
	}
	pub.WantLint()
	return true, nil
}

// lint finds out what a post-mortem lacks. ready is false if there is nothing to say, or nobody
// wants to hear it: the issue is open again, or has the label post-mortem:skip, for example.
func (wr *writer) lint(ctx context.Context, j *job) (ready bool, err error) {
	at, ok, err := wr.find(ctx, j, j.pub.Opening())
	if err != nil || !ok {
		return err == nil, err // if the issue is gone, sending the text will tell
	}
	skipped := slices.ContainsFunc(at.Labels, func(l string) bool {
		return strings.EqualFold(l, issue.SkipLabel) || strings.EqualFold(l, issue.ExcludeLabel)
	})
	if wr.Lint == nil || skipped || at.Triage() != issue.Completed || !wr.Settings(j.worst().Objective.Name).Lint {
		return false, nil
	}
	final, err := wr.texts.of(ctx, j, &issue.Write{Stage: issue.Recovery})
	if err != nil {
		return false, err
	}
	j.hints = wr.Lint(at.Text.Body, final.Body)
	return len(j.hints) > 0, nil
}
