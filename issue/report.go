package issue

import (
	"context"
	"fmt"
	"hash/fnv"
	"regexp"
	"time"
)

// ReportLabel is the label of an issue that reports on a month.
const ReportLabel = "report"

// Reporter says which monthly reports to publish.
type Reporter struct {
	// Repositories returns those that get an issue each month; "" is the default one.
	Repositories func() []string
	// Write writes the report on a month. ok is false if nothing is known of it.
	Write func(ctx context.Context, month time.Time, repository string) (text Text, ok bool, err error)
}

// NewReport makes the publication of a month's report; month is its first moment. It is published
// once, as an incident's issue is. It stands for no incident: its only part is itself.
func NewReport(month time.Time, repository string) Publication {
	key := ReportKey(month, repository)
	return Publication{Key: key, Kind: Report, Repository: repository, Parts: Parts{{Incident: key, Onset: month}}}
}

// ReportKey returns the key of a month's report in a repository.
func ReportKey(month time.Time, repository string) string {
	key := "report-" + month.Format("2006-01")
	if repository == "" {
		return key
	}
	h := fnv.New32a()
	h.Write([]byte(repository))
	return fmt.Sprintf("%s-%08x", key, h.Sum32())
}

var reportKey = regexp.MustCompile(`^report-\d{4}-\d{2}(-[0-9a-f]{8})?$`)

// IsReportKey reports whether a publication's key is that of a report. No incident has such an ID.
func IsReportKey(key string) bool { return reportKey.MatchString(key) }
