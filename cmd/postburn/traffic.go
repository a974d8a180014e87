package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// trafficOver is the time of which the mean traffic is taken.
const trafficOver = 24 * time.Hour

// askTraffic warns of objectives with so little traffic that min_bad_events, and no rate, decides
// what is an incident. What is measured once a tick is left out: its number of events has nothing
// to do with the traffic.
func askTraffic(ctx context.Context, client *prom.Client, definitions []config.Definition, now time.Time) (problems []config.Problem) {
	var counted []config.Definition
	var objectives []slo.Objective
	for _, d := range definitions {
		i := d.Objective.Indicator
		if i.Bool == "" && i.Sampled == nil && len(d.Policy.Rules) > 0 {
			counted, objectives = append(counted, d), append(objectives, d.Objective)
		}
	}
	ticks := slo.Ticks{First: now.Add(lookback - trafficOver), Last: now, Interval: lookback}
	for i, r := range client.Read(ctx, objectives, ticks) {
		lowest, of := math.Inf(1), slo.Labels("")
		for _, s := range r.Series {
			if mean, ok := meanRate(s); ok && mean < lowest {
				lowest, of = mean, s.Labels
			}
		}
		if text := lowTraffic(counted[i], lowest, of); text != "" {
			problems = append(problems, config.Problem{Position: counted[i].Position, Severity: config.Warning, Text: text})
		}
	}
	return problems
}

// meanRate is how many events a second there are in the samples that have data; ok is false where
// none has any.
func meanRate(s slo.Series) (rate float64, ok bool) {
	var events float64
	ticks := 0
	begun := false
	for _, sample := range s.Samples {
		if sample.Blind {
			continue
		}
		counts := begun && !sample.Has(slo.Baseline)
		if begun = true; !counts {
			continue // counting begins somewhere in this tick
		}
		ticks++
		events += sample.Total
	}
	if ticks == 0 {
		return 0, false
	}
	return events / float64(ticks) / lookback.Seconds(), true
}

// lowTraffic says what is to be said of an objective's traffic, in events a second, of its quietest
// label set; empty where nothing is.
func lowTraffic(d config.Definition, rate float64, of slo.Labels) string {
	for _, r := range d.Policy.Rules {
		total := rate * r.Long.Seconds()
		enough := slo.NewThreshold(r.Rate, d.Objective.Target).Ratio() * total
		name := slo.ID{SLO: d.Objective.Name, Labels: of}
		long := model.Duration(r.Long)
		switch {
		case math.IsInf(rate, 1) || enough >= d.Policy.MinBadEvents:
		case total < d.Policy.MinBadEvents:
			return fmt.Sprintf("%s has about %.3g events in %s, so the rule of rate %s can't find %g bad ones in it (incident.min_bad_events): "+
				"give it longer windows, or watch it with a bool indicator", name, total, long, r.Rate, d.Policy.MinBadEvents)
		default:
			return fmt.Sprintf("%s has about %.3g events in %s, of which %.2g bad ones are above the rate %s: any %g bad events fire that rule (incident.min_bad_events)",
				name, total, long, enough, r.Rate, max(1, d.Policy.MinBadEvents))
		}
	}
	return ""
}
