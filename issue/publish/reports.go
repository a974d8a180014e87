package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

const (
	// reportAfter is how long after the end of a month its report is written: late data and
	// people's labels have come in.
	reportAfter = 6 * time.Hour
	// reportAgain is how often to look again whether anything is known of a month.
	reportAgain = time.Hour
)

// monthly finds the monthly reports that are due.
type monthly struct {
	Options
	settled map[string]time.Time // by key: until when there is nothing to do
}

// jobs returns the reports to work on: those under way, and those of the last month that are to be
// begun.
func (m *monthly) jobs(ctx context.Context, behind []issue.Publication, now time.Time) (jobs []*job, err error) {
	under := map[string]bool{}
	for _, pub := range behind {
		if pub.Kind == issue.Report {
			under[pub.Key] = true
			jobs = append(jobs, reportJob(pub))
		}
	}
	if m.Reports.Repositories == nil {
		return jobs, nil
	}
	y, month, _ := now.Add(-reportAfter).UTC().Date()
	last := time.Date(y, month-1, 1, 0, 0, 0, 0, time.UTC)
	for _, repository := range m.Reports.Repositories() {
		pub := issue.NewReport(last, repository)
		if under[pub.Key] || now.Before(m.settled[pub.Key]) {
			continue
		}
		begin, err := m.isDue(ctx, pub, last, now)
		if err != nil {
			return nil, err
		}
		if begin {
			under[pub.Key] = true
			jobs = append(jobs, reportJob(pub))
		}
	}
	return jobs, nil
}

// isDue reports whether a report is to be begun: there is none yet, and something to tell.
func (m *monthly) isDue(ctx context.Context, pub issue.Publication, month, now time.Time) (bool, error) {
	_, known, err := m.Store.Publication(ctx, pub.Key)
	if err != nil {
		return false, fmt.Errorf("reading the publication of %s: %w", pub.Key, err)
	}
	if known {
		m.settled[pub.Key] = now.AddDate(0, 2, 0) // then another month is the last one
		return false, nil
	}
	_, ok, err := m.Reports.Write(ctx, month, pub.Repository)
	if err != nil {
		return false, fmt.Errorf("writing %s: %w", pub.Key, err)
	}
	if !ok {
		m.settled[pub.Key] = now.Add(reportAgain)
	}
	return ok, nil
}

// reportJob makes a job of a report. A report stands for no incident, so reportJob makes one up
// that is over and never changes. Then there is one issue to write, and no comment.
func reportJob(pub issue.Publication) *job {
	month := pub.Parts[0].Onset
	end := month.AddDate(0, 1, 0)
	w := alert.Window{Kind: alert.Burn, Onset: month, Detected: end, Ended: end}
	return &job{pub: pub, incidents: incidents{{ID: pub.Key, Revision: 1, Repository: pub.Repository, Windows: []alert.Window{w}}}}
}
