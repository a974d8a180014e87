package daemon

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
)

// RecordReader reads what reports are made of, as of one time: objectives' days and incidents, by
// onset, from start on and before end; and what is learned of incidents that are published, by ID.
type RecordReader interface {
	Recorded(ctx context.Context, start, end time.Time) ([]alert.Days, []alert.Incident, map[string]issue.Learned, error)
}

// ReadReport reads what is known of a period and the one before, at a time.
func ReadReport(ctx context.Context, from RecordReader, p report.Period, now time.Time) (in report.Input, err error) {
	in = report.Input{Period: p, AsOf: now}
	in.Days, in.Incidents, in.Learned, err = from.Recorded(ctx, p.Before().Start, p.End)
	return in, err
}

// reports reads and writes reports.
type reports struct {
	database RecordReader
	files    *reloader
}

// read reads what is known of a period and the one before.
func (r reports) read(ctx context.Context, p report.Period, now time.Time) (report.Input, error) {
	return ReadReport(ctx, r.database, p, now)
}

// write writes the report on a month for a repository's issue. It is about the objectives that want
// it there.
func (r reports) write(ctx context.Context, month time.Time, repository string) (text issue.Text, ok bool, err error) {
	in, err := r.read(ctx, report.Month(month), time.Now())
	if err != nil {
		return issue.Text{}, false, err
	}
	made := report.Make(in.About(func(objective string) bool { return r.files.reports(objective, repository) }))
	if !made.IsKnown() {
		return issue.Text{}, false, nil
	}
	return issue.Text{Title: made.Title(), Body: made.Issue()}, true, nil
}

// reporting returns the repositories that get a report each month; "" is the default one.
func (r *reloader) reporting() (all []string) {
	for _, s := range *r.current.Load() {
		if s.Report {
			all = append(all, r.named(s.Repository))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reports reports whether an objective is in a repository's report.
func (r *reloader) reports(objective, repository string) bool {
	s := r.settings(objective)
	return s.Report && r.named(s.Repository) == repository
}

// named returns the name of a repository as incidents have it: the default one goes without.
func (r *reloader) named(repository string) string {
	if strings.EqualFold(repository, r.repository) {
		return ""
	}
	return strings.ToLower(repository)
}
