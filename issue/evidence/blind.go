package evidence

import (
	"context"
	"fmt"
	"strings"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// blindness looks at what became of the targets that the data had come from: those whose series the objective had in the hours before.
func (c *collector) blindness(ctx context.Context) {
	before := c.worst
	before.Onset, before.Ended = c.worst.Onset.Add(-issue.Lookback), c.worst.Onset
	series := c.seriesOf(ctx, before)
	if series == nil {
		series = c.targetsOf(ctx, before)
	}
	if series == nil || series.named {
		if !c.away {
			c.found.Timeline = append(c.found.Timeline, issue.Entry{
				Time: c.worst.Onset, Source: "Prometheus", Text: fmt.Sprintf("Prometheus had no series of %s in the two hours before, either", c.worst.ID()),
			})
		}
		if series == nil {
			return
		}
	}
	c.part(ctx, 1, "Whether the targets are up", func(ctx context.Context, p Prometheus) error { return c.fates(ctx, p, series) })
	c.part(ctx, changeQueries, "What changed in Prometheus", func(ctx context.Context, p Prometheus) error {
		return c.changes(ctx, p, series)
	})
}

// fates says how many of the targets were up, down and gone when the missing data was noticed.
func (c *collector) fates(ctx context.Context, p Prometheus, series *seriesOf) error {
	type target struct{ job, instance string }
	had := map[target]bool{}
	for _, t := range series.total {
		if one := (target{t.Labels["job"], t.Labels["instance"]}); one.job != "" && one.instance != "" {
			had[one] = true
		}
	}
	if len(had) == 0 {
		return errNothing
	}
	at := c.worst.Detected
	up, err := p.Traces(ctx, fmt.Sprintf("max by (job, instance) (up{job=~%s})", anyOf(series.of("job"))), slo.Ticks{First: at, Last: at, Interval: c.Interval})
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
		{len(had) - scraped - down, "had gone from Prometheus' list of targets"},
		{scraped, "could be scraped, but had no such series any more"},
	} {
		if f.n > 0 {
			fates = append(fates, fmt.Sprintf("%d %s", f.n, f.fate))
		}
	}
	c.found.Timeline = append(c.found.Timeline, issue.Entry{
		Time: at, Source: "Prometheus", Text: fmt.Sprintf("Of the targets that %s had its data from: %s", c.worst.ID(), strings.Join(fates, ", ")),
	})
	return nil
}
