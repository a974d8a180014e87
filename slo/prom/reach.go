package prom

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Reach returns the time of the server's newest sample of an objective's events; zero if it has
// none in the last minutes. A counter goes on having a value for some minutes after its last
// sample, so an answer of "no events" means nothing before there is a sample after them. Errors
// wrap one of slo's Err values.
func (c *Client) Reach(ctx context.Context, o slo.Objective) (time.Time, error) {
	selectors := eventSelectors(o.Indicator)
	if len(selectors) == 0 {
		return time.Time{}, nil
	}
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = "timestamp(" + promql.Text(s) + ")"
	}
	now := time.Now().Truncate(time.Second)
	traces, err := c.Traces(ctx, "max("+strings.Join(parts, " or ")+")", slo.Ticks{First: now, Last: now, Interval: time.Second})
	if err != nil || len(traces) == 0 || math.IsNaN(traces[0].Values[0]) {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(math.Round(traces[0].Values[0] * 1000))).UTC(), nil
}

// eventSelectors returns the selectors of the series that show an objective's events.
func eventSelectors(i slo.Indicator) (selectors []*parser.VectorSelector) {
	switch {
	case i.Ratio != nil:
		terms, _ := promql.Counters("total", i.Ratio.Total)
		for _, t := range terms {
			selectors = append(selectors, t.Selectors...)
		}
	case i.Latency != nil:
		histograms, _ := promql.Histograms(i.Latency.Histogram)
		for _, h := range histograms {
			selectors = append(selectors, promql.Renamed(h, promql.Name(h)+"_count"), h)
		}
	}
	return selectors
}
