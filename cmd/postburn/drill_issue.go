package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/drill"
	"github.com/postburn/postburn/issue/local"
	"github.com/postburn/postburn/slo"
)

// traffic returns the objective's usual events a minute: what the user says, or the mean of the
// last day. What is measured once a tick has its own.
func (c drillCommand) traffic(ctx context.Context, s surroundings, d config.Definition) (t drillTraffic, err error) {
	t.interval = drillInterval
	if c.Traffic != nil {
		if t.perMinute = *c.Traffic; !(t.perMinute > 0 && t.perMinute < 1e12) {
			return t, usageError{fmt.Errorf("--traffic %v: it must be above 0", t.perMinute)}
		}
		return t, nil
	}
	if d.Objective.Indicator.Bool != "" {
		t.perMinute = time.Minute.Seconds() / t.interval.Seconds()
		return t, nil
	}
	source, err := config.LoadSource(ctx, s.lookuper)
	if err != nil {
		return t, usageError{fmt.Errorf("%w\nor say how many events a minute there are usually, with --traffic", err)}
	}
	if problems := (config.Bounds{Sources: source.SourceNames()}).Check([]config.Definition{d}); len(problems) > 0 {
		return t, usageError{errors.New(problems[0].String())}
	}
	sources, err := daemon.OpenSources(source.Servers(), nil, nil)
	if err != nil {
		return t, usageError{err}
	}
	defer sources.Close()
	t.interval = source.Interval
	now := time.Now().Add(-source.Delay).Truncate(time.Millisecond) // a Prometheus that was just started may have no older data
	ticks := slo.Ticks{First: now.Add(lookback - trafficOver), Last: now, Interval: lookback}
	perTick := lookback
	if d.Objective.Indicator.Sampled != nil { // its events are those of a tick
		perTick = source.Interval
	}
	r := sources.Read(ctx, []slo.Objective{d.Objective}, ticks)[0]
	if r.Err != nil {
		return t, fmt.Errorf("reading the traffic of %s: %w", d.Objective.Name, r.Err)
	}
	for _, series := range r.Series {
		mean, ok := meanRate(series)
		if rate := mean * lookback.Seconds() / perTick.Minutes(); ok && rate > t.perMinute {
			t.perMinute, t.labels = rate, series.Labels
		}
	}
	if t.perMinute == 0 {
		return t, fmt.Errorf("%s had no events in the last day: say how many there are a minute with --traffic", d.Objective.Name)
	}
	return t, nil
}

// openDrill opens the issue of a drill, unless there is one of the day. If nobody knows whether it
// was opened, running the command again finds out.
func openDrill(ctx context.Context, s surroundings, d config.Definition, day time.Time, text issue.Text) error {
	tracker, err := drillTracker(ctx, s)
	if err != nil {
		return err
	}
	post := issue.Post{Key: drill.Key(d.Objective.Name, day), Repository: d.Issue.Repository, Text: text, Labels: []string{issue.DrillLabel}}
	if name := d.Objective.Service; name != "" {
		post.Labels = append(post.Labels, issue.ServiceLabel+name)
	}
	made, there, err := openOnce(ctx, tracker, post, day)
	switch {
	case err != nil:
		return err
	case there:
		_, err = fmt.Fprintf(s.stdout, "There is one today: %s\n", made.Ref.URL)
	default:
		_, err = fmt.Fprintf(s.stdout, "%s\nWhen you have filled it in: postburn lint %s\n", made.Ref.URL, made.Ref.URL)
	}
	return err
}

// openOnce writes an issue or a comment, unless it is there. If nobody knows whether it was
// written, running the command again finds out.
func openOnce(ctx context.Context, tracker issue.Tracker, post issue.Post, day time.Time) (found issue.Found, there bool, err error) {
	since := day.Add(-48 * time.Hour) // clocks and days differ
	found, err = findDrill(ctx, tracker, post, since)
	if err != nil {
		return found, false, fmt.Errorf("looking for what was written before: %w", err)
	}
	if found.Ref != (issue.Ref{}) {
		return found, true, nil
	}
	if err := tracker.Prepare(ctx, post); err != nil {
		return found, false, err
	}
	made, err := tracker.Create(ctx, post)
	if err == nil || errors.Is(err, issue.ErrRefused) || errors.As(err, new(issue.RateLimited)) {
		return made, false, err
	}
	found, lookErr := findDrill(ctx, tracker, post, since)
	if lookErr == nil && found.Ref != (issue.Ref{}) {
		return found, false, nil
	}
	return found, false, fmt.Errorf("it is not known whether it was written; run the command again in two minutes, it looks first: %w", err)
}

// findDrill looks for the issue of a drill; the zero Found if there is none.
func findDrill(ctx context.Context, tracker issue.Tracker, post issue.Post, since time.Time) (issue.Found, error) {
	all, err := tracker.Find(ctx, post, since)
	for _, found := range all {
		if found.Key == post.Key {
			return found, err
		}
	}
	return issue.Found{}, err
}

// drillTracker is the tracker that the daemon uses.
func drillTracker(ctx context.Context, s surroundings) (issue.Tracker, error) {
	settings, isGitHub, err := config.LoadGitHub(ctx, s.lookuper)
	if err != nil {
		return nil, usageError{err}
	}
	if isGitHub {
		tracker, err := daemon.GitHub(settings, nil, nil)
		if err != nil {
			return nil, usageError{err}
		}
		return tracker, nil
	}
	dir, _ := s.lookuper.Lookup(config.Prefix + "LOCAL_DIR")
	if dir == "" {
		dir = "postmortems"
	}
	return local.New(dir, nil)
}
