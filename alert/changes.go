package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// JudgesAs reports whether two definitions find the same breaches in the same events: their
// targets, windows and rules are equal.
func (d Definition) JudgesAs(other Definition) bool { return d.judges() == other.judges() }

func (d Definition) judges() string {
	return digest(d.Objective.Target, d.Objective.Window, d.Policy.Rules, d.Policy.Budget, d.Policy.MinBadEvents)
}

// Changes returns one short text for each change between two definitions, for example "target 95 %
// → 99.9 %". It is empty if the fold sees no difference.
func Changes(from, to Definition) []string {
	var all []string
	add := func(name, before, after string) {
		if before != after {
			all = append(all, name+" "+before+" → "+after)
		}
	}
	if !from.SameEvents(to) {
		all = append(all, "other events are counted: its history begins anew")
		after := eventTexts(to.Objective)
		for i, before := range eventTexts(from.Objective) {
			add(before.key, before.text, after[i].text)
		}
	}
	a, b := from.Policy, to.Policy
	add("target", from.Objective.Target.Percent(), to.Objective.Target.Percent())
	add("window", from.Objective.Window.String(), to.Objective.Window.String())
	add("delay", span(from.Objective.Delay), span(to.Objective.Delay))
	for _, r := range a.Rules {
		if !slices.Contains(b.Rules, r) {
			all = append(all, "without the rule "+r.text())
		}
	}
	for _, r := range b.Rules {
		if !slices.Contains(a.Rules, r) {
			all = append(all, "with the rule "+r.text())
		}
	}
	add("budget", strconv.FormatBool(a.Budget), strconv.FormatBool(b.Budget))
	add("min_bad_events", number(a.MinBadEvents), number(b.MinBadEvents))
	add("hold", span(a.Hold), span(b.Hold))
	add("merge_gap", span(a.MergeGap), span(b.MergeGap))
	add("group", named(a.Group), named(b.Group))
	add("repository", named(a.Repository), named(b.Repository))
	add("severity", severityText(a.Severities), severityText(b.Severities))
	add("blind", a.Blind.text(), b.Blind.text())
	add("quiet", a.Quiet.text(), b.Quiet.text())
	return all
}

// eventText is a key of the SLO file that says which events are counted, and its value.
type eventText struct{ key, text string }

// eventTexts are those of an objective, always the same keys; a key that is not there is "none".
func eventTexts(o slo.Objective) (all []eventText) {
	add := func(key, text string) { all = append(all, eventText{key, cmp.Or(shortQuery(text), "none")}) }
	ratio, latency, sampled := cmp.Or(o.Indicator.Ratio, &slo.Ratio{}), cmp.Or(o.Indicator.Latency, &slo.Latency{}), cmp.Or(o.Indicator.Sampled, &slo.Sampled{})
	add("source", cmp.Or(o.Source, slo.DefaultSource))
	add("indicator.ratio.bad", ratio.Bad)
	add("indicator.ratio.good", ratio.Good)
	add("indicator.ratio.total", ratio.Total)
	add("indicator.latency.histogram", latency.Histogram)
	add("indicator.latency.threshold", length(latency.Threshold))
	add("indicator.latency.unit", length(latency.Unit))
	add("indicator.bool", o.Indicator.Bool)
	add("indicator.sampled.bad", sampled.Bad)
	add("indicator.sampled.total", sampled.Total)
	add("indicator.sampled.error_ratio", sampled.ErrorRatio)
	add("group_by", strings.Join(o.GroupBy, ", "))
	add("exclude", o.Exclude)
	return all
}

// shortQuery is PromQL on one line, fit for a list of changes.
func shortQuery(text string) string {
	const most = 160
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// length writes a duration that may be shorter than a millisecond; 0 is nothing.
func length(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (r Rule) text() string {
	return fmt.Sprintf("%s over %s and %s", r.Rate, span(r.Long), span(r.Short))
}

func (p BlindPolicy) text() string {
	if !p.Issue {
		return "no issue"
	}
	return "an issue after " + span(p.After)
}

func (p QuietPolicy) text() string {
	p = p.OrDefault()
	if p.Below.IsZero() {
		return "never"
	}
	text := "below " + p.Below.Percent() + " for " + span(p.After)
	if p.Issue {
		text += ", an issue"
	}
	return text
}

func severityText(levels []Severity) string {
	var texts []string
	for _, s := range levels {
		var at []string
		if s.Outage > 0 {
			at = append(at, "an outage of "+span(s.Outage))
		}
		if !s.BudgetSpent.IsZero() {
			at = append(at, s.BudgetSpent.Percent()+" of the budget")
		}
		texts = append(texts, strconv.Itoa(s.Level)+" from "+strings.Join(at, " or "))
	}
	return cmp.Or(strings.Join(texts, ", "), "none")
}

// span writes a duration as SLO files do, for example "1h30m"; 0 is "default".
func span(d time.Duration) string {
	if d == 0 {
		return "default"
	}
	return slo.FormatDuration(d)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func named(name string) string { return cmp.Or(name, "default") }
