package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// one is a file with one whole slo, into which a case puts its own lines.
const one = `slos:
  - name: checkout
    service: shop
    target: 99.9%
    indicator: {ratio: {bad: errors_total, total: requests_total}}
`

func TestNative(t *testing.T) {
	got, problems := Native([]byte(`
defaults:
  window: 28d
  service: shop
  incident: {hold: 10m, group: slo}
  links: {dashboard: https://example.org/d}
slos:
  - name: checkout-availability
    description: Checkout requests succeed.
    owner: "@acme/checkout"
    target: 99.9%
    indicator:
      ratio:
        bad: http_requests_total{job="checkout",code=~"5.."}
        total: http_requests_total{job="checkout"}
    incident:
      burn:
        - {rate: 1, long: 3d, short: 6h}
        - {rate: 14.4, long: 1h, short: 5m}
      budget: false
      min_bad_events: 3
      merge_gap: 1h30m
    links: {runbook: https://example.org/r}
  - name: search
    service: search
    target: 0.95
    window: 7d
    delay: 2m
    indicator: {ratio: {good: 'good_total', total: 'all_total'}}
    incident: {group: service}
`), "slo.yaml")
	want := []Definition{
		{
			Objective: slo.Objective{
				Name: "checkout-availability", Service: "shop", Description: "Checkout requests succeed.", Owner: "@acme/checkout",
				Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: 28 * day},
				Indicator: slo.Indicator{Ratio: &slo.Ratio{
					Bad:   `http_requests_total{job="checkout",code=~"5.."}`,
					Total: `http_requests_total{job="checkout"}`,
				}},
				Links: map[string]string{"dashboard": "https://example.org/d", "runbook": "https://example.org/r"},
			},
			Issue: issue.Settings{Assign: issue.AssignOwner, Lint: true, RemindAfter: 30 * 24 * time.Hour},
			Policy: alert.Policy{
				Severities: defaultSeverities(),
				Rules: []alert.Rule{
					{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
					{Rate: slo.MustDecimal("1"), Long: 3 * day, Short: 6 * time.Hour},
				},
				MinBadEvents: 3, Hold: 10 * time.Minute, MergeGap: 90 * time.Minute, Group: "checkout-availability",
			},
			Position: Position{"slo.yaml", 8, 11},
			Places:   []Place{{"indicator.ratio.bad", Position{"slo.yaml", 14, 14}}, {"indicator.ratio.total", Position{"slo.yaml", 15, 16}}},
		},
		{
			Objective: slo.Objective{
				Name: "search", Service: "search", Target: slo.MustDecimal("0.95"), Window: slo.Window{Rolling: 7 * day}, Delay: 2 * time.Minute,
				Indicator: slo.Indicator{Ratio: &slo.Ratio{Good: "good_total", Total: "all_total"}},
				Links:     map[string]string{"dashboard": "https://example.org/d"},
			},
			Issue: issue.Settings{Assign: issue.AssignOwner, Lint: true, RemindAfter: 30 * 24 * time.Hour},
			Policy: alert.Policy{
				Severities: defaultSeverities(),
				Rules:      alert.DefaultRules(7 * day), Budget: true, MinBadEvents: 10, Hold: 10 * time.Minute,
				MergeGap: 30 * time.Minute, Group: "search",
			},
			Position: Position{"slo.yaml", 24, 11},
			Places:   []Place{{"indicator.ratio.good", Position{"slo.yaml", 29, 31}}, {"indicator.ratio.total", Position{"slo.yaml", 29, 52}}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(slo.Decimal{})); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	alertPart := alert.Definition{Objective: got[0].Objective, Policy: got[0].Policy}
	if diff := cmp.Diff(alertPart, got[0].Alert(), cmp.AllowUnexported(slo.Decimal{})); diff != "" {
		t.Errorf("Alert (-want +got):\n%s", diff)
	}
}

func TestNativeDefaults(t *testing.T) {
	got, problems := Native([]byte(one), "slo.yaml")
	if len(problems) > 0 || len(got) != 1 {
		t.Fatalf("definitions %v, problems %v", got, problems)
	}
	want := alert.Policy{Rules: alert.DefaultRules(30 * day), Budget: true, MinBadEvents: 10, MergeGap: 30 * time.Minute, Group: "shop", Severities: defaultSeverities()}
	if diff := cmp.Diff(want, got[0].Policy, cmp.AllowUnexported(slo.Decimal{})); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if w := got[0].Objective.Window.Rolling; w != 30*day {
		t.Errorf("window is %v, want 30d", w)
	}
}

func TestNativeReadsAliases(t *testing.T) {
	got, problems := Native([]byte(`
defaults:
  indicator: &requests
    ratio: {bad: errors_total, total: requests_total}
slos:
  - &base
    name: a
    service: shop
    target: &three 99.9%
    incident: &tight {hold: 10m, min_bad_events: 3}
  - <<: *base
    name: b
    target: 99%
    incident:
      <<: [*tight, {hold: 1h, merge_gap: 1h}]
      min_bad_events: 2
  - {name: c, service: x, target: *three, indicator: *requests}
---
slos:
  - {name: d, service: x, target: 90.5%, indicator: {ratio: {bad: e_total, total: r_total}}, incident: {burn: []}}
`), "slo.yaml")
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	var text []string
	for _, d := range got {
		text = append(text, fmt.Sprintf("%s %s %s %s hold %s gap %s min %g", d.Objective.Name, d.Objective.Service, d.Objective.Target,
			d.Objective.Indicator.Ratio.Bad, d.Policy.Hold, d.Policy.MergeGap, d.Policy.MinBadEvents))
	}
	want := []string{
		"a shop 0.999 errors_total hold 10m0s gap 30m0s min 3",
		"b shop 0.99 errors_total hold 10m0s gap 1h0m0s min 2",
		"c x 0.999 errors_total hold 0s gap 30m0s min 10",
		"d x 0.905 e_total hold 0s gap 30m0s min 10",
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
}

func TestNativeProblems(t *testing.T) {
	tests := []struct {
		name string
		doc  string
		want []string // lines; none: it is fine
	}{
		{"empty", "", []string{"1:1: no slos: the file is empty; list objectives under the key slos"}},
		{"a comment", "# nothing\n---\n---\n", []string{"1:1: no slos: the file is empty; list objectives under the key slos"}},
		{"defaults only", "defaults: {window: 7d}\n", []string{"1:1: no slos: list objectives under the key slos"}},
		{"an empty list", "slos: []\n", []string{"1:7: no slos: the list is empty"}},
		{"slos of the wrong kind", "slos: {name: x}\n", []string{"1:7: slos must be a list of slos, not a mapping"}},
		{"a list as file", "- name: x\n", []string{"1:1: an SLO file must be a mapping of keys to values, not a list"}},
		{"an slo of the wrong kind", "slos: [checkout]\n", []string{`1:8: an slo must be a mapping of keys to values, not "checkout"`}},
		{"syntax", "slos:\n  - name: [x\n    b: 1\n", []string{"3:6: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence at line 2"}},
		{"a tab", "slos:\n\t- name: x\n", []string{"2:1: not valid YAML: found character that cannot start any token while scanning for the next token"}},
		{"a control character", "slos:\n - é\x01\n", []string{"2:5: not valid YAML: control characters are not allowed (value: 1)"}},
		{"an unknown anchor", "slos: *x\n", []string{"1:7: not valid YAML: unknown anchor 'x' referenced"}},

		{"missing keys", "slos:\n  - owner: x\n", []string{
			"2:5: indicator is missing; say what is measured, with indicator.ratio, latency, bool or sampled",
			"2:5: name is missing; give it one like checkout-availability",
			"2:5: service is missing; say whose objective it is",
			"2:5: target is missing; say how much has to be good, like 99.9%",
		}},
		{"a misspelt key", one + "    indicater: {}\n", []string{`6:5: unknown key "indicater"; did you mean indicator?`}},
		{"a misspelt key is no missing one", strings.ReplaceAll(one, "target: 99.9%", "tagret: 999"), []string{
			`4:5: unknown key "tagret"; did you mean target?`,
			`4:13: target must be between 0 and 100 %, not 999: write it like "99.9%" or 0.999`,
		}},
		{"label names", one + "    group_by: [region, region, __name__, \"a b\", [x]]\n", []string{
			"6:24: group_by names region twice", "6:32: group_by: a label's name is like region or service.name, not \"__name__\"",
			"6:42: group_by: a label's name is like region or service.name, not \"a b\"", "6:49: group_by must be a label's name, not a list",
		}},
		{"label names that PromQL quotes", one + "    group_by: [service.name, größe]\n", nil},
		{"no label names", one + "    group_by: []\n", []string{"6:15: group_by is empty; name a label, as in [region], or leave it out"}},
		{"a key that nothing is like", one + "    zzz: 1\n", []string{
			`6:5: unknown key "zzz"; an slo has name, service, description, owner, target, window, source, indicator, group_by, delay, exclude, incident, issue, evidence, report, links`,
		}},
		{"an unknown key of the file", one + "slo: []\n", []string{`6:1: unknown key "slo"; did you mean slos?`}},
		{"a key that is not text", one + "    [a]: 1\n", []string{"6:5: a key of an slo must be text, not a list"}},
		{"a duplicate key", one + "    service: b\n", []string{`6:5: duplicate key "service"; it is at line 3 already`}},
		{"an empty value", one + "    owner:\n", []string{
			`6:11: owner is empty; give it a value (a GitHub user or team like "@acme/checkout") or leave it out`,
		}},
		{"merging itself", "slos:\n  - &a\n    <<: *a\n    name: x\n", []string{
			"2:5: a mapping can't merge itself",
			"2:5: indicator is missing; say what is measured, with indicator.ratio, latency, bool or sampled",
			"2:5: service is missing; say whose objective it is",
			"2:5: target is missing; say how much has to be good, like 99.9%",
		}},
		{"merging text", one + "    <<: text\n", []string{`6:9: << takes a mapping or a list of mappings, not "text"`}},
		{"a name in defaults", "defaults: {name: x}\n" + one, []string{
			"1:12: defaults can't have a name, because names must be unique; give each slo its own",
		}},
		{"a mistake in defaults is told once", "defaults: {window: 5x}\n" + one + strings.ReplaceAll(strings.TrimPrefix(one, "slos:\n"), "checkout", "b"), []string{
			`1:20: window must be a duration like 30d, or {calendar: month}, not "5x"`,
		}},
		{"a mistake in defaults that nobody uses", "defaults: {service: ''}\n" + one, []string{
			`1:21: service must have 1 to 63 printable characters, not ""`,
		}},
		{"links", one + "    links: {runbook: example.org, \"\\e\": https://example.org}\n", []string{
			`6:22: links.runbook must be a URL like https://example.org/runbook, not "example.org"`,
			`6:35: a link's name must have 1 to 63 printable characters, not "\x1b"`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			definitions, problems := Native([]byte(test.doc), "slo.yaml")
			agrees(t, test.doc, problems)
			if diff := cmp.Diff(test.want, lines(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if test.want == nil && len(definitions) == 0 {
				t.Error("no definitions")
			}
		})
	}
}

// lines are problems without the file's name.
func lines(problems []Problem) (text []string) {
	for _, p := range problems {
		text = append(text, strings.TrimPrefix(p.String(), "slo.yaml:"))
	}
	return text
}

func TestNativeValues(t *testing.T) {
	const header = "slos: [{name: a, service: s, target: 99%, indicator: {ratio: {bad: e_total, total: r_total}},\n"
	tests := []struct {
		value string // in line 2, of an slo that is fine without it
		want  string // empty: it is fine
	}{
		{"window: 90d", ""},
		{"window: 10m", ""},
		{"window: 91d", "2:9: window must be longer than 0 and at most 90d, not 91d"},
		{"window: 0d", "2:9: window must be longer than 0 and at most 90d, not 0d"},
		{"window: 30", `2:9: window must be a duration like 30d, or {calendar: month}, not "30"`},
		{"window: -3d", `2:9: window must be a duration like 30d, or {calendar: month}, not "-3d"`},
		{"window: [30d]", "2:9: window must be a duration like 30d, or {calendar: month}, not a list"},
		{"window: {calendar: week}", ""},
		{"window: {calendar: month, timezone: Europe/Berlin}", ""},
		{"window: {calendar: quarter, timezone: Asia/Kathmandu}", ""},
		{"window: {timezone: UTC}", "2:9: window.calendar is missing; it is week, month or quarter"},
		{"window: {calendar: year}", `2:20: window.calendar must be week, month or quarter, not "year"`},
		{"window: {calendar: ''}", `2:20: window.calendar must be week, month or quarter, not ""`},
		{"window: {calendar: month, timezone: Berlin}", `2:37: window.timezone must be the name of a time zone like Europe/Berlin, not "Berlin"`},
		{"window: {calendar: month, timezone: Local}", `2:37: window.timezone must be the name of a time zone like Europe/Berlin, not "Local"`},
		{"window: {calendar: month, timezon: UTC}", `2:27: unknown key "timezon"; did you mean timezone?`},
		{"window: {calendar: week},\nincident: {burn: [{rate: 2, long: 8d, short: 5m}]}",
			"3:35: a rule's long window must be at most the objective's window of 1w, not 8d"},
		{"delay: 2m", ""},
		{"delay: 0s", "2:8: delay must be longer than 0 and at most 1h, not 0s; leave it out for POSTBURN_DELAY"},
		{"delay: 2h", "2:8: delay must be longer than 0 and at most 1h, not 2h; leave it out for POSTBURN_DELAY"},
		{"delay: soon", `2:8: delay must be a duration like 2m, not "soon"`},
		{"exclude: maintenance == 1", ""},
		{"exclude: ''", "2:10: exclude is empty; give it PromQL that is true while work is planned, like maintenance_mode == 1"},
		{"exclude: maintenance ==", "2:24: exclude: it does not parse as PromQL: unexpected end of input"},
		{"exclude: 'a == 1 or b == 1'", "2:11: exclude: or keeps the values that are compared, and has none where it is false: compare with bool, and multiply where both must hold, " +
			"as in (max(a) < bool 1) * (max(b) < bool 2)"},
		{"incident: {blind: {after: 5m, issue: true}}", ""},
		{"incident: {blind: {after: 0s}}", "2:27: incident.blind.after must be longer than 0: one failed scrape is no reason for an issue"},
		{"incident: {blind: {after: soon}}", `2:27: incident.blind.after must be a duration like 15m, not "soon"`},
		{"incident: {blind: {issue: 1}}", `2:27: incident.blind.issue must be true or false, not "1"`},
		{"incident: {blind: {for: 1m}}", `2:20: unknown key "for"; incident.blind has after, issue`},
		{"incident: {blind: true}", `2:19: incident.blind must be a mapping of keys to values, not "true"`},
		{"incident: {quiet: {below: 10%, after: 15m, issue: true}}", ""},
		{"incident: {quiet: {below: 0%}}", ""},
		{"incident: {quiet: {below: 100%}}", "2:27: incident.quiet.below must be less than 100 %, not 100 %: traffic a little below the usual is no news"},
		{"incident: {quiet: {below: 10}}", `2:27: incident.quiet.below must be a percentage like 10%, not 10: write "10%"`},
		{"incident: {quiet: {after: 0s}}", "2:27: incident.quiet.after must be longer than 0"},
		{"incident: {quiet: {after: 7h}}", "2:27: incident.quiet.after must be at most 6h, not 7h"},
		{"incident: {quiet: {for: 1m}}", `2:20: unknown key "for"; incident.quiet has below, after, issue`},
		{"incident: {quiet: true}", `2:19: incident.quiet must be a mapping of keys to values, not "true"`},
		{"incident: {hold: 0s}", ""},
		{"incident: {hold: 5x}", `2:18: incident.hold must be a duration like 5m, not "5x"`},
		{"incident: {merge_gap: 5m3h}", `2:23: incident.merge_gap must be a duration like 30m, not "5m3h"`},
		{"incident: {budget: yes}", `2:20: incident.budget must be true or false, not "yes"`},
		{"incident: {budget: True}", ""},
		{"incident: {group: team}", `2:19: incident.group must be service or slo, not "team"`},
		{"incident: {min_bad_events: 2}", ""},
		{"incident: {min_bad_events: 1, burn: []}", ""},
		{"incident: {min_bad_events: 0}", "2:28: warning: one bad event can fire a rule where there is little traffic; 10 are the default"},
		{"incident: {min_bad_events: 1}", "2:28: warning: one bad event can fire a rule where there is little traffic; 10 are the default"},
		{"incident: {min_bad_events: 10%}", `2:28: incident.min_bad_events must be a whole number of events like 10, not "10%"`},
		{"incident: {min_bad_events: 1.5}", `2:28: incident.min_bad_events must be a whole number of events like 10, not "1.5"`},
		{"incident: {min_bad_events: -1}", `2:28: incident.min_bad_events must be a whole number of events like 10, not "-1"`},
		{"incident: [hold]", "2:11: incident must be a mapping of keys to values, not a list"},
		{"incident: {burn: {rate: 2}}", "2:18: incident.burn must be a list of rules like {rate: 14.4, long: 1h, short: 5m}, not a mapping"},
		{"incident: {burn: [2]}", `2:19: a rule must be a mapping of keys to values, not "2"`},
		{"incident: {burn: [{rate: 2, long: 1h}]}", "2:19: short is missing; a rule is like {rate: 14.4, long: 1h, short: 5m}"},
		{"incident: {burn: [{rate: 0.9, long: 1h, short: 5m}]}",
			"2:26: incident.burn.rate must be at least 1, not 0.9: a slower burn leaves budget over at the window's end"},
		{"incident: {burn: [{rate: 200%, long: 1h, short: 5m}]}", `2:26: incident.burn.rate must be a number like 14.4, not "200%"`},
		{"incident: {burn: [{rate: 99.99, long: 1h, short: 5m}]}", ""},
		{"incident: {burn: [{rate: 100, long: 1h, short: 5m}]}",
			"2:26: a rule of rate 100 can never fire for a target of 99 %: all events bad burn at 100; give lower rates"},
		{"incident: {burn: [{rate: 2, long: 1h, short: 0s}]}", "2:46: incident.burn.short must be longer than 0"},
		{"incident: {burn: [{rate: 2, long: 1h, short: 60m}]}",
			"2:46: a rule's short window must be shorter than its long one of 1h, not 1h: a twelfth of it is usual"},
		{"incident: {burn: [{rate: 2, long: 31d, short: 5m}]}",
			"2:35: a rule's long window must be at most the objective's window of 30d, not 31d"},
		{"incident: {burn: [{rate: 2, long: 30d, short: 5m}]}", ""},
		{"incident: {burn: [], budget: false}",
			"2:18: warning: no rules and no budget: nothing is ever an incident of this objective"},
		{"description: " + strings.Repeat("x", 1000), ""},
		{"description: " + strings.Repeat("x", 1001), "2:14: description must have at most 1000 characters, not 1001"},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			_, problems := Native([]byte(header+test.value+"}]\n"), "slo.yaml")
			agrees(t, header+test.value+"}]\n", problems)
			if got := strings.Join(lines(problems), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNativeNameAndService(t *testing.T) {
	tests := []struct {
		key, value string
		want       string
	}{
		{"name", strings.Repeat("a", 63), ""},
		{"name", strings.Repeat("a", 64), "2:7: name must have at most 63 characters, not 64"},
		{"name", "Checkout", `2:7: name must be made of a-z, 0-9 and -, not "Checkout"`},
		{"name", "check_out", `2:7: name must be made of a-z, 0-9 and -, not "check_out"`},
		{"name", "''", `2:7: name must be made of a-z, 0-9 and -, not ""`},
		{"service", "Kasse für Österreich", ""},
		{"service", "' '", `2:10: service must have 1 to 63 printable characters, not " "`},
		{"service", `"a\nb"`, `2:10: service must have 1 to 63 printable characters, not "a\nb"`},
		{"service", strings.Repeat("ü", 63), ""},
		{"service", strings.Repeat("ü", 64), `2:10: service must have 1 to 63 printable characters, not "` + strings.Repeat("ü", 60) + `..."`},
	}
	for _, test := range tests {
		t.Run(test.key+" "+test.value, func(t *testing.T) {
			values := map[string]string{"name": "a", "service": "s"}
			delete(values, test.key)
			doc := "slos: [{target: 99%, indicator: {ratio: {bad: e_total, total: r_total}},\n" + test.key + ": " + test.value + ",\n"
			for key, value := range values {
				doc += key + ": " + value + "}]\n"
			}
			_, problems := Native([]byte(doc), "slo.yaml")
			agrees(t, doc, problems)
			if got := strings.Join(lines(problems), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNativeTarget(t *testing.T) {
	tests := []struct {
		value string
		want  string // the target, or what is wrong
	}{
		{"99.9%", "0.999"},
		{`"99.95 %"`, "0.9995"},
		{"0.999", "0.999"},
		{"99.99999%", "0.9999999"},
		{"1%", "0.01"},
		{"999", `1:9: target must be between 0 and 100 %, not 999: write it like "99.9%" or 0.999`},
		{"99.9", `1:9: target must be between 0 and 100 %, not 99.9: write "99.9%"`},
		{"101%", `1:9: target must be between 0 and 100 %, not 101%: write it like "99.9%" or 0.999`},
		{"0", `1:9: target must be between 0 and 100 %, not 0: write it like "99.9%" or 0.999`},
		{"-5%", `1:9: target must be between 0 and 100 %, not -5%: write it like "99.9%" or 0.999`},
		{"100%", "1:9: target of 100 % never holds: a single bad event misses it; take less, like 99.9%"},
		{"1", "1:9: target of 100 % never holds: a single bad event misses it; take less, like 99.9%"},
		{"99.999999%", "1:9: target must have at most 5 decimal places in per cent, not 99.999999%"},
		{"high", `1:9: target must be a percentage like 99.9% or a ratio like 0.999, not "high"`},
		{"9e-1", `1:9: target must be a percentage like 99.9% or a ratio like 0.999, not "9e-1"`},
		{"{a: b}", "1:9: target must be a percentage like 99.9%, not a mapping"},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			doc := "target: " + test.value + "\n"
			d := newDocument([]byte(doc), "slo.yaml")
			found, _ := field{doc: d, value: d.parse([]byte(doc))[0]}.mapping(schemaOf("", "an slo"))
			target := readTarget(found["target"])
			got := target.String()
			if len(d.problems) > 0 {
				got = strings.Join(lines(d.problems), "\n")
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNativeWarnsOfDefaultRules(t *testing.T) {
	definitions, problems := Native([]byte(strings.ReplaceAll(one, "99.9%", "90%")), "slo.yaml")
	want := []string{
		"4:13: warning: the default rule of rate 14.4 can never fire for a target of 90 %: all events bad burn at 10; give lower rates in incident.burn",
	}
	if diff := cmp.Diff(want, lines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(definitions) != 1 || Failed(problems) {
		t.Errorf("definitions %v, failed %v: a warning stops nothing", definitions, Failed(problems))
	}
}
