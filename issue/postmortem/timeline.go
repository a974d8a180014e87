package postmortem

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// maxRows is how many entries that evidence added are shown.
const maxRows = 100

// Row is a row of the timeline. Time is empty if a person fills it in.
type Row struct{ Time, Text, Source string }

// event is a row before it is put in its place; those of one time are ordered by rank.
type event struct {
	at   time.Time
	rank int
	Row
}

// The order of what happens at one time.
const (
	ended = iota
	began
	phase
	detected
	acknowledged
	entry
	mitigated
	over
)

// timeline lists what happened, in order, with blank rows for what only people know. Entries that
// most likely have nothing to do with the incident are apart.
func timeline(f issue.Facts, c humanize.Clock) (rows, aside []Row) {
	worst := issue.Headline(f.Incident)
	var events, others []event
	for _, w := range f.Incident.Windows {
		if w.Kind == alert.Budget && worst.Kind != alert.Budget {
			events = append(events, overspent(w)...)
			continue
		}
		events = append(events, windowEvents(w, w.ID() == worst.ID(), len(f.Incident.Windows) > 1)...)
	}
	entries := slices.SortedStableFunc(slices.Values(f.Timeline), func(a, b issue.Entry) int { return a.Time.Compare(b.Time) })
	for _, e := range entries[:min(len(entries), maxRows)] {
		row := event{e.Time, entry, Row{Text: Link(e.Text, e.URL), Source: Escape(e.Source)}}
		if e.Aside {
			others = append(others, row)
		} else {
			events = append(events, row)
		}
	}
	rows, aside = rowsOf(append(events, blanks(f, worst)...), c), rowsOf(others, c)
	if n := len(entries) - maxRows; n > 0 {
		rows = append(rows, Row{Text: fmt.Sprintf("%s left out", humanize.Plural(n, "more entry")), Source: "postburn"})
	}
	for _, sentence := range f.LeftOut {
		rows = append(rows, Row{Text: Escape(sentence), Source: "postburn"})
	}
	return rows, aside
}

// blanks are rows for people to fill in: who took it on, unless somebody's comment says so, and
// what made it better, once it is. A short record has none.
func blanks(f issue.Facts, worst alert.Window) (rows []event) {
	if worst.Kind != alert.Burn || !IsFull(f) {
		return nil
	}
	detected := issue.Core(f.Incident).Detected()
	if !slices.ContainsFunc(f.Timeline, func(e issue.Entry) bool { return e.Person && !e.Time.Before(detected) }) {
		rows = append(rows, event{detected, acknowledged, Row{Text: "Acknowledged by whom, and when? _(fill in)_"}})
	}
	if !worst.IsOpen() {
		rows = append(rows, event{worst.Ended, mitigated, Row{Text: "Mitigated by what, and when? _(fill in)_"}})
	}
	return rows
}

// rowsOf writes events in order. Those that follow each other and are equal share a row.
func rowsOf(events []event, c humanize.Clock) (rows []Row) {
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	var before time.Time
	for i := 0; i < len(events); {
		e, last := events[i], i
		for last+1 < len(events) && events[last+1].Row == e.Row {
			last++
		}
		if e.rank != acknowledged && e.rank != mitigated {
			e.Time = c.Since(e.at, before)
			before = e.at
		}
		if n := last - i; n > 0 {
			e.Text += fmt.Sprintf(" (%d times, the last at %s)", n+1, c.Of(events[last].at))
		}
		rows, i = append(rows, e.Row), last+1
	}
	return rows
}

// overspent are the rows of a spent budget beside what the incident is about.
func overspent(w alert.Window) []event {
	budget := fmt.Sprintf("The %s error budget of %s", windowName(w.Objective.Window), Code(w.ID().String()))
	events := []event{{w.Onset, phase, Row{Text: budget + " was overspent from here on", Source: "postburn"}}}
	if !w.IsOpen() {
		events = append(events, event{w.Ended, over, Row{Text: budget + " was no longer overspent", Source: "postburn"}})
	}
	return events
}

// addRow adds a row of what happened to a window.
type addRow func(at time.Time, rank int, format string, args ...any)

// windowEvents are the rows of one breach window; its phases only if it is of the objective that
// the headline is about.
func windowEvents(w alert.Window, phases, several bool) []event {
	var events []event
	add := func(at time.Time, rank int, format string, args ...any) {
		events = append(events, event{at, rank, Row{Text: fmt.Sprintf(format, args...), Source: "postburn"}})
	}
	name := Code(w.ID().String())
	switch w.Kind {
	case alert.Blindness:
		blindEvents(w, add)
		return events
	case alert.Quietness:
		quietEvents(w, add)
		return events
	case alert.Budget:
		add(w.Onset, began, "The %s error budget of %s was used up: its target was missed", windowName(w.Objective.Window), name)
		if !w.IsOpen() {
			add(w.Ended, ended, "%s was within its target again", name)
		}
		return events
	}
	add(w.Onset, began, "Onset: %s began to miss its target", name)
	found := "Detected"
	if several {
		found = name + " detected"
	}
	add(w.Detected, detected, "%s, %s after onset (time to detect): %s", found, humanize.Duration(w.Detected.Sub(w.Onset)), explain(w))
	if phases {
		events = append(events, phaseEvents(w)...)
	}
	if !w.IsOpen() {
		add(w.Ended, over, "End: %s was within its target again, %s after onset (time to recover)", name, humanize.Duration(w.Ended.Sub(w.Onset)))
	}
	return events
}

// phaseEvents say how bad it was, and from when on.
func phaseEvents(w alert.Window) []event {
	say := wordsOf(w.Objective.Indicator)
	var events []event
	phases := issue.JoinPhases(w.Phases)
	for i, p := range phases {
		length := "over the next " + humanize.Duration(p.End.Sub(p.Start))
		if w.IsOpen() && i == len(phases)-1 {
			length = fmt.Sprintf("in the %s since", humanize.Period(p.End.Sub(p.Start)))
		}
		text := ""
		switch p.Kind {
		case alert.Outage:
			text = fmt.Sprintf("Outage began: %s of %ss %s %s", humanize.Percent(p.ErrorRatio()), say.noun, say.bad, length)
		case alert.Degraded:
			text = fmt.Sprintf("Degraded: %s of %ss %s %s", humanize.Percent(p.ErrorRatio()), say.noun, say.bad, length)
		case alert.BlindGap:
			text = fmt.Sprintf("No data for %s: nobody knows what happened", humanize.Duration(p.End.Sub(p.Start)))
		}
		events = append(events, event{p.Start, phase, Row{Text: text, Source: "postburn"}})
		if i+1 < len(phases) && phases[i+1].Start.After(p.End) {
			well := fmt.Sprintf("Within the target for %s", humanize.Duration(phases[i+1].Start.Sub(p.End)))
			events = append(events, event{p.End, phase, Row{Text: well, Source: "postburn"}})
		}
	}
	return events
}

// explain says in words why a window was found.
func explain(w alert.Window) string {
	if w.Rule == nil {
		return "the target was missed"
	}
	say := wordsOf(w.Objective.Indicator)
	length := "over the last " + humanize.Period(w.Rule.Long)
	if w.Rule.Short != w.Rule.Long {
		length = "over both the last " + humanize.Period(w.Rule.Long) + " and the last " + humanize.Period(w.Rule.Short)
	}
	times := "over " + w.Rule.Rate.String() + " times as fast as"
	if w.Rule.Rate.Cmp(slo.MustDecimal("1")) == 0 {
		times = "faster than"
	}
	return fmt.Sprintf("more than %s of %ss %s %s, spending the error budget %s the target allows",
		w.Rule.Rate.Mul(w.Objective.Target.Complement()).Percent(), say.noun, say.bad, length, times)
}
