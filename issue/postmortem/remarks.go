package postmortem

import (
	"fmt"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// Remark is about a breach window of another kind than the headline's, such as a spent budget
// beside a burn.
type Remark struct {
	Text    string
	Budget  string   // the error budget that the remark is about; empty: none
	SpentBy []string // the incidents that spent it
}

// remarks are about windows of other kinds than the headline's: spent budgets, missing data and
// missing traffic. They leave out what the summary tells, and don't change while the window stays
// open.
func remarks(f issue.Facts, c humanize.Clock) (all []Remark) {
	headline := issue.Headline(f.Incident)
	current, goesOn := current(f.Incident)
	for n, w := range f.Incident.Windows {
		if w.Kind == headline.Kind || goesOn && w.ID() == current.ID() && w.Kind == current.Kind && w.IsOpen() {
			continue
		}
		name := Code(w.ID().String())
		state := stateOf(w, c)
		switch w.Kind {
		case alert.Budget:
			r := Remark{Budget: fmt.Sprintf("%s error budget of %s", windowName(w.Objective.Window), name)}
			r.Text = fmt.Sprintf("The %s %s overspent %s.", r.Budget, state.been, state.when)
			if !laterOf(f.Incident.Windows[n+1:], w) {
				r.SpentBy = spentBy(f, w, false)
			}
			all = append(all, r)
		case alert.Blindness:
			all = append(all, Remark{Text: fmt.Sprintf("There %s no data for %s %s, so nobody knows how it did.", state.been, name, state.when)})
		case alert.Quietness:
			all = append(all, Remark{Text: fmt.Sprintf("%s %s far fewer %ss than usual %s.", name, state.had, wordsOf(w.Objective.Indicator).noun, state.when)})
		}
	}
	return all
}

// laterOf reports whether one of the windows is of the same objective and kind.
func laterOf(windows []alert.Window, w alert.Window) bool {
	return slices.ContainsFunc(windows, func(v alert.Window) bool { return v.ID() == w.ID() && v.Kind == w.Kind })
}

// state is how a window stands, in words.
type state struct{ been, had, when string }

func stateOf(w alert.Window, c humanize.Clock) state {
	if w.IsOpen() {
		return state{"has been", "has had", "since " + c.In(w.Onset)}
	}
	from := c.In(w.Onset)
	if humanize.Date(w.Onset) == humanize.Date(w.Ended) {
		from = c.Of(w.Onset)
	}
	return state{"was", "had", fmt.Sprintf("from %s to %s", from, c.In(w.Ended))}
}

// spentBy lists the incidents that spent an objective's budget, which it names if there are
// several.
func spentBy(f issue.Facts, w alert.Window, named bool) (lines []string) {
	for _, s := range f.SpentBy {
		if s.Of != w.ID() {
			continue
		}
		line := Link("Incident of "+humanize.Minute(s.Onset), s.URL)
		if s.ID == f.Incident.ID {
			line = "This incident"
		}
		if named {
			line = Code(s.Of.String()) + ": " + line
		}
		lines = append(lines, fmt.Sprintf("%s: %s %s", line, events(s.Bad, w), wordsOf(w.Objective.Indicator).bad))
	}
	return lines
}
