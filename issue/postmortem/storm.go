package postmortem

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	// maxIncidents is how many incidents are listed if a publication is for many: the worst ones. A
	// tracker may shorten the table more.
	maxIncidents = 500
	// maxCaveats is how many objectives' caveats are listed then.
	maxCaveats = 30
)

// ManyView is what a template is given for a publication that is for many incidents. All strings
// are Markdown in which every untrusted part is inert.
type ManyView struct {
	Summary  string // how many there are, when they began, and what has become of them
	Worst    string // of the one that is worst
	Alone    bool   // there is one incident so far
	Digest   bool
	Ongoing  bool
	AsOf     string
	Rows     []IncidentRow // worst first
	Hidden   int           // incidents that are not listed
	Caveats  []string
	BurnRate string
	Edited   bool
	Pages    bool // the rows link to the incidents' pages
}

// IncidentRow is a row of the table of incidents.
type IncidentRow struct {
	WindowRow
	Service, Severity string
	Kinds             string // of its windows, the headline's first
	Page              string // a link to the incident's page; empty: there is none
	More              int    // of its objectives
}

// renderMany writes the text of a stage of a publication that is for many incidents.
func renderMany(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	if len(f.Incidents) == 0 {
		return issue.Text{}, fmt.Errorf("writing the %s text of a %s: it is for no incident", stage, f.Kind)
	}
	body, err := execute("many_"+string(stage)+".md.tmpl", newManyView(f))
	if err != nil {
		return issue.Text{}, fmt.Errorf("writing the %s text of a %s: %w", stage, f.Kind, err)
	}
	text := issue.Text{Body: body}
	if stage == issue.Opening {
		text.Title = manyTitle(f)
	}
	return text, nil
}

func newManyView(f issue.Facts) ManyView {
	c := humanize.NewClock(manyTimes(f)...)
	sorted := issue.WorstFirst(f.Incidents)
	worst := issue.Headline(sorted[0])
	v := ManyView{
		Summary: manySummary(f, c), Worst: summary(worst, c), Alone: len(f.Incidents) == 1, Digest: f.Kind == issue.Digest, Ongoing: burning(f) > 0,
		Hidden: max(0, len(sorted)-maxIncidents), BurnRate: burnRate(worst), Edited: f.Edited,
	}
	if !f.AsOf.IsZero() {
		v.AsOf = c.In(f.AsOf)
	}
	for _, i := range sorted[:len(sorted)-v.Hidden] {
		w := issue.Headline(i)
		row := IncidentRow{WindowRow: windowRow(w, c), Service: Escape(w.Objective.Service), Severity: "none", Kinds: kinds(i, w)}
		if page := f.Pages[i.ID]; page != "" {
			row.Page, v.Pages = Link("chart, timeline", page), true
		}
		if s := i.Severity(); s > 0 {
			row.Severity = strconv.Itoa(s)
		}
		if ended := issue.Ended(i); ended.IsZero() {
			row.End = stillOpen
		} else {
			row.End = c.Since(ended, w.Onset)
		}
		for n, other := range i.Windows {
			if other.ID() != w.ID() && !slices.ContainsFunc(i.Windows[:n], func(v alert.Window) bool { return v.ID() == other.ID() }) {
				row.More++
			}
		}
		v.Rows = append(v.Rows, row)
		if len(w.Caveats) > 0 && len(v.Caveats) < maxCaveats {
			var all []string
			for _, caveat := range w.Caveats {
				all = append(all, Escape(lessExact(caveat, f.Interval)))
			}
			v.Caveats = append(v.Caveats, Code(w.ID().String())+": "+strings.Join(all, "; "))
		}
	}
	return v
}

// kinds returns the kinds of an incident's windows, the headline's first.
func kinds(i alert.Incident, headline alert.Window) string {
	all := []string{Escape(string(headline.Kind))}
	for _, w := range i.Windows {
		if kind := Escape(string(w.Kind)); !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	return strings.Join(all, ", ")
}

// manySummary says how many incidents there are, when they began, and what has become of them.
func manySummary(f issue.Facts, c humanize.Clock) string {
	first, last := f.Incidents[0].Onset(), f.Incidents[len(f.Incidents)-1].Onset()
	began := "began at " + c.In(first)
	switch {
	case last.Equal(first):
	case humanize.Date(last) == humanize.Date(first):
		began = fmt.Sprintf("began between %s and %s", c.Of(first), c.In(last))
	default:
		began = fmt.Sprintf("began between %s and %s", c.In(first), c.In(last))
	}
	text := fmt.Sprintf("%s in %s %s.", humanize.Plural(len(f.Incidents), "incident"), services(f), began)
	ended := lastEnd(f)
	switch n := burning(f); {
	case n == 1 && len(f.Incidents) == 1:
		text += " It is still open."
	case n == len(f.Incidents):
		text += " All are still open."
	case n > 0:
		text += fmt.Sprintf(" %s of them %s still open.", humanize.Number(float64(n)), map[bool]string{true: "is", false: "are"}[n == 1])
	case len(f.Incidents) == 1:
		text += fmt.Sprintf(" It ended at %s, after %s.", c.In(ended), humanize.Duration(ended.Sub(first)))
	case f.Kind == issue.Storm:
		text += fmt.Sprintf(" The last ended at %s, %s after the first began.", c.In(ended), humanize.Duration(ended.Sub(first)))
	default:
		text += fmt.Sprintf(" The last ended at %s.", c.In(ended))
	}
	return text
}

func manyTitle(f issue.Facts) string {
	n, first := humanize.Plural(len(f.Incidents), "incident"), f.Incidents[0].Onset()
	switch {
	case f.Kind == issue.Digest:
		return fmt.Sprintf("Digest of %s from %s to %s", n, humanize.Date(first), humanize.Date(lastEnd(f)))
	case len(f.Incidents) == 1:
		return "Among many incidents: " + title(issue.Headline(f.Incidents[0]))
	case burning(f) > 0:
		return fmt.Sprintf("%s in %s at once (since %s)", n, services(f), humanize.Minute(first))
	}
	return fmt.Sprintf("%s in %s at once, for %s %s", n, services(f), humanize.Duration(lastEnd(f).Sub(first)), onDate(first, lastEnd(f)))
}

func services(f issue.Facts) string {
	names := map[string]bool{}
	for _, i := range f.Incidents {
		for _, w := range i.Windows {
			names[w.Objective.Service] = true
		}
	}
	return humanize.Plural(len(names), "service")
}

func burning(f issue.Facts) (n int) {
	for _, i := range f.Incidents {
		if issue.IsOpen(i) {
			n++
		}
	}
	return n
}

func lastEnd(f issue.Facts) (end time.Time) {
	for _, i := range f.Incidents {
		if ended := issue.Ended(i); ended.After(end) {
			end = ended
		}
	}
	return end
}

func manyTimes(f issue.Facts) []time.Time {
	var all []time.Time
	for _, i := range f.Incidents {
		all = append(all, allTimes(issue.Facts{Incident: i})...)
	}
	return all
}

// second is the comment under a duplicate issue, before postburn closes it.
func second(f issue.Facts) string {
	return "This is a second issue for the same incident: another postburn writes to this repository, or the tracker answered very late. " +
		"The first is " + Link("here", f.Original) + ". postburn closes this one; what was written here stays.\n"
}

// leftOut says which labels and assignees the tracker left out; empty if it left out none.
func leftOut(dropped []string) string {
	if len(dropped) == 0 {
		return ""
	}
	var names []string
	for _, name := range dropped {
		if strings.HasPrefix(name, "@") {
			names = append(names, "the assignee "+Escape(strings.TrimPrefix(name, "@")))
		} else {
			names = append(names, "the label "+Code(name))
		}
	}
	return "postburn could not set " + humanize.List(names) + ". That takes push or triage access to the repository, and an assignee needs " +
		"access to it, too."
}
