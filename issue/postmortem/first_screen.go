package postmortem

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	// maxAlso is how many objectives beside the first are told of above the facts.
	maxAlso = 3
	// maxBrief is how many characters of a change are told above the facts.
	maxBrief = 80
)

// also tells of objectives that are worse than the headline's in some respect, a sentence each.
func also(i alert.Incident, worst alert.Window) (lines []string) {
	current, goesOn := current(i)
	told := map[string]bool{worst.ID().String(): true}
	if goesOn {
		told[current.ID().String()] = true
	}
	left := 0
	for _, w := range byBudgetSpent(i.Windows) {
		name := w.ID().String()
		respects := worseIn(w, worst)
		if w.Kind != worst.Kind || w.Kind != alert.Burn || told[name] || len(respects) == 0 {
			continue
		}
		if told[name] = true; len(lines) == maxAlso {
			left++
			continue
		}
		lines = append(lines, fmt.Sprintf("With %s: %s, %s.", humanize.List(respects), Code(name), share(w)))
	}
	if left > 0 {
		lines = append(lines, humanize.Plural(left, "more objective")+" like that: see Impact.")
	}
	return lines
}

// byBudgetSpent sorts windows, those that spent most first.
func byBudgetSpent(windows []alert.Window) []alert.Window {
	return slices.SortedStableFunc(slices.Values(windows), func(a, b alert.Window) int {
		return cmp.Or(-cmp.Compare(a.BudgetSpent, b.BudgetSpent), a.Onset.Compare(b.Onset))
	})
}

// worseIn names the respects in which a window is worse than another.
func worseIn(w, than alert.Window) (respects []string) {
	for _, r := range []struct {
		name  string
		worse bool
	}{
		{"a worse severity", w.Severity > 0 && (than.Severity == 0 || w.Severity < than.Severity)},
		{"a higher error ratio", w.ErrorRatio() > than.ErrorRatio()},
		{"more bad events", w.Bad > than.Bad},
		{"a higher peak burn rate", w.PeakBurnRate > than.PeakBurnRate},
		{"less budget left", w.BudgetLeft < than.BudgetLeft},
		{"an earlier onset", w.Onset.Before(than.Onset)},
		{"a later end", !than.IsOpen() && (w.IsOpen() || w.Ended.After(than.Ended))},
	} {
		if r.worse {
			respects = append(respects, r.name)
		}
	}
	return respects
}

// nowBad says how bad an open burn was in its last phase, and until when that is known.
func nowBad(i alert.Incident, c humanize.Clock) string {
	w := issue.Headline(i)
	if open, ok := current(i); ok {
		w = open
	}
	n := len(w.Phases)
	if !w.IsOpen() || w.Kind != alert.Burn || n == 0 || w.Phases[n-1].Total <= 0 {
		return ""
	}
	last := w.Phases[n-1]
	say := wordsOf(w.Objective.Indicator)
	return fmt.Sprintf("%s of %ss %s in the %s until %s", humanize.Percent(last.ErrorRatio()), say.noun, say.bad, humanize.Period(last.End.Sub(last.Start)), c.Of(last.End))
}

// next says what to open: the incident's page, Prometheus, and the objective's links, such as its
// runbook.
func next(f issue.Facts) (links []string) {
	if f.URL != "" {
		links = append(links, Link("this incident's page", f.URL))
	}
	if len(f.Queries) > 0 && f.Queries[0].URL != "" {
		links = append(links, Link("error ratio in Prometheus", f.Queries[0].URL))
	}
	return append(links, linksOf(issue.Headline(f.Incident))...)
}

// linksOf are the links of the SLO file.
func linksOf(w alert.Window) (links []string) {
	for _, name := range slices.Sorted(maps.Keys(w.Objective.Links)) {
		if link := Link(name, w.Objective.Links[name]); strings.HasPrefix(link, "[") {
			links = append(links, link)
		}
	}
	return links
}

// ago says how long before or after an onset a change was.
func ago(at, onset time.Time) string {
	switch d := onset.Sub(at); {
	case d >= time.Second:
		return humanize.Duration(d) + " before"
	case d <= -time.Second:
		return humanize.Duration(-d) + " after the onset"
	}
	return "at the onset"
}

// inBrief shortens a change: it leaves out names of targets, as in "Job shop: 6 targets started:
// 10.0.0.1:8080, ...", or else cuts the text at a space.
func inBrief(text string) string {
	if len([]rune(text)) <= maxBrief {
		return text
	}
	if parts := strings.SplitN(text, ": ", 3); len(parts) == 3 {
		text = parts[0] + ": " + parts[1]
	}
	runes := []rune(text)
	if len(runes) <= maxBrief {
		return text
	}
	cut := string(runes[:maxBrief])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	return strings.TrimRight(cut, " ,;:") + " …"
}

// about says what the objective is, who owns it, and where to look. An owner who is mentioned is
// named nowhere else.
func about(w alert.Window, mention []string) []string {
	text := Code(w.ID().String())
	if d := Escape(w.Objective.Description); d != "" {
		text += ": " + d
	}
	lines := append([]string{text}, owners(w, mention)...)
	if links := linksOf(w); len(links) > 0 {
		lines = append(lines, "Links: "+strings.Join(links, ", "))
	}
	return lines
}

// owners says who owns the objective, and others that are to be mentioned.
func owners(w alert.Window, mention []string) (lines []string) {
	owner := "@" + strings.TrimPrefix(w.Objective.Owner, "@")
	others := slices.DeleteFunc(slices.Clone(mention), func(m string) bool { return m == owner })
	switch {
	case len(others) < len(mention):
		lines = append(lines, "Owner: "+owner)
	case w.Objective.Owner != "":
		lines = append(lines, "Owner: "+Escape(w.Objective.Owner))
	}
	if len(others) > 0 {
		lines = append(lines, "Owners of other objectives: "+strings.Join(others, ", "))
	}
	return lines
}
