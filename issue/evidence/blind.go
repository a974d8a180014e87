package evidence

import (
	"context"
	"fmt"
	"strings"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// tellFates tells how many of the targets that had some series were up, down and gone when the
// missing data was noticed.
func tellFates(ctx context.Context, p Prometheus, s scope, series *seriesOf, rows *timeline) error {
	had := series.targets()
	if len(had) == 0 {
		return errNothing
	}
	at := s.worst.Detected
	up, err := p.Traces(ctx, fmt.Sprintf("max by (job, instance) (up{job=~%s})", anyOf(series.of("job"))), slo.Ticks{First: at, Last: at, Interval: s.interval})
	if err != nil {
		return err
	}
	scraped, down := 0, 0
	for _, t := range up {
		if !had[target{t.Labels["job"], t.Labels["instance"]}] {
			continue
		}
		if t.Values[0] == 1 {
			scraped++
		} else {
			down++
		}
	}
	var fates []string
	for _, f := range []struct {
		n    int
		fate string
	}{
		{down, "could not be scraped (up was 0)"},
		{len(had) - scraped - down, "were no longer on Prometheus' list of targets"},
		{scraped, "could be scraped, but no longer had such series"},
	} {
		if f.n > 0 {
			fates = append(fates, fmt.Sprintf("%d %s", f.n, f.fate))
		}
	}
	rows.tell(issue.Entry{
		Time: at, Source: "Prometheus", Text: fmt.Sprintf("Targets of %s: %s", s.worst.ID(), strings.Join(fates, ", ")),
	})
	return nil
}
