package issue

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
)

// text renders a stage. Where a user's template is bad, the built-in text is taken and the template's error logged.
func (p *Publisher) text(ctx context.Context, j *job, stage Stage) (Text, error) {
	facts, err := p.facts(ctx, j)
	if err != nil {
		return Text{}, err
	}
	text, err := p.Render(facts, stage)
	if err != nil && text == (Text{}) {
		return Text{}, fmt.Errorf("rendering the %s text: %w", stage, err)
	}
	if err != nil {
		p.report(j.pub.Key+" template", err)
	}
	return text, nil
}

// facts are all that is known about an incident.
func (p *Publisher) facts(ctx context.Context, j *job) (Facts, error) {
	f := Facts{Incident: j.incident, AsOf: asOf(j.incident), Interval: p.Interval, Edited: j.opening().Edited}
	if p.ExternalURL != "" {
		f.URL = strings.TrimSuffix(p.ExternalURL, "/") + "/incidents/" + url.PathEscape(j.incident.ID)
	}
	if w := j.incident.Worst(); w.Kind == alert.Budget {
		spenders, err := p.spenders(ctx, j.incident, w)
		if err != nil {
			return Facts{}, err
		}
		f.SpentBy = spenders
	}
	return f, nil
}

// asOf is the end of the last tick that is in the numbers: those of an open breach go to where it was last getting worse.
func asOf(i alert.Incident) time.Time {
	if !i.IsOpen() {
		return i.Ended()
	}
	var latest time.Time
	for _, w := range i.Windows {
		times := []time.Time{w.Detected, w.Ended}
		if n := len(w.Phases); n > 0 {
			times = append(times, w.Phases[n-1].End)
		}
		for _, t := range times {
			if t.After(latest) {
				latest = t
			}
		}
	}
	return latest
}

// spenders are the incidents that spent the budget of an objective which missed its target over its whole window.
func (p *Publisher) spenders(ctx context.Context, i alert.Incident, w alert.Window) ([]Spender, error) {
	incidents, err := p.Store.Incidents(ctx, w.Onset.Add(-w.Objective.Window.Length()))
	if err != nil {
		return nil, fmt.Errorf("reading the incidents that spent the budget: %w", err)
	}
	var spenders []Spender
	for _, other := range incidents {
		s := Spender{ID: other.ID, Onset: other.Onset()}
		for _, v := range other.Windows {
			if v.Kind == alert.Burn && v.ID() == w.ID() && v.Onset.Before(asOf(i)) {
				s.Bad += v.Bad
			}
		}
		if s.Bad == 0 || other.ID == i.ID {
			continue
		}
		pub, ok, err := p.Store.Publication(ctx, other.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the publication of incident %s: %w", other.ID, err)
		}
		if ok && len(pub.Writes) > 0 {
			s.URL = pub.Writes[0].Ref.URL
		}
		spenders = append(spenders, s)
	}
	slices.SortFunc(spenders, func(a, b Spender) int { return a.Onset.Compare(b.Onset) })
	return spenders, nil
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
