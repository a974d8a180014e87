package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ruleWindows are those of the SRE Workbook's alerts, as generators of rules record them: from raw
// counters up to three days, and 30 days as the mean of the ratios of five minutes.
var ruleWindows = [...]string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}

// rulesOf are the recording rules of a service's objective.
func rulesOf(service string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "groups:\n- name: %s\n  rules:\n", service)
	for _, w := range ruleWindows {
		fmt.Fprintf(&b, "  - record: slo:sli_error:ratio_rate%s\n    labels: {service: %s}\n    expr: >-\n", w, service)
		fmt.Fprintf(&b, "      sum(rate(%s{service=%q,code=~\"5..\"}[%s])) / sum(rate(%s{service=%q}[%s]))\n", metric, service, w, metric, service, w)
	}
	fmt.Fprintf(&b, "  - record: slo:sli_error:ratio_rate30d\n    labels: {service: %s}\n    expr: >-\n", service)
	fmt.Fprintf(&b, "      sum_over_time(%s{service=%q}[30d]) / count_over_time(%s{service=%q}[30d])\n", ratioName, service, ratioName, service)
	return b.String()
}

// rulesFor is how long the rules are measured.
const rulesFor = time.Minute

// measureIdle returns the CPU seconds a second that Prometheus uses while it is asked only for its
// metrics, at both ends, as in every measurement.
func (b *bench) measureIdle(ctx context.Context) (float64, error) {
	if err := pause(ctx, 5*time.Second); err != nil {
		return 0, err
	}
	if err := b.prometheus.collect(ctx); err != nil {
		return 0, err
	}
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, b.idleFor()); err != nil {
		return 0, err
	}
	after, err := b.prometheus.work(ctx)
	if err != nil {
		return 0, err
	}
	idle := (after.cpu - before.cpu) / after.at.Sub(before.at).Seconds()
	b.say("an idle Prometheus uses %.4f of a core", idle)
	return idle, nil
}

// measureNothing measures queries that read no samples, one for each tick of one objective: being
// asked has its own price.
func (b *bench) measureNothing(ctx context.Context) (result, error) {
	if err := b.prometheus.collect(ctx); err != nil {
		return result{}, err
	}
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	interval, n := b.pace(1, separate)
	for i := range n {
		if _, err := get(ctx, b.prometheus.url+"/api/v1/query?query=vector(1)"); err != nil {
			return result{}, err
		}
		if err := pause(ctx, time.Until(before.at.Add(time.Duration(i+1)*interval))); err != nil {
			return result{}, err
		}
	}
	after, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	return result{nothing: true, n: 1, ticks: float64(n), prometheus: b.above(before, after) / float64(n)}, nil
}

// measureRules measures evaluations of the rules of n objectives.
func (b *bench) measureRules(ctx context.Context, n int) (result, error) {
	files := map[string]string{}
	for i := range n {
		files[serviceName(i)+".yml"] = rulesOf(serviceName(i))
	}
	if err := b.prometheus.load(ctx, files); err != nil {
		return result{}, err
	}
	if err := pause(ctx, 15*time.Second); err != nil { // the first evaluation is of cold files
		return result{}, err
	}
	if err := b.prometheus.collect(ctx); err != nil {
		return result{}, err
	}
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	if err := pause(ctx, rulesFor); err != nil {
		return result{}, err
	}
	after, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	evaluations := (after.evaluations - before.evaluations) / float64(n)
	if evaluations < 2 || after.failed > 0 {
		return result{}, fmt.Errorf("%v evaluations, %v failed", evaluations, after.failed)
	}
	return result{
		rules: true, n: n, ticks: evaluations,
		samples:    (after.samples - before.samples) / evaluations,
		prometheus: b.above(before, after) / evaluations,
		took:       time.Duration(after.lasted * float64(time.Second)),
	}, nil
}

// above is the CPU seconds that Prometheus used beyond those of being idle.
func (b *bench) above(before, after work) float64 {
	return max(0, after.cpu-before.cpu-b.idle*after.at.Sub(before.at).Seconds())
}
