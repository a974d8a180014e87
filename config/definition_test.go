package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDefaultsCheckedAgain has defaults that are fine by themselves, and not for an slo that says
// something else.
func TestDefaultsCheckedAgain(t *testing.T) {
	const indicator = "indicator: {ratio: {bad: errors_total, total: requests_total}}"
	tests := []struct {
		name, defaults, slo string
		problems            []string
	}{
		{"rules of another target", "target: 99.9%, incident: {burn: [{rate: 14.4, long: 1h, short: 5m}]}", "target: 91%, " + indicator, []string{
			"1:52: a rule of rate 14.4 can never fire for a target of 91 %: all events bad burn at 11.11; give lower rates",
		}},
		{"rules of another window", "target: 99.9%, incident: {burn: [{rate: 1, long: 3d, short: 6h}]}", "window: 1d, " + indicator, []string{
			"1:61: a rule's long window must be at most the objective's window of 1d, not 3d",
		}},
		{"rules of the slo, where few events are enough", "target: 99.9%, incident: {burn: [], min_bad_events: 1}, " + indicator, "incident: {burn: [{rate: 2, long: 1h, short: 5m}]}", []string{
			"1:64: warning: one bad event can fire a rule where there is little traffic; 10 are the default",
		}},
		{"an indicator of the slo that has events", "target: 99.9%, indicator: {sampled: {error_ratio: a}}, incident: {min_bad_events: 1}", indicator, []string{
			"1:94: warning: one bad event can fire a rule where there is little traffic; 10 are the default",
		}},
		{"default rules for another target", "target: 99.9%", "target: 91%, " + indicator, []string{
			"3:36: warning: the default rule of rate 14.4 can never fire for a target of 91 %: all events bad burn at 11.11; give lower rates in incident.burn",
		}},
		{"no rules, and no budget of the slo", "target: 99.9%, incident: {burn: []}", "incident: {budget: false}, " + indicator, []string{
			"1:44: warning: no rules and no budget: nothing is ever an incident of this objective",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defaults := "defaults: {" + test.defaults + "}\n"
			if _, problems := Native([]byte(defaults+"slos:\n- {name: a, service: shop, target: 99%, "+indicator+", incident: {burn: [], budget: true}}\n"), "slo.yaml"); len(problems) > 0 {
				t.Errorf("the defaults by themselves: %v", problems)
			}
			_, problems := Native([]byte(defaults+"slos:\n- {name: a, service: shop, "+test.slo+"}\n"), "slo.yaml")
			var got []string
			for _, p := range problems {
				got = append(got, strings.TrimPrefix(p.String(), "slo.yaml:"))
			}
			if diff := cmp.Diff(test.problems, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDefaultsCount reads many slos with long queries as a default: those that have them are too
// much text, and those with queries of their own are not.
func TestDefaultsCount(t *testing.T) {
	for _, test := range []struct{ own, want string }{
		{"", "too much text: with all aliases and defaults filled in, a file may have 32 MiB"},
		{", evidence: {queries: {}}", ""},
	} {
		var doc strings.Builder
		doc.WriteString("defaults:\n  {service: shop, target: 99%, indicator: {ratio: {bad: errors_total, total: requests_total}}, evidence: {queries: {")
		for i := range maxEvidenceQueries {
			fmt.Fprintf(&doc, "q%d: %s, ", i, strings.Repeat("x", maxQuery))
		}
		doc.WriteString("}}}\nslos:\n")
		for i := range 500 {
			fmt.Fprintf(&doc, "- {name: s%d%s}\n", i, test.own)
		}
		_, problems := Native([]byte(doc.String()), "slo.yaml")
		if got := strings.Join(texts(problems), "\n"); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("own keys %q: got %.300s, want %s", test.own, got, test.want)
		}
	}
}

// TestDefaultsAreShared has two slos of the same defaults: what they do not say themselves is there
// once.
func TestDefaultsAreShared(t *testing.T) {
	got, problems := Native([]byte(`
defaults:
  target: 99.9%
  source: eu
  indicator: {latency: {histogram: d_seconds, threshold: 1s}}
  incident: {burn: [{rate: 2, long: 1h, short: 5m}]}
  links: {runbook: https://example.org/r}
slos:
- {name: a, service: shop}
- {name: b, service: shop, source: us, indicator: {ratio: {bad: errors_total, total: requests_total}}}
- {name: c, service: shop, target: 99%, links: {dashboard: https://example.org/d}}
`), "slo.yaml")
	if len(problems) > 0 || len(got) != 3 {
		t.Fatalf("definitions %v, problems %v", got, problems)
	}
	a, b, c := got[0], got[1], got[2]
	if &a.Policy.Severities[0] != &b.Policy.Severities[0] || &a.Policy.Rules[0] != &b.Policy.Rules[0] || a.Objective.Indicator.Latency != c.Objective.Indicator.Latency {
		t.Error("what is the same is there twice")
	}
	if len(a.Objective.Links) != 1 || len(c.Objective.Links) != 2 {
		t.Errorf("links %v and %v", a.Objective.Links, c.Objective.Links)
	}
	places := [][]Place{
		{{"source", Position{"slo.yaml", 4, 11}}, {"indicator.latency.histogram", Position{"slo.yaml", 5, 36}}, {"indicator.latency.threshold", Position{"slo.yaml", 5, 58}}},
		{{"source", Position{"slo.yaml", 10, 36}}, {"indicator.ratio.bad", Position{"slo.yaml", 10, 65}}, {"indicator.ratio.total", Position{"slo.yaml", 10, 86}}},
	}
	if diff := cmp.Diff(places, [][]Place{a.Places, b.Places}); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if at, want := b.At("source"), (Position{"slo.yaml", 10, 36}); at != want || b.At("indicator.bool") != b.Position {
		t.Errorf("the source is at %s, want %s; what is not said is at %s", at, want, b.At("indicator.bool"))
	}
}
