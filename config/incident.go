package config

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// readBlind reads when missing data is worth an issue.
func readBlind(f field) alert.BlindPolicy {
	found, _ := f.mapping(schemaOf("incident.blind", "incident.blind"))
	found = f.doc.orDefaults(found, "incident.blind")
	after, ok := found["after"].duration()
	if ok && after == 0 {
		found["after"].errorf("%s must be longer than 0: one failed scrape is no reason for an issue", found["after"].path)
	}
	return alert.BlindPolicy{After: after, Issue: found["issue"].truth()}
}

// readQuiet reads when traffic is too low, and whether that is worth an issue.
func readQuiet(f field) alert.QuietPolicy {
	const most = 6 * time.Hour
	found, _ := f.mapping(schemaOf("incident.quiet", "incident.quiet"))
	found = f.doc.orDefaults(found, "incident.quiet")
	below, after := found["below"], found["after"]
	share, ok := below.share()
	p := alert.QuietPolicy{Below: share}
	if ok && p.Below.Cmp(slo.MustDecimal("1")) >= 0 {
		below.errorf("%s must be less than 100 %%, not %s: traffic a little below the usual is no news", below.path, p.Below.Percent())
	}
	p.After, ok = after.duration()
	switch {
	case ok && p.After == 0:
		after.errorf("%s must be longer than 0", after.path)
	case p.After > most:
		after.errorf("%s must be at most %s, not %s", after.path, model.Duration(most), model.Duration(p.After))
	}
	p.Issue = found["issue"].truth()
	return p
}

// events reads how many bad events a rule needs, and warns if a single one can be an incident.
func (r *definitionReader) events(f field) float64 {
	number, ok := f.number()
	rules := len(r.def.Policy.Rules) > 0 && r.def.Objective.Indicator.Sampled == nil
	switch {
	case ok && number.Float() != math.Trunc(number.Float()):
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(f.value.Value))
	case ok && number.Float() <= 1 && rules:
		f.warnf("one bad event can fire a rule where there is little traffic; %s are the default", keyAt(f.path).Default)
	}
	return number.Float()
}

// readGroup reports whether incidents are of the slo alone.
func readGroup(f field) (bySLO bool) {
	text, ok := f.scalar()
	if ok && text != "service" && text != "slo" {
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
	}
	return text == "slo"
}

// rules reads burn rules, fastest first.
func (r *definitionReader) rules(f field) (rules []alert.Rule) {
	items, _ := f.list()
	for _, item := range items {
		if rule, ok := r.rule(item); ok {
			rules = append(rules, rule)
		}
	}
	slices.SortStableFunc(rules, func(a, b alert.Rule) int { return b.Rate.Cmp(a.Rate) })
	return rules
}

// rule reads a burn rule; ok is false if it is not one.
func (r *definitionReader) rule(f field) (rule alert.Rule, ok bool) {
	schema := schemaOf("incident.burn", "a rule")
	found, ok := f.mapping(schema)
	if !ok {
		return rule, false
	}
	for _, key := range schema.names() {
		if _, there := found[key]; !there {
			f.errorf("%s is missing; a rule is like {rate: 14.4, long: 1h, short: 5m}", key)
			ok = false
		}
	}
	if f, there := found["rate"]; there {
		var read bool
		rule.Rate, read = r.rate(f)
		ok = ok && read
	}
	for key, length := range map[string]*time.Duration{"long": &rule.Long, "short": &rule.Short} {
		if f, there := found[key]; there {
			var read bool
			*length, read = f.duration()
			if read && *length == 0 {
				f.errorf("%s must be longer than 0", f.path)
				read = false
			}
			ok = ok && read
		}
	}
	return rule, ok && r.windows(found, rule)
}

func (r *definitionReader) rate(f field) (slo.Decimal, bool) {
	rate, ok := f.number()
	switch {
	case !ok:
		return rate, false
	case rate.Cmp(slo.MustDecimal("1")) < 0:
		f.errorf("%s must be at least 1, not %s: a slower burn leaves budget over at the window's end", f.path, rate)
		return rate, false
	case neverFires(rate, r.def.Objective.Target):
		f.errorf("a rule of rate %s can never fire for a target of %s: %s", rate, r.def.Objective.Target.Percent(), mostRate(r.def.Objective.Target))
		return rate, false
	}
	return rate, true
}

// windows checks a rule's windows against each other and against the objective's.
func (r *definitionReader) windows(found fields, rule alert.Rule) bool {
	window := r.def.Objective.Window.Length()
	switch {
	case rule.Short >= rule.Long:
		found["short"].errorf("a rule's short window must be shorter than its long one of %s, not %s: a twelfth of it is usual",
			model.Duration(rule.Long), model.Duration(rule.Short))
		return false
	case window > 0 && rule.Long > window:
		found["long"].errorf("a rule's long window must be at most the objective's window of %s, not %s",
			model.Duration(window), model.Duration(rule.Long))
		return false
	}
	return true
}

// warnOfDefaults says which of the default rules are of no use for the objective's target.
func (r *definitionReader) warnOfDefaults(rules []alert.Rule) {
	target := r.def.Objective.Target
	at, said := r.find("target")
	if !said {
		return // it is missing, and no rule is wrong for it
	}
	for _, rule := range rules {
		if neverFires(rule.Rate, target) {
			at.warnf("the default rule of rate %s can never fire for a target of %s: %s in incident.burn",
				rule.Rate, target.Percent(), mostRate(target))
		}
	}
}

// neverFires reports whether rate x (1 - target) is 1 or more: no error ratio is above it. A target
// that is not known decides nothing.
func neverFires(rate, target slo.Decimal) bool {
	one := slo.MustDecimal("1")
	return !target.IsZero() && rate.Mul(target.Complement()).Cmp(one) >= 0
}

func mostRate(target slo.Decimal) string {
	return fmt.Sprintf("all events bad burn at %.4g; give lower rates", 1/target.Complement().Float())
}
