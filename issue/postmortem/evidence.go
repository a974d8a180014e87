package postmortem

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	// surge is how many times the usual traffic is told, and longSurge the length of a window from
	// which the hour before is no measure of it.
	surge     = 2
	longSurge = 3 * time.Hour
)

// contributors say where the bad events are, a sentence or two each.
func contributors(f issue.Facts) (lines []string) {
	for _, found := range f.Contributors {
		w, ok := contributed(f, found)
		if !ok {
			continue
		}
		say := wordsOf(w.Objective.Indicator)
		of := "the " + say.noun + "s"
		if len(f.Incident.Windows) > 1 {
			of += " of " + Code(w.ID().String())
		}
		var where []string
		for _, clause := range found.Where {
			where = append(where, said(clause, found.Outcome))
		}
		text := fmt.Sprintf("%s of %s that %s had %s.", humanize.Share(found.In.Bad, found.All.Bad), of, say.bad, strings.Join(where, " and "))
		if !found.Outcome {
			rest := found.All.Sub(found.In).Cut()
			text += fmt.Sprintf(" Of %ss like that, %s %s; of all others, %s.", say.noun, humanize.Percent(found.In.ErrorRatio()), say.bad, humanize.Percent(rest.ErrorRatio()))
		}
		lines = append(lines, text)
	}
	return lines
}

// brief says where the bad events are in a few words: "all of it on route `/cart`, 2 of 20 pods".
func brief(f issue.Facts) (lines []string) {
	for _, found := range f.Contributors {
		w, ok := contributed(f, found)
		if !ok || found.Outcome {
			continue
		}
		share, of := humanize.Share(found.In.Bad, found.All.Bad), "it"
		if share == "All" {
			share = "all"
		}
		if len(f.Incident.Windows) > 1 {
			of = "the bad events of " + Code(w.ID().String())
		}
		var one, several []string
		for _, clause := range found.Where {
			if len(clause.Values) == 1 {
				one = append(one, place(clause))
			} else {
				several = append(several, place(clause))
			}
		}
		lines = append(lines, fmt.Sprintf("%s of %s on %s", share, of, strings.Join(append(one, several...), ", ")))
	}
	return lines
}

// place names where something happened: "route `/cart`", "2 of 20 pods: `a`, `b`".
func place(c issue.Clause) string {
	if len(c.Values) == 1 {
		return Escape(c.Label) + " " + Code(c.Values[0])
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = Code(v)
	}
	label := Code(c.Label) + " values"
	if isNoun.MatchString(c.Label) {
		label = c.Label + "s"
	}
	return fmt.Sprintf("%d of %d %s (%s)", len(c.Values), c.Of, label, strings.Join(values, ", "))
}

// isNoun matches a label whose name has a regular plural.
var isNoun = regexp.MustCompile(`^[a-z]+[a-gi-rtw]$`)

// contributed returns the window whose bad events a contributor had part of.
func contributed(f issue.Facts, found issue.Contributor) (alert.Window, bool) {
	w, ok := windowFor(f.Incident, found.Of)
	return w, ok && found.All.Bad > 0 && len(found.Where) > 0
}

// said is a clause in words: `route="/cart"` (1 of 3).
func said(c issue.Clause, outcome bool) string {
	text := c.Label
	switch len(c.Values) {
	case 1:
		text = Code(c.Label + `="` + c.Values[0] + `"`)
	default:
		values := make([]string, len(c.Values))
		for i, v := range c.Values {
			values[i] = Code(v)
		}
		text = "a " + Code(text) + " out of " + strings.Join(values, ", ")
	}
	if outcome {
		return text
	}
	text += fmt.Sprintf(" (%d of %d", len(c.Values), c.Of)
	for i, also := range c.Also {
		before := ", "
		if i == 0 {
			before = "; the same as "
		}
		text += before + Code(also.Name+`="`+also.Value+`"`)
	}
	return text + ")"
}

// traffic says how the number of events differed from usual, and what a week before was like.
func traffic(f issue.Facts) (lines []string) {
	for _, t := range f.Traffic {
		w, ok := windowFor(f.Incident, t.Of)
		if !ok || t.Length <= 0 {
			continue
		}
		say := wordsOf(w.Objective.Indicator)
		if more := surgeOf(t, say); more != "" {
			lines = append(lines, more)
		}
		for _, u := range t.Usual {
			if u.When == issue.WeekBefore {
				lines = append(lines, fmt.Sprintf("In %s, %s of %s %s.", u.When, humanize.Percent(u.ErrorRatio()), events(u.Total, w), say.bad))
			}
		}
	}
	return lines
}

// surgeOf says how many times the usual the traffic was. It is empty if that is not known, or not
// much.
func surgeOf(t issue.Traffic, say words) string {
	var parts []string
	now, weekBefore := rate(t.Window, t.Length), false
	unit, name := 1.0, "second"
	if now < 10 {
		unit, name = 60, "minute"
	}
	for _, u := range t.Usual {
		before := rate(u.Counts, u.Length)
		if before <= 0 || now < surge*before {
			return ""
		}
		weekBefore = weekBefore || u.When == issue.WeekBefore
		parts = append(parts, fmt.Sprintf("%s times as many as in %s (%s)", humanize.Decimal(now/before, 1), u.When, humanize.Decimal(before*unit, 1)))
	}
	if say.measured != "" || len(parts) == 0 || t.Length > longSurge && !weekBefore {
		return ""
	}
	return fmt.Sprintf("There were %s %ss a %s: %s.", humanize.Decimal(now*unit, 1), say.noun, name, strings.Join(parts, " and "))
}

func rate(c slo.Counts, length time.Duration) float64 {
	if length <= 0 {
		return 0
	}
	return c.Total / length.Seconds()
}

// windowFor returns the worst breach window of an objective.
func windowFor(i alert.Incident, id slo.ID) (alert.Window, bool) {
	return windowOf(i, issue.Chart{Of: id})
}

// earlier lists incidents of the same objective.
func earlier(f issue.Facts) (intro string, lines []string) {
	if len(f.Earlier) == 0 {
		return "", nil
	}
	worst := issue.Headline(f.Incident)
	intro = fmt.Sprintf("%s had %s in the 90 days before", Code(worst.ID().String()), humanize.Plural(f.EarlierAll, "other incident"))
	if f.Noise > 0 {
		intro += fmt.Sprintf(" (%s closed as not planned)", humanize.Number(float64(f.Noise)))
	}
	if f.EarlierAll > len(f.Earlier) {
		intro += "; the latest"
		if len(f.Earlier) > 1 {
			intro += fmt.Sprintf(" %d", len(f.Earlier))
		}
	}
	for _, e := range f.Earlier {
		line := fmt.Sprintf("%s: %s %s over %s", Link(humanize.Minute(e.Onset), e.URL),
			events(e.Worst.Bad, e.Worst), wordsOf(e.Worst.Objective.Indicator).bad, humanize.Duration(until(e.Worst).Sub(e.Worst.Onset)))
		for _, task := range f.Unfinished {
			if task.Incident == e.ID {
				line += "\n  - Not done yet: " + followUp(task.FollowUp)
			}
		}
		lines = append(lines, line)
	}
	return intro + ":", lines
}

// workingDays is the number of days from Monday to Friday between an incident's end and its review.
const workingDays = 3

// maxPeople is how many are named beside the owners.
const maxPeople = 10

// review says by when to hold the post-mortem, and with whom.
func review(f issue.Facts) string {
	ended := issue.Ended(f.Incident)
	if ended.IsZero() || issue.Headline(f.Incident).Kind == alert.Budget {
		return ""
	}
	by := ended.UTC()
	for left := workingDays; left > 0; {
		by = by.AddDate(0, 0, 1)
		if by.Weekday() != time.Saturday && by.Weekday() != time.Sunday {
			left--
		}
	}
	text := fmt.Sprintf("Go through it together by %s (three working days after the end)", by.Format("Monday, 2006-01-02"))
	var owners []string
	for _, w := range f.Incident.Windows {
		owner := Escape(w.Objective.Owner)
		if owner != "" && !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	for _, login := range f.People[:min(len(f.People), maxPeople)] {
		owners = append(owners, Escape(login))
	}
	if len(owners) > 0 {
		text += ", with " + strings.Join(owners, ", ")
	}
	return text + "."
}

const (
	// hintsFrom is how long before the onset what changed is a hint, and maxHints and maxBefore how
	// many are given: the latest.
	hintsFrom = time.Hour
	maxHints  = 5
	maxBefore = 3
)

// hints are changes in the later half of the incident or a little after its end, such as a
// rollback. They may have ended it.
func hints(f issue.Facts, c humanize.Clock) []string {
	end, onset := issue.Ended(f.Incident), issue.Core(f.Incident).Onset()
	if end.IsZero() {
		return nil
	}
	return told(f, c, changed(f, issue.LaterHalf(onset, end), end.Add(issue.LookPast(f.Interval)), maxHints))
}

// before is what changed last before the onset, or in its first tick.
func before(f issue.Facts, c humanize.Clock) []string {
	return told(f, c, changedBefore(f))
}

// recent is the same in short, with how long before the onset.
func recent(f issue.Facts) (lines []string) {
	onset := issue.Core(f.Incident).Onset()
	for _, e := range changedBefore(f) {
		lines = append(lines, ago(e.Time, onset)+": "+Link(inBrief(e.Text), e.URL))
	}
	return lines
}

func changedBefore(f issue.Facts) []issue.Entry {
	if issue.Headline(f.Incident).Kind != alert.Burn {
		return nil
	}
	onset := issue.Core(f.Incident).Onset()
	return changed(f, onset.Add(-hintsFrom), onset.Add(f.Interval), maxBefore)
}

// told writes changes with their times.
func told(f issue.Facts, c humanize.Clock, changes []issue.Entry) (lines []string) {
	for _, e := range changes {
		lines = append(lines, c.Since(e.Time, issue.Core(f.Incident).Onset())+": "+Link(e.Text, e.URL))
	}
	return lines
}

// changed returns the latest changes of a stretch.
func changed(f issue.Facts, from, to time.Time, most int) (last []issue.Entry) {
	for _, e := range f.Timeline {
		if !e.Symptom && e.Time.After(from) && !e.Time.After(to) {
			last = append(last, e)
		}
	}
	slices.SortStableFunc(last, func(a, b issue.Entry) int { return a.Time.Compare(b.Time) })
	return last[max(0, len(last)-most):]
}
