package publish

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// texts writes the texts of publications.
type texts struct {
	Options
	evidence *fetcher
	metrics  *metrics
	failures *failures
}

// of renders a write's text. If a user's template fails, it returns the built-in text, and the log,
// the metrics and the incident's page say why.
func (t *texts) of(ctx context.Context, j *job, w *issue.Write) (issue.Text, error) {
	if j.pub.Kind == issue.Report {
		text, _, err := t.Reports.Write(ctx, j.onset(), j.pub.Repository)
		return text, err
	}
	stage := w.Stage
	facts, err := t.facts(ctx, j, w)
	if err != nil {
		return issue.Text{}, err
	}
	text, err := t.Render(facts, stage)
	if err != nil && text == (issue.Text{}) {
		return issue.Text{}, fmt.Errorf("rendering the %s text: %w", stage, err)
	}
	if stage == issue.Opening {
		t.refused(j, w, err)
	}
	return text, nil
}

// refused notes why the objective's template was not used; nil: it was, or there is none.
func (t *texts) refused(j *job, w *issue.Write, err error) {
	if w.NoteRefusal(err); err != nil {
		t.metrics.refused.Inc()
	}
	if t.failures.isNews(j.pub.Key, rendering, err) {
		t.Logger.Warn("the template of an objective was refused; the built-in text is published", "incident", j.pub.Key, "err", err)
	}
}

// facts returns all that is known about a publication's incidents. Only an incident's body mentions
// other incidents and evidence.
func (t *texts) facts(ctx context.Context, j *job, w *issue.Write) (f issue.Facts, err error) {
	stage := w.Stage
	if j.pub.Kind == issue.Single {
		f, err = t.incidentFacts(ctx, j, stage)
	} else {
		f = t.manyFacts(j)
	}
	if err != nil {
		return issue.Facts{}, err
	}
	o := j.pub.Opening()
	f.Interval, f.Edited, f.Original = t.Interval, o.Edited, o.Ref.URL
	f.Hints, f.Now = j.hints, time.Now()
	d := t.draft(j)
	f.FollowUps = d.followUps(w, f.Now)
	if stage == issue.Opening {
		_, f.Mention = d.owners()
	}
	if stage == issue.Opening || (o.Edited && stage == issue.Recovery) {
		f.Dropped = j.pub.Labels.Dropped
	}
	return f, nil
}

func (t *texts) manyFacts(j *job) issue.Facts {
	f := issue.Facts{Kind: j.pub.Kind, Pages: map[string]string{}}
	f.Incidents = slices.SortedStableFunc(slices.Values(j.incidents), func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) })
	for _, i := range f.Incidents {
		f.Pages[i.ID] = t.pageOf(i.ID)
		if at := issue.AsOf(i); at.After(f.AsOf) {
			f.AsOf = at
		}
	}
	return f
}

func (t *texts) incidentFacts(ctx context.Context, j *job, stage issue.Stage) (issue.Facts, error) {
	i := j.incidents[0]
	worst := issue.Headline(i)
	var others []alert.Incident
	if stage == issue.Opening || len(issue.Budgets(i)) > 0 {
		since := i.Onset().Add(-max(issue.Remembered, issue.LongestBudget(i)))
		var err error
		if others, err = t.Store.Incidents(ctx, since); err != nil {
			return issue.Facts{}, fmt.Errorf("reading other incidents: %w", err)
		}
	}
	f, err := issue.NewFacts(i, others, func(id string) (issue.Publication, error) {
		pub, _, err := t.Store.Publication(ctx, id)
		if err != nil {
			return issue.Publication{}, fmt.Errorf("reading the publication of incident %s: %w", id, err)
		}
		return pub, nil
	})
	if err != nil {
		return issue.Facts{}, err
	}
	if t.Settings != nil {
		f.Settings = t.Settings(worst.Objective.Name)
	}
	f.URL = t.pageOf(i.ID)
	if stage == issue.Opening {
		e, err := t.evidence.of(ctx, j, i)
		if err != nil {
			return issue.Facts{}, err
		}
		f.Add(e)
		f.AddQueries(t.Queries)
	}
	return f, nil
}

// pageOf returns the address of an incident's page; empty if the daemon has no external URL.
func (t *texts) pageOf(id string) string {
	if t.ExternalURL == "" {
		return ""
	}
	return strings.TrimSuffix(t.ExternalURL, "/") + "/incidents/" + url.PathEscape(id)
}
