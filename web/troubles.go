package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxRefused is how many publications are looked at for why they wait.
const maxRefused = 3

// stuck says how many publications wait for the tracker, and why the oldest one does.
type stuck struct {
	N     int
	Since time.Time
	Why   string
}

// addTroubles adds what Prometheus and the tracker refuse.
func (o *overview) addTroubles(ctx context.Context, d *Data) error {
	if d.About == nil {
		return nil
	}
	about := d.About()
	for _, faults := range about.bySource(d.Statuses(o.Now)) {
		if faults.N > 0 {
			o.Refusals = append(o.Refusals, faults)
		}
	}
	if names := slices.Sorted(maps.Keys(about.Failing)); len(names) > 0 {
		o.Refusal = shown(about.Failing[names[0]].Error())
	}
	for _, key := range about.longestWaiting()[:min(len(about.Waiting), maxRefused)] {
		p, _, err := d.Store.Publication(ctx, key)
		if err != nil {
			return fmt.Errorf("reading the publication of incident %s: %w", key, err)
		}
		if why := p.WaitsFor(); why != "" {
			o.Stuck = &stuck{len(about.Waiting), about.Waiting[key], shown(why)}
			return nil
		}
	}
	return nil
}
