package openslo

import (
	"time"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// alerts sets the rules that an SLO's alert policies say. Without policies, they are postburn's
// default rules.
func (r reader) alerts(s *config.SLO, policies config.Node, target string, window time.Duration) {
	var rules []foreign.Rule
	silent, wrong := true, false
	items := policies.List("alert policies")
	for _, item := range items {
		spec := r.refOrInline("AlertPolicy", "alertPolicyRef", item)
		m := spec.Mapping("description", "alertWhenNoData", "alertWhenBreaching", "alertWhenResolved", "conditions", "notificationTargets")
		if noData := m.Get("alertWhenNoData"); noData.Truth() {
			s.Set("incident.blind.issue", true, noData)
		}
		if targets := m.Get("notificationTargets"); targets.Exists() {
			targets.Warnf("notificationTargets are not carried over: postburn opens issues")
		}
		if breaching := m.Get("alertWhenBreaching"); breaching.Exists() && !breaching.Truth() {
			continue
		}
		silent = false
		for _, c := range m.Get("conditions").List("conditions") {
			rule, ok := r.condition(r.refOrInline("AlertCondition", "conditionRef", c))
			if ok {
				rules = append(rules, rule)
			}
			wrong = wrong || !ok
		}
	}
	if !wrong && (len(rules) > 0 || len(items) > 0 && silent) {
		foreign.Burn(s, rules, target, window, policies)
	}
}

// refOrInline returns the spec of an object that is given by its name, as text or under a key, or
// as it is.
func (r reader) refOrInline(kind, key string, n config.Node) config.Node {
	if n.IsText() {
		return r.objects.spec(kind, n, config.Node{})
	}
	if ref := n.Mapping().Get(key); ref.Exists() {
		return r.objects.spec(kind, ref, config.Node{})
	}
	return r.objects.spec(kind, config.Node{}, n)
}

// condition reads a burn rule; ok is false if there is none, which is reported.
func (r reader) condition(spec config.Node) (rule foreign.Rule, ok bool) {
	if !spec.Exists() {
		return rule, false
	}
	m := spec.Mapping("description", "severity", "condition").Need("condition", "it has the burn rate").
		Mapping("kind", "op", "threshold", "lookbackWindow", "alertAfter")
	if kind := m.Get("kind"); kind.Exists() && kind.Text("burnrate") != "burnrate" {
		kind.Errorf("a condition has to be of the kind burnrate, not %q", kind.Text("burnrate"))
		return rule, false
	}
	if op := m.Get("op"); op.Exists() && op.Text("gt") != "gt" && op.Text("gt") != "gte" {
		op.Errorf("the burn rate has to be above the threshold (gt), not %q: as it is written, all is well while it is high", op.Text("gt"))
		return rule, false
	}
	rate := m.Need("threshold", "say the burn rate like 14.4")
	long, _, ok := duration(m.Need("lookbackWindow", "say it like 1h"))
	if !ok || !rate.Exists() {
		return rule, false
	}
	rule = foreign.Rule{Rate: rate.Text("a number like 14.4"), Long: long, Short: long / 12, From: rate}
	if after := m.Get("alertAfter"); after.Exists() {
		short, _, ok := duration(after)
		switch {
		case !ok:
			return rule, false
		case short > 0 && short < long:
			rule.Short = short
		}
	}
	return rule, true
}
