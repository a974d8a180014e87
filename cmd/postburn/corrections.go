package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// correctionsFile is what --corrections reads, as YAML or JSON: stretches that somebody wrote down,
// or what a daemon's API answers for /api/v1/incidents.
type correctionsFile struct {
	Corrections []correctionEntry  `yaml:"corrections"`
	Incidents   []excludedIncident `yaml:"incidents"`
}

// correctionEntry is a stretch to leave out of a budget. Without labels it is left out for each
// label set.
type correctionEntry struct {
	SLO    string            `yaml:"slo"`
	Labels map[string]string `yaml:"labels"`
	From   string            `yaml:"from"`
	To     string            `yaml:"to"`
	Reason string            `yaml:"reason"`
}

// excludedIncident holds the fields of a web.Incident that corrections need.
type excludedIncident struct {
	ID       string `yaml:"id"`
	Excluded *struct {
		By     string `yaml:"by"`
		At     string `yaml:"at"`
		Reason string `yaml:"reason"`
	} `yaml:"excluded"`
	Windows []struct {
		SLO    string            `yaml:"slo"`
		Labels map[string]string `yaml:"labels"`
		Kind   alert.Kind        `yaml:"kind"`
		Onset  string            `yaml:"onset"`
		Ended  string            `yaml:"ended"`
	} `yaml:"windows"`
}

// loadCorrections reads a file of corrections. Its error lists all that is wrong with the file.
func loadCorrections(path string) ([]alert.Correction, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading corrections: %w", err)
	}
	var file correctionsFile
	if err := yaml.Load(content, &file); err != nil {
		return nil, fmt.Errorf("reading corrections from %s: %w", path, err)
	}
	if file.Incidents == nil { // somebody wrote it, and may have misspelt a key
		if err := yaml.Load(content, &file, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("reading corrections from %s: %w", path, err)
		}
		if len(file.Corrections) == 0 {
			return nil, fmt.Errorf("reading corrections from %s: it must have `corrections:`, a list of {slo, labels, from, to, reason}, "+
				"or be what a daemon answers for /api/v1/incidents", path)
		}
	}
	var all []alert.Correction
	var wrong []error
	for n, e := range file.Corrections {
		c, err := e.correction()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: correction %d: %w", path, n+1, err))
		}
		all = append(all, c)
	}
	for _, i := range file.Incidents {
		more, err := i.corrections()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: incident %s: %w", path, i.ID, err))
		}
		all = append(all, more...)
	}
	return all, errors.Join(wrong...)
}

func (e correctionEntry) correction() (c alert.Correction, err error) {
	c = alert.Correction{ID: slo.ID{SLO: e.SLO, Labels: slo.NewLabels(e.Labels)}, AllLabels: e.Labels == nil, Reason: e.Reason}
	if c.SLO == "" {
		return c, errors.New("`slo` must be the name of an objective")
	}
	if c.Start, err = timeIn(e.From); err != nil {
		return c, fmt.Errorf("`from`: %w", err)
	}
	if c.End, err = timeIn(e.To); err != nil {
		return c, fmt.Errorf("`to`: %w", err)
	}
	if !c.Start.Before(c.End) {
		return c, fmt.Errorf("`from` must be before `to`, and %s is not before %s", e.From, e.To)
	}
	return c, nil
}

// corrections returns what the exclusion of an incident takes out of budgets; nothing if it counts.
func (e excludedIncident) corrections() (all []alert.Correction, err error) {
	if e.Excluded == nil {
		return nil, nil
	}
	x := issue.Exclusion{By: e.Excluded.By, Reason: e.Excluded.Reason}
	if e.Excluded.At != "" {
		if x.At, err = timeIn(e.Excluded.At); err != nil {
			return nil, fmt.Errorf("`at`: %w", err)
		}
	}
	i := alert.Incident{ID: e.ID}
	for _, v := range e.Windows {
		w := alert.Window{Objective: slo.Objective{Name: v.SLO}, Labels: slo.NewLabels(v.Labels), Kind: v.Kind}
		if w.Onset, err = timeIn(v.Onset); err != nil {
			return nil, fmt.Errorf("`onset`: %w", err)
		}
		w.Detected = w.Onset
		if v.Ended != "" {
			if w.Ended, err = timeIn(v.Ended); err != nil {
				return nil, fmt.Errorf("`ended`: %w", err)
			}
		}
		i.Windows = append(i.Windows, w)
	}
	all = x.Corrections(i)
	for n := range all {
		all[n].Events = slo.Counts{} // a replay counts them itself
	}
	return all, nil
}

// timeIn reads a time in a file. Without a zone it is UTC.
func timeIn(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("a time like 2026-11-28T14:00:00Z or 2026-11-28 14:00, not %.50q", text)
}

// excludedBy returns the incidents that corrections are about, with who says so and why.
func excludedBy(corrections []alert.Correction, incidents []alert.Incident) map[string]issue.Summary {
	found := map[string]issue.Summary{}
	for _, i := range incidents {
		for _, w := range i.Windows {
			n := slices.IndexFunc(corrections, func(c alert.Correction) bool { return c.Covers(w) })
			if n >= 0 && found[i.ID].Excluded == nil {
				c := corrections[n]
				found[i.ID] = issue.Summary{Excluded: &issue.Exclusion{By: c.By, At: c.At, Reason: c.Reason}}
			}
		}
	}
	return found
}
