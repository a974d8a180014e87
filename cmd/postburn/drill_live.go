package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/drill"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

const (
	// liveGrace is how long after its end an exercise is reported: postburn knows the last minutes
	// later, and a breach a little after that.
	liveGrace = 2 * time.Minute
	// liveEarly is how far before the start a breach may begin: ticks are not cut at the start.
	liveEarly = time.Minute
	// maxLive is the longest exercise.
	maxLive = 24 * time.Hour

	maxAnswer = 64 << 20 // bytes of the daemon's answer
)

// live watches while a team breaks something on purpose, and reports what the daemon noticed. Run
// again with the same start, it goes on with the same exercise, and does nothing twice.
func (c drillCommand) live(ctx context.Context, s surroundings) error {
	length := time.Duration(c.Live)
	if length < time.Minute || length > maxLive {
		return usageError{fmt.Errorf("--live %s: an exercise is 1m to 1d long", c.Live)}
	}
	d, err := c.daemon(s)
	if err != nil {
		return usageError{err}
	}
	e := drill.Exercise{Start: c.From.UTC().Truncate(time.Minute)}
	if c.From.IsZero() {
		e.Start = time.Now().UTC().Truncate(time.Minute)
	}
	e.End = e.Start.Add(length)
	if e.Objectives, err = d.objectives(ctx); err != nil {
		return err
	}
	var tracker issue.Tracker
	var opened issue.Found
	if c.Issue {
		if tracker, err = drillTracker(ctx, s); err != nil {
			return err
		}
		form, err := postmortem.Form()
		if err != nil {
			return err
		}
		post := issue.Post{Key: drill.LiveKey(e.Start), Text: e.Opening(form), Labels: []string{issue.DrillLabel}}
		if opened, _, err = openOnce(ctx, tracker, post, e.Start); err != nil {
			return err
		}
		fmt.Fprintf(s.stderr, "%s\n", opened.Ref.URL)
	}
	if err := c.wait(ctx, s, e); err != nil {
		return err
	}
	incidents, err := d.incidents(ctx, e)
	if err != nil {
		return err
	}
	e.Seen = sightings(e, incidents)
	if !c.Issue {
		_, err := io.WriteString(s.stdout, e.Report().Body)
		return err
	}
	return closeExercise(ctx, s, tracker, opened, e, incidents)
}

// wait waits until the end can be reported. If it is stopped before, it says how to go on.
func (c drillCommand) wait(ctx context.Context, s surroundings, e drill.Exercise) error {
	left := time.Until(e.End.Add(liveGrace))
	if left <= 0 {
		return nil
	}
	fmt.Fprintf(s.stderr, "Break it now. The report comes at %s UTC.\n", e.End.Add(liveGrace).Format("15:04"))
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped before the end: go on with --live %s --from %s", c.Live, e.Start.Format(time.RFC3339))
	}
}

// closeExercise comments on the exercise's issue, and labels the issues that opened meanwhile.
func closeExercise(ctx context.Context, s surroundings, tracker issue.Tracker, opened issue.Found, e drill.Exercise, incidents []web.Incident) error {
	post := issue.Post{Key: drill.LiveKey(e.Start) + "/report", Parent: &opened, Text: e.Report()}
	_, there, err := openOnce(ctx, tracker, post, e.Start)
	if err != nil {
		return err
	}
	if there {
		fmt.Fprintln(s.stderr, "The report is there already.")
	}
	var problems []error
	for _, i := range incidents {
		if i.IssueURL == nil || !isOf(e, i.Onset) {
			continue
		}
		_, ref, err := parseIssue(*i.IssueURL)
		if err != nil {
			continue // a file has no labels
		}
		if err := tracker.Change(ctx, issue.Found{Ref: ref}, issue.Change{Add: []string{issue.DrillLabel, issue.ExcludeLabel}}); err != nil {
			problems = append(problems, fmt.Errorf("labelling %s: %w", *i.IssueURL, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.stdout, opened.Ref.URL)
	return err
}

// isOf reports whether something that began at a time belongs to an exercise.
func isOf(e drill.Exercise, onset time.Time) bool {
	return !onset.Before(e.Start.Add(-liveEarly)) && onset.Before(e.End)
}

// sightings returns the breaches that began in an exercise.
func sightings(e drill.Exercise, incidents []web.Incident) (all []drill.Sighting) {
	for _, i := range incidents {
		link := postmortem.Code(i.ID)
		if i.IssueURL != nil {
			link = postmortem.Link("issue "+(*i.IssueURL)[strings.LastIndex(*i.IssueURL, "/")+1:], *i.IssueURL)
		}
		for _, w := range i.Windows {
			if !isOf(e, w.Onset) {
				continue
			}
			all = append(all, drill.Sighting{Objective: objectiveName(w.SLO, w.Labels), What: whatOf(w), Onset: w.Onset, Detected: w.Detected, Incident: link})
		}
	}
	return all
}

func whatOf(w web.Window) string {
	switch {
	case w.Kind == alert.Blindness:
		return "no data"
	case w.Kind == alert.Quietness:
		return "far less traffic than usual"
	case w.Kind == alert.Budget:
		return "the budget is overspent"
	case w.Rule != nil:
		return fmt.Sprintf("a burn rate above %s over %s and %s", w.Rule.Rate, w.Rule.Long, w.Rule.Short)
	}
	return postmortem.Escape(string(w.Kind))
}

func objectiveName(name string, labels map[string]string) string {
	return postmortem.Code(slo.ID{SLO: name, Labels: slo.NewLabels(labels)}.String())
}

// runningDaemon is the daemon that watches, by its API.
type runningDaemon struct {
	address string
	client  *http.Client
}

// daemon finds the daemon that watches.
func (c drillCommand) daemon(s surroundings) (d runningDaemon, err error) {
	address := c.Postburn
	if address == "" {
		address, _ = s.lookuper.Lookup(config.Prefix + "EXTERNAL_URL")
	}
	if address == "" {
		return d, fmt.Errorf("--postburn is missing: give the address of the daemon's pages, such as http://localhost:9847, or set %sEXTERNAL_URL", config.Prefix)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return d, errors.New("--postburn must be an address such as http://localhost:9847")
	}
	return runningDaemon{strings.TrimRight(address, "/"), &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}}, nil
}

// objectives returns the names of the objectives that the daemon watches.
func (d runningDaemon) objectives(ctx context.Context) (names []string, err error) {
	var answer struct {
		SLOs []web.Objective `json:"slos"`
	}
	if err := d.get(ctx, "/api/v1/slos", &answer); err != nil {
		return nil, fmt.Errorf("asking the daemon what it watches: %w", err)
	}
	for _, o := range answer.SLOs {
		names = append(names, objectiveName(o.SLO, o.Labels))
	}
	if len(names) == 0 {
		return nil, errors.New("the daemon watches no objectives")
	}
	return names, nil
}

// incidents returns the incidents of the time of an exercise.
func (d runningDaemon) incidents(ctx context.Context, e drill.Exercise) ([]web.Incident, error) {
	var answer struct {
		Incidents []web.Incident `json:"incidents"`
	}
	query := url.Values{"start": {e.Start.Format(time.RFC3339)}, "end": {e.End.Format(time.RFC3339)}, "limit": {"1000"}}
	if err := d.get(ctx, "/api/v1/incidents?"+query.Encode(), &answer); err != nil {
		return nil, fmt.Errorf("asking the daemon for incidents: %w", err)
	}
	return answer.Incidents, nil
}

func (d runningDaemon) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.address+path, nil)
	if err != nil {
		return errors.New("the address can't be used")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the address, which may hold a password
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("its answer is not postburn's: %w", err)
	}
	return nil
}
