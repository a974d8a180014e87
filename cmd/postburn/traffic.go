package main

import (
	"context"
	"fmt"
	"math"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
)

// traffic reads the last day of counted objectives, and warns of those with so little traffic that
// min_bad_events, and no rate, decides what is an incident. It skips indicators measured once a
// tick: their number of events says nothing about traffic.
func (c *onlineCheck) traffic(ctx context.Context) []slo.Reading {
	var counted []int
	var asked []slo.Objective
	for i, d := range c.definitions {
		if o := d.Objective; o.Indicator.Bool == "" && o.Indicator.Sampled == nil {
			counted, asked = append(counted, i), append(asked, o)
		}
	}
	days := make([]slo.Reading, len(c.definitions))
	ticks := slo.Ticks{First: c.now.Add(lookback - trafficOver), Last: c.now, Interval: lookback}
	for n, r := range c.client.Read(ctx, asked, ticks) {
		i := counted[n]
		days[i] = r
		lowest, of := math.Inf(1), slo.Labels("")
		for _, s := range r.Series {
			if mean, ok := meanRate(s); ok && mean < lowest {
				lowest, of = mean, s.Labels
			}
		}
		if text := lowTraffic(c.definitions[i], lowest, of); text != "" {
			c.add(i, "", config.Warning, "%s", text)
		}
	}
	return days
}

// meanRate is how many events a second there are in the samples that have data; ok is false if
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

// lowTraffic warns of an objective's traffic, in events a second, in its quietest label set; empty
// if there is nothing to warn of.
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
			return fmt.Sprintf("%s has about %.3g events in %s, so %.2g bad ones are above the rate %s: any %g bad events fire that rule (incident.min_bad_events)",
				name, total, long, enough, r.Rate, max(1, d.Policy.MinBadEvents))
		}
	}
	return ""
}
