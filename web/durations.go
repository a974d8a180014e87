package web

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// askingTimeout is how long a page waits for Prometheus to tell how long events took.
	askingTimeout = time.Second
	// maxAsking is how many pages ask Prometheus at a time.
	maxAsking = 2
)

// took says how long the events of a latency objective took.
type took struct {
	quantiles [][]slo.Quantile // of each length of time; none if not known
	known     bool             // Prometheus answered all that was asked
}

// addDurations adds to each length of time that was attained how long its events took. The history
// counts only what took longer than the threshold, so Prometheus is asked: at most once a minute,
// and for no longer than a page may wait.
func (v *objectiveView) addDurations(ctx context.Context, d *Data, of alert.Detail) {
	if d.Durations == nil || of.Objective.Indicator.Latency == nil {
		return
	}
	id := slo.ID{SLO: of.Objective.Name, Labels: of.Labels}
	found, err := d.caches.took.get(ctx, id, func(ctx context.Context) (took, error) {
		return d.ask(ctx, of), nil // an answer that failed is not asked for again at once, either
	})
	if err != nil {
		return
	}
	v.Timed, v.TimedInPart = true, !found.known
	for i, quantiles := range found.quantiles[:min(len(found.quantiles), len(v.Attained))] {
		v.Attained[i].Took = quantileTexts(quantiles)
	}
}

func (d *Data) ask(ctx context.Context, of alert.Detail) (found took) {
	ctx, cancel := context.WithTimeout(ctx, askingTimeout)
	defer cancel()
	select {
	case d.caches.asking <- struct{}{}:
		defer func() { <-d.caches.asking }()
	case <-ctx.Done():
		return found
	}
	for _, a := range of.Attained {
		quantiles, err := d.Durations(ctx, of.Objective, of.Labels, slo.Span{Start: of.Tick.Add(-a.Length), End: of.Tick})
		if err != nil {
			return found
		}
		found.quantiles = append(found.quantiles, quantiles)
	}
	found.known = true
	return found
}
