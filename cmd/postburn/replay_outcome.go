package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// outcome is what one set of SLO files would have opened.
type outcome struct {
	engine.Replayed
	definitions []config.Definition
	corrections []alert.Correction
	span        slo.Span
	interval    time.Duration
}

// replayEach replays the same time with each set of definitions, one set after another.
func replayEach(
	ctx context.Context, source engine.Source, all [][]config.Definition, corrections []alert.Correction, span slo.Span, interval time.Duration,
	progress func(float64),
) (outcomes []outcome, err error) {
	for n, definitions := range all {
		defs := make([]alert.Definition, len(definitions))
		for i, d := range definitions {
			defs[i] = d.Alert()
		}
		part := func(share float64) { progress((float64(n) + share) / float64(len(all))) }
		found, err := engine.ReplayCorrected(ctx, source, defs, corrections, interval, span.Start, span.End, part)
		if err != nil {
			return nil, fmt.Errorf("replaying %s to %s: %w", span.Start.Format(time.RFC3339), span.End.Format(time.RFC3339), err)
		}
		outcomes = append(outcomes, outcome{found, definitions, corrections, span, interval})
	}
	return outcomes, nil
}

// settings returns how an objective's incidents are published.
func (o outcome) settings(name string) issue.Settings {
	for _, d := range o.definitions {
		if d.Objective.Name == name {
			return d.Issue
		}
	}
	return issue.Settings{}
}

// The forms of an issue: with the form of the analysis, or short.
const (
	postMortemForm = "post-mortem"
	recordForm     = "record"
	excludedForm   = "excluded" // whatever its form, it does not count
)

// form returns which form an incident's issue has.
func (o outcome) form(i alert.Incident) string {
	if len(excludedBy(o.corrections, []alert.Incident{i})) > 0 {
		return excludedForm
	}
	if postmortem.IsFull(issue.Facts{Incident: i, Settings: o.settings(i.Worst().Objective.Name)}) {
		return postMortemForm
	}
	return recordForm
}

// replayed is the JSON form of a replay, or of the comparison of two.
type replayed struct {
	Start      time.Time       `json:"start"`
	End        time.Time       `json:"end"`
	Step       string          `json:"step"`
	Objectives []web.Objective `json:"objectives"`
	Incidents  []web.Incident  `json:"incidents"`
	Storms     []storm         `json:"storms"`
	*compared
}

func printJSON(w io.Writer, now outcome, d *comparison) error {
	view := replayed{
		Start: now.span.Start, End: now.span.End, Step: model.Duration(now.interval).String(),
		Objectives: web.ViewObjectives(now.Statuses), Incidents: web.ViewIncidents(now.Incidents, excludedBy(now.corrections, now.Incidents)), Storms: stormsOf(now.Incidents),
	}
	if d != nil {
		view.compared = d.view()
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(view)
}
