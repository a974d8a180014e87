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

// JudgesAs reports whether two definitions find the same breaches in the same events: target,
// window and rules are the same.
func (d Definition) JudgesAs(other Definition) bool { return d.judges() == other.judges() }

func (d Definition) judges() string {
	return digest(d.Objective.Target, d.Objective.Window, d.Policy.Rules, d.Policy.Budget, d.Policy.MinBadEvents)
}

// Changes returns what of an objective's definition has changed, from what to what, one short text
// each: "target 95 % → 99.9 %". It is empty if they are the same to the fold.
func Changes(from, to Definition) []string {
	var all []string
	add := func(name, before, after string) {
		if before != after {
			all = append(all, name+" "+before+" → "+after)
		}
	}
	if !from.SameEvents(to) {
		all = append(all, "other events are counted: its history begins anew")
	}
	a, b := from.Policy, to.Policy
	add("target", from.Objective.Target.Percent(), to.Objective.Target.Percent())
	add("window", windowText(from.Objective.Window), windowText(to.Objective.Window))
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

func windowText(w slo.Window) string {
	switch {
	case w.Calendar == "":
		return span(w.Rolling)
	case w.Timezone == "":
		return "calendar " + w.Calendar
	}
	return "calendar " + w.Calendar + " (" + w.Timezone + ")"
}

// span writes a length of time as SLO files do: "1h30m"; the default is "default".
func span(d time.Duration) string {
	if d == 0 {
		return "default"
	}
	var text strings.Builder
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.length; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, unit.name)
			d -= n * unit.length
		}
	}
	return text.String()
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func named(name string) string { return cmp.Or(name, "default") }
