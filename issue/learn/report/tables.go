package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

// What a text or a page shows at most; JSON has all.
const (
	mostServices   = 100
	mostObjectives = 200
	mostPerService = 20
)

// shown returns the services that have room, each with the objectives that spent most of their
// budget, and how many objectives are left out. Services with incidents come before those without.
func (r Report) shown() (services []Service, leftOut int) {
	all := slices.Clone(r.Services)
	busy := func(s Service) int { return min(1, s.Incidents.Now.Count) }
	slices.SortStableFunc(all, func(a, b Service) int { return cmp.Compare(busy(b), busy(a)) })
	room := mostObjectives
	for n, s := range all {
		objectives := s.Objectives
		if n >= mostServices {
			objectives = nil
		}
		if most := min(room, mostPerService); len(objectives) > most {
			objectives = slices.SortedStableFunc(slices.Values(objectives), func(a, b Objective) int { return cmp.Compare(spent(b), spent(a)) })[:most]
			slices.SortFunc(objectives, func(a, b Objective) int { return strings.Compare(a.name, b.name) })
		}
		leftOut += len(s.Objectives) - len(objectives)
		room -= len(objectives)
		s.Objectives = objectives
		if len(objectives) > 0 {
			services = append(services, s)
		}
	}
	return services, leftOut
}

// leaveOutDays keeps the days of the objectives that are shown: those of thousands have no readers.
func (r Report) leaveOutDays() {
	services, leftOut := r.shown()
	if leftOut == 0 {
		return
	}
	shown := map[string]bool{}
	for _, s := range services {
		for _, o := range s.Objectives {
			shown[o.name] = true
		}
	}
	for _, s := range r.Services {
		for n := range s.Objectives {
			if o := &s.Objectives[n]; !shown[o.name] {
				o.Days = []Day{}
			}
		}
	}
}

func spent(o Objective) float64 {
	if o.Now.Spent == nil {
		return -1
	}
	return *o.Now.Spent
}

// attainedText writes what was attained with enough digits to tell it from the target, such as
// "99.89 %" for 99.9 %.
func attainedText(o Objective, a Attained) string {
	if a.Ratio == nil {
		return notKnown(a)
	}
	return ratioText(*a.Ratio, o.target)
}

// ratioText writes a share of good events in per cent, with two digits more than its target has. It
// is 100 % only if all were good, and never on the target's wrong side.
func ratioText(ratio, target float64) string {
	places := 2
	if target > 0 && target < 1 {
		places = min(8, max(2, int(math.Ceil(-math.Log10(1-target)-1e-9))))
	}
	for ; places < 10; places++ {
		text := humanize.Decimal(ratio*100, places)
		if (text == "100" && ratio < 1) || (text == humanize.Decimal(target*100, places) && math.Abs(ratio-target) > 1e-12) {
			continue
		}
		return text + " %"
	}
	return humanize.Decimal(ratio*100, places) + " %"
}

func percentText(ratio float64) string { return humanize.Decimal(ratio*100, 8) + " %" }

// notKnown says why there is no number.
func notKnown(a Attained) string {
	switch {
	case a.Since == nil:
		return "not known"
	case a.Known > 0 && a.Blind >= a.Known:
		return "no data"
	}
	return "no events"
}

func targetText(o Objective) string {
	if o.target == 0 {
		return "not known"
	}
	return percentText(o.target)
}

// spentText is the share of the period's budget that is spent.
func spentText(a Attained) string {
	if a.Spent == nil {
		return notKnown(a)
	}
	return humanize.Percent(*a.Spent)
}

// badText is how many events were bad, and how many of them in incidents.
func badText(a Attained) string {
	if a.Since == nil {
		return notKnown(a)
	}
	return fmt.Sprintf("%s of %s", humanize.Count(a.Bad), humanize.Count(a.Total))
}

// blindText is the time without data, for a sentence.
func blindText(seconds float64) string {
	if seconds <= 0 {
		return "no time"
	}
	return lengthText(seconds)
}

// blindCell is the same for a table.
func blindCell(a Attained) string {
	switch {
	case a.Since == nil:
		return notKnown(a)
	case a.Blind <= 0:
		return "none"
	}
	return shortText(a.Blind)
}

func lengthText(seconds float64) string {
	return humanize.Duration(time.Duration(seconds * float64(time.Second)))
}

func shortText(seconds float64) string {
	return humanize.ShortDuration(time.Duration(seconds * float64(time.Second)))
}

// sinceText says from when on an objective is known, if that is not all of a period.
func sinceText(a Attained, p Period) string {
	if a.Since == nil || !a.Since.After(p.Start) {
		return ""
	}
	return "not known before " + a.Since.UTC().Format("2 January")
}

// fact is a row of the table of incidents.
type fact struct{ What, Now, Before string }

// facts are the figures of incidents, in words.
func (i Incidents) facts() []fact {
	var all []fact
	row := func(what string, write func(Figures) string) {
		all = append(all, fact{what, write(i.Now), write(i.Before)})
	}
	number := func(what string, n func(Figures) int) {
		if n(i.Now) > 0 || n(i.Before) > 0 {
			row(what, func(f Figures) string { return humanize.Number(float64(n(f))) })
		}
	}
	row("Incidents", func(f Figures) string {
		text := humanize.Number(float64(f.Count))
		if f.Open > 0 {
			text += fmt.Sprintf(", %d still open", f.Open)
		}
		return text
	})
	for _, level := range i.levels() {
		name := fmt.Sprintf("of severity %d", level)
		if level == 0 {
			name = "that did little harm (no severity)"
		}
		number(name, func(f Figures) int { return f.severity(level) })
	}
	number("about missing data", func(f Figures) int { return f.Blind })
	number("about too little traffic", func(f Figures) int { return f.Quiet })
	if i.Now.Detect != nil || i.Before.Detect != nil {
		row("Time to detect", func(f Figures) string { return f.Detect.text() })
	}
	if i.Now.Recover != nil || i.Before.Recover != nil {
		row("Time to recover", func(f Figures) string { return f.Recover.text() })
	}
	if i.Now.Promised > 0 || i.Before.Promised > 0 {
		row("Follow-ups promised", func(f Figures) string {
			return fmt.Sprintf("%s, %s of them kept by now", humanize.Number(float64(f.Promised)), humanize.Number(float64(f.Kept)))
		})
	}
	number("Noise, counted nowhere else", func(f Figures) int { return f.Noise })
	number("Duplicates, counted nowhere else", func(f Figures) int { return f.Duplicates })
	return all
}

// levels are the severities of both periods, worst first.
func (i Incidents) levels() (all []int) {
	for _, l := range slices.Concat(i.Now.Severities, i.Before.Severities) {
		if !slices.Contains(all, l.Severity) {
			all = append(all, l.Severity)
		}
	}
	slices.SortFunc(all, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

func (f Figures) severity(level int) int {
	for _, l := range f.Severities {
		if l.Severity == level {
			return l.Count
		}
	}
	return 0
}

// Line is short, for a service: "5 incidents: 2 of severity 1 and 3 without severity; before: 4."
func (i Incidents) Line() string {
	now, before := i.Now.Count, i.Before.Count
	switch {
	case now == 0 && before == 0:
		return "No incident, as before."
	case now == 0:
		return fmt.Sprintf("No incident; before: %s.", humanize.Number(float64(before)))
	}
	var parts []string
	for _, l := range i.Now.Severities {
		name := fmt.Sprintf("%d of severity %d", l.Count, l.Severity)
		if l.Severity == 0 {
			name = fmt.Sprintf("%d without severity", l.Count)
		}
		parts = append(parts, name)
	}
	text := fmt.Sprintf("%s: %s; before: %s.", humanize.Plural(now, "incident"), humanize.List(parts), humanize.Number(float64(before)))
	if i.Now.Recover != nil {
		text += " Time to recover: " + i.Now.Recover.text() + "."
	}
	return text
}

// text is in words: "median 4 min, p90 12 min (15 incidents)".
func (t *Times) text() string {
	switch {
	case t == nil:
		return "none"
	case t.Count == 1:
		return shortText(t.Median) + " (1 incident)"
	case t.P90 == nil:
		return fmt.Sprintf("median %s, longest %s (%s)", shortText(t.Median), shortText(t.Longest), humanize.Plural(t.Count, "incident"))
	}
	return fmt.Sprintf("median %s, p90 %s (%s)", shortText(t.Median), shortText(*t.P90), humanize.Plural(t.Count, "incident"))
}

// notes say what the numbers are, and what is not in them.
func (r Report) notes() (all []string) {
	var since time.Time
	for _, o := range r.objectives() {
		if at := o.Now.Since; at != nil && (since.IsZero() || at.Before(since)) {
			since = *at
		}
	}
	if since.After(r.Period.Start) {
		all = append(all, "What objectives attained is not known before "+humanize.Date(since)+".")
	}
	if n := len(r.Excluded); n > 0 {
		all = append(all, humanize.Plural(n, "incident")+" that people excluded and the events of their breaches are left out.")
	}
	if r.Drills > 0 {
		all = append(all, humanize.Plural(r.Drills, "drill")+" left out.")
	}
	return append(all, "Budgets are those of the period itself: the share of its events that may be bad. Times are of single incidents, by rank; there is no mean, as one long incident would decide it.")
}
