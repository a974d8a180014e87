package config

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// The defaults of an slo's `incident`.
const (
	defaultMinBadEvents = 10
	defaultMergeGap     = 30 * time.Minute
	defaultOutage       = 5 * time.Minute // of severity 1
	defaultBlindAfter   = 15 * time.Minute
)

func incidentSchema() schema {
	return schema{
		of: "incident", path: "incident.",
		keys: []string{"burn", "budget", "min_bad_events", "hold", "merge_gap", "group", "severity", "blind", "quiet"},
	}
}

func ruleSchema() schema {
	return schema{of: "a rule", path: "incident.burn.", keys: []string{"rate", "long", "short"}}
}

// policy reads what counts as an incident. It needs the objective's target and window; where those are not known, what depends on them
// is not checked.
func (d *document) policy(n *yaml.Node, s settings, o slo.Objective) alert.Policy {
	policy := alert.Policy{Budget: true, MinBadEvents: defaultMinBadEvents, MergeGap: defaultMergeGap, Group: o.Service, Severities: defaultSeverities()}
	if o.Indicator.Sampled != nil {
		policy.MinBadEvents = 0 // its events have no size of their own, see docs/slo-file.md
	}
	if f, ok := s.incident["burn"]; ok {
		policy.Rules = d.rules(f, o)
	} else {
		policy.Rules = alert.DefaultRules(o.Window.Length())
		d.warnOfDefaults(n, s, policy.Rules, o)
	}
	slices.SortStableFunc(policy.Rules, func(a, b alert.Rule) int { return b.Rate.Cmp(a.Rate) })
	if f, ok := s.incident["budget"]; ok {
		policy.Budget = d.truth(f)
	}
	if f, ok := s.incident["min_bad_events"]; ok {
		policy.MinBadEvents = d.events(f, len(policy.Rules) > 0 && o.Indicator.Sampled == nil)
	}
	if f, ok := s.incident["hold"]; ok {
		policy.Hold, _ = d.duration(f, "a duration like 5m")
	}
	if f, ok := s.incident["merge_gap"]; ok {
		policy.MergeGap, _ = d.duration(f, "a duration like 30m")
	}
	if f, ok := s.incident["group"]; ok && d.groupsBySLO(f) {
		policy.Group = o.Name
	}
	if f, ok := s.incident["severity"]; ok {
		policy.Severities = d.severities(f)
	}
	if f, ok := s.incident["blind"]; ok {
		policy.Blind = d.blind(f)
	}
	if f, ok := s.incident["quiet"]; ok {
		policy.Quiet = d.quiet(f)
	}
	if f, ok := s.incident["burn"]; ok && len(f.value.Content) == 0 && !policy.Budget {
		d.warnf(f.value, "no rules and no budget: nothing is ever an incident of this objective")
	}
	return policy
}

// blind reads when missing data is worth an issue.
func (d *document) blind(f field) alert.BlindPolicy {
	p := alert.BlindPolicy{After: defaultBlindAfter}
	found, ok := d.mapping(f.value, schema{of: "incident.blind", path: "incident.blind.", keys: []string{"after", "issue"}})
	if !ok {
		return p
	}
	if after, there := found["after"]; there {
		if p.After, ok = d.duration(after, "a duration like 15m"); ok && p.After == 0 {
			d.errorf(after.value, "%s must be longer than 0: one scrape that fails is no reason for an issue", after.path)
		}
	}
	if wanted, there := found["issue"]; there {
		p.Issue = d.truth(wanted)
	}
	return p
}

// quiet reads when traffic is too low, and whether that is worth an issue.
func (d *document) quiet(f field) alert.QuietPolicy {
	p := alert.DefaultQuiet()
	found, ok := d.mapping(f.value, schema{of: "incident.quiet", path: "incident.quiet.", keys: []string{"below", "after", "issue"}})
	if !ok {
		return p
	}
	if below, there := found["below"]; there {
		before := len(d.problems)
		p.Below = d.budgetShare(below)
		if len(d.problems) == before && p.Below.Cmp(slo.MustDecimal("1")) >= 0 {
			d.errorf(below.value, "%s must be less than 100 %%, not %s: traffic that is a little below what is usual is no news", below.path, p.Below.Percent())
		}
	}
	if after, there := found["after"]; there {
		const most = 6 * time.Hour
		p.After, ok = d.duration(after, "a duration like 15m")
		switch {
		case ok && p.After == 0:
			d.errorf(after.value, "%s must be longer than 0", after.path)
		case p.After > most:
			d.errorf(after.value, "%s must be at most %s, not %s", after.path, model.Duration(most), model.Duration(p.After))
		}
	}
	if wanted, there := found["issue"]; there {
		p.Issue = d.truth(wanted)
	}
	return p
}

// events reads how many bad events a rule needs, and warns where a single one can be an incident.
func (d *document) events(f field, rules bool) float64 {
	const like = "a whole number of events like 10"
	number, ok := d.number(f, like)
	switch {
	case ok && number.Float() != math.Trunc(number.Float()):
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(f.value.Value))
	case ok && number.Float() <= 1 && rules:
		d.warnf(f.value, "one bad event can fire a rule where there is little traffic; %d are the default", defaultMinBadEvents)
	}
	return number.Float()
}

func (d *document) groupsBySLO(f field) bool {
	const like = "service or slo"
	text, ok := d.scalar(f, like)
	if ok && text != "service" && text != "slo" {
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(text))
	}
	return text == "slo"
}

func (d *document) rules(f field, o slo.Objective) (rules []alert.Rule) {
	items, _ := d.list(f, "rules like {rate: 14.4, long: 1h, short: 5m}")
	for _, item := range items {
		if rule, ok := d.rule(item, o); ok {
			rules = append(rules, rule)
		}
	}
	return rules
}

// rule reads a burn rule; ok is false where it is not one.
func (d *document) rule(n *yaml.Node, o slo.Objective) (rule alert.Rule, ok bool) {
	found, ok := d.mapping(n, ruleSchema())
	if !ok {
		return rule, false
	}
	for _, key := range ruleSchema().keys {
		if _, there := found[key]; !there {
			d.errorf(n, "%s is missing; a rule is like {rate: 14.4, long: 1h, short: 5m}", key)
			ok = false
		}
	}
	if f, there := found["rate"]; there {
		var read bool
		rule.Rate, read = d.rate(f, o)
		ok = ok && read
	}
	for key, length := range map[string]*time.Duration{"long": &rule.Long, "short": &rule.Short} {
		if f, there := found[key]; there {
			var read bool
			*length, read = d.duration(f, "a duration like 1h")
			if read && *length == 0 {
				d.errorf(f.value, "%s must be longer than 0", f.path)
				read = false
			}
			ok = ok && read
		}
	}
	return rule, ok && d.windows(found, rule, o)
}

func (d *document) rate(f field, o slo.Objective) (slo.Decimal, bool) {
	rate, ok := d.number(f, "a number like 14.4")
	switch {
	case !ok:
		return rate, false
	case rate.Cmp(slo.MustDecimal("1")) < 0:
		d.errorf(f.value, "%s must be at least 1, not %s: a slower burn leaves budget over at the window's end", f.path, rate)
		return rate, false
	case neverFires(rate, o.Target):
		d.errorf(f.value, "a rule of rate %s can never fire for a target of %s: %s", rate, o.Target.Percent(), mostRate(o.Target))
		return rate, false
	}
	return rate, true
}

// windows checks a rule's windows against each other and against the objective's.
func (d *document) windows(found fields, rule alert.Rule, o slo.Objective) bool {
	switch {
	case rule.Short >= rule.Long:
		d.errorf(found["short"].value, "a rule's short window must be shorter than its long one of %s, not %s: a twelfth of it is usual",
			model.Duration(rule.Long), model.Duration(rule.Short))
		return false
	case o.Window.Length() > 0 && rule.Long > o.Window.Length():
		d.errorf(found["long"].value, "a rule's long window must be at most the objective's window of %s, not %s",
			model.Duration(o.Window.Length()), model.Duration(rule.Long))
		return false
	}
	return true
}

// warnOfDefaults says which of the default rules are of no use for the objective's target.
func (d *document) warnOfDefaults(n *yaml.Node, s settings, rules []alert.Rule, o slo.Objective) {
	at := n
	if f, ok := s.fields["target"]; ok {
		at = f.value
	}
	for _, r := range rules {
		if neverFires(r.Rate, o.Target) {
			d.warnf(at, "the default rule of rate %s can never fire for a target of %s: %s in incident.burn",
				r.Rate, o.Target.Percent(), mostRate(o.Target))
		}
	}
}

// neverFires reports whether rate x (1 - target) is 1 or more: no error ratio is above it. A target that is not known decides nothing.
func neverFires(rate, target slo.Decimal) bool {
	one := slo.MustDecimal("1")
	return !target.IsZero() && rate.Mul(target.Complement()).Cmp(one) >= 0
}

func mostRate(target slo.Decimal) string {
	return fmt.Sprintf("all events bad burn at %.4g; give lower rates", 1/target.Complement().Float())
}
