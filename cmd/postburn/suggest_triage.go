package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/compare"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
	"github.com/postburn/postburn/store"
)

// judged are the past incidents of an objective by what people made of their issues.
type judged struct {
	genuine   []alert.Incident // closed as completed
	noise     []alert.Incident // closed as not planned
	undecided int              // neither: open, closed as a duplicate, or without an issue
}

// judgedIn reads the past incidents of an objective from a store, which is given or
// $POSTBURN_STORE. It returns nil if none was given and there is none.
func judgedIn(ctx context.Context, s surroundings, given, objective string, span slo.Span) (*judged, error) {
	at, err := findStore(ctx, s, given)
	if err != nil {
		return nil, err
	}
	all, err := at.triaged(ctx, span.Start)
	var problem *store.Error
	if given == "" && errors.As(err, &problem) && problem.Problem == store.Missing {
		if set, ok := s.lookuper.Lookup(config.Prefix + "STORE"); ok && set != "" {
			fmt.Fprintf(s.stderr, "There is no store at %s, so nothing is known of what people made of past incidents.\n", at.name())
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	j := &judged{}
	for _, t := range all {
		of := compare.Of(objective, []alert.Incident{t.Incident})
		switch {
		case len(of) == 0 || !of[0].Onset().Before(span.End) || !of[0].IsOpen() && !of[0].Ended().After(span.Start):
		case t.Triage == issue.Completed:
			j.genuine = append(j.genuine, of...)
		case t.Triage == issue.Noise:
			j.noise = append(j.noise, of...)
		default:
			j.undecided++
		}
	}
	return j, nil
}

// decides reports whether there is anything to compare settings by.
func (j *judged) decides() bool { return j != nil && len(j.genuine)+len(j.noise) > 0 }

// kept returns how many of the real incidents a trial has as well.
func (j *judged) kept(t trial) int { return compare.Kept(j.genuine, t.Incidents, t.span.End) }

// dropped returns how much of the noise a trial would have avoided.
func (j *judged) dropped(t trial) int {
	return len(j.noise) - compare.Kept(j.noise, t.Incidents, t.span.End)
}

// best returns the trial that keeps the most real incidents, and of these the one that drops the
// most noise. Among equals it is the file's own, or the tightest; trials are ordered loosest first.
func (j *judged) best(trials []trial) (best int) {
	for n := range trials {
		a, b := trials[best], trials[n]
		switch kept, dropped := j.kept(b)-j.kept(a), j.dropped(b)-j.dropped(a); {
		case kept > 0, kept == 0 && dropped > 0, kept == 0 && dropped == 0 && !a.isNow:
			best = n
		}
	}
	return best
}

// verdict says what a trial would have kept and dropped.
func (j *judged) verdict(t trial) string {
	return fmt.Sprintf("keeps %d of %s and drops %d of %d that were noise",
		j.kept(t), humanize.Plural(len(j.genuine), "real incident"), j.dropped(t), len(j.noise))
}

// legend says what counts as real and as noise.
func (j *judged) legend() string {
	text := "Real: its issue was closed as completed; noise: closed as not planned."
	switch {
	case j.undecided == 1:
		text += " Nobody has decided on 1 incident yet."
	case j.undecided > 1:
		text += fmt.Sprintf(" Nobody has decided on %d incidents yet.", j.undecided)
	}
	return text
}
