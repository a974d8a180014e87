package engine_test

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	day      = 24 * time.Hour
	interval = 30 * time.Second
)

var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func objective(target string) slo.Objective {
	return slo.Objective{
		Name: "checkout-availability", Service: "checkout", Target: slo.MustDecimal(target), Window: slo.Window{Rolling: 30 * day},
	}
}

func policy(rules ...alert.Rule) alert.Policy {
	return alert.Policy{Rules: rules, MergeGap: 30 * time.Minute, Group: "checkout"}
}

func good(total float64) slo.Sample { return slo.Sample{Counts: slo.Counts{Total: total}} }

func bad(total, bad float64) slo.Sample {
	return slo.Sample{Counts: slo.Counts{Total: total, Bad: bad}}
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

func definitionOf(target string) alert.Definition {
	return alert.Definition{Objective: objective(target), Policy: policy(alert.DefaultRules(30 * day)...)}
}

// withoutEstimate drops the caveat that part of the budget is an estimate. All breaches of a young
// objective have it.
func withoutEstimate(all []slo.Caveat) []slo.Caveat {
	var others []slo.Caveat
	for _, c := range all {
		if c.Kind != slo.Estimated {
			others = append(others, c)
		}
	}
	return others
}
