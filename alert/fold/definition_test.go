package fold_test

import (
	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func definition(name string) alert.Definition {
	o := objective("0.999")
	o.Name = name
	p := policy(alert.DefaultRules(30 * day)...)
	p.MinBadEvents, p.Budget = 10, true
	return alert.Definition{Objective: o, Policy: p}
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

func inPlan(s slo.Sample) slo.Sample {
	s.Excluded = true
	return s
}
