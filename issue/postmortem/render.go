package postmortem

import (
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

//go:embed templates/*.md.tmpl
var builtIn embed.FS

// maxWindows is how many breach windows are listed: the worst ones.
const maxWindows = 30

// View is what a template is given. All strings are Markdown in which every untrusted part is
// inert.
type View struct {
	Subject    string
	Standing   string // its state, severity and times, and how bad it is now
	Summary    string
	Current    string // what is still open, if the summary is of a worse window that is over
	Ongoing    bool
	Blind      bool     // of kind blind: there was no data, and so no numbers
	Budget     bool     // of kind budget: the target was missed over the objective's whole window
	Also       []string // objectives that are worse than the summary's in some respect
	About      []string // what the objective is, who owns it, where to look
	Objective  string   // what the objective is
	Owners     string   // who owns it; empty: not known
	Next       []string // links: what to open next
	Windows    []WindowRow
	Hidden     int    // breach windows that are not listed
	BurnRate   string // what a burn rate is
	Caveats    []string
	Unresolved []string
	SpentBy    []string
	Remarks    []Remark // on windows of other kinds
	AsOf       string   // the end of the last tick that is in the numbers
	Ended      string
	Back       string // what was well again when it ended
	Recovered  string // how long after the onset it ended
	Final      string // its final numbers, in a sentence
	Timeline   []Row
	Aside      []Row      // what most likely has nothing to do with it
	Changes    bool       // the timeline has rows of what changed
	Looked     bool       // postburn looked for changes, and for where the bad events are
	Chart      *Chart     // nil: none
	Where      []string   // where the bad events are
	Brief      []string   // the same in short
	Traffic    []string   // what is to be said of it, and what is usual
	Hints      []string   // what changed last before the end, or was seen just after it
	Before     []string   // what changed last before the onset
	Recent     []string   // the same in short, with how long before the onset
	Queries    []QueryRow // PromQL with which people check the numbers
	Durations  []DurationRow
	Noun       string   // of an event of the latency objectives
	Earlier    []string // incidents of the same objective, after ...
	EarlierIs  string   // ... what they are
	Review     string   // by when, and with whom
	Full       bool     // the form of the analysis is included; else a short record is
	// PostMortemAt is the share of the error budget from which it is, in per cent.
	PostMortemAt string
	Edited       bool
	URL          string // a link to the incident's page
}

// WindowRow is a row of the impact table.
type WindowRow struct {
	Objective, Target, Onset, End, Lasted, Events, Bad, ErrorRatio, PeakBurnRate, BudgetSpent string
}

// Render writes the text of a stage: with the built-in templates, or an issue's text with that of
// its objective. It is an issue.Renderer.
func Render(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	text, err := render(f, stage)
	if note := leftOut(f.Dropped); text.Body != "" && note != "" {
		text.Body += "\n" + note + "\n"
	}
	return text, err
}

func render(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	switch {
	case stage == issue.Sweep:
		return issue.Text{Body: second(f)}, nil
	case stage == issue.Lint:
		return renderHints(f.Hints)
	case stage == issue.FollowUpIssue, stage == issue.FollowUpLinks, stage == issue.Reminder:
		return renderFollowUps(f, stage)
	case f.Kind != issue.Single:
		return renderMany(f, stage)
	case len(f.Incident.Windows) == 0:
		return issue.Text{}, fmt.Errorf("writing the %s text of incident %s: it has no breach windows", stage, f.Incident.ID)
	}
	view := NewView(f)
	body, err := execute(string(stage)+".md.tmpl", view)
	if err != nil {
		return issue.Text{}, fmt.Errorf("writing the %s text of incident %s: %w", stage, f.Incident.ID, err)
	}
	if stage != issue.Opening {
		return issue.Text{Body: body}, nil
	}
	text := issue.Text{Body: body, Title: title(issue.Headline(f.Incident))}
	if t := f.Settings.Template; t != (issue.Template{}) {
		own, err := executeOwn(t, view)
		if err != nil {
			text.Body += "\n" + refusal(err) + "\n"
			return text, fmt.Errorf("using a template: %w", err)
		}
		text.Body = own
	}
	return text, nil
}

// Form returns the form of the analysis alone, for a drill that postburn would not have noticed.
func Form() (string, error) { return execute("analysis.md.tmpl", View{}) }

// Words returns what an event of an indicator is called, and what bad ones did, as in "15 requests
// failed".
func Words(i slo.Indicator) (noun, bad string) {
	w := wordsOf(i)
	return w.noun, w.bad
}

// WindowPeriod names an objective's window in a sentence: "30 days", "the calendar month".
func WindowPeriod(w slo.Window) string { return windowPeriod(w) }

// refusal says why an issue has the built-in text. It names the template's file without its folder,
// which readers of issues must not see.
func refusal(err error) string {
	text := "The template of this objective can't be used, so this is the built-in text: "
	var wrong *TemplateError
	if !errors.As(err, &wrong) {
		return text + Escape(err.Error())
	}
	at := *wrong
	at.File, at.Text = filepath.Base(wrong.File), ""
	return text + Code(strings.TrimSuffix(at.Error(), ": ")) + ": " + Escape(wrong.Text)
}

// parsed returns the built-in templates, which are parsed once.
var parsed = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(builtIn, "templates/*.md.tmpl")
})

func execute(name string, view any) (string, error) {
	t, err := parsed()
	if err != nil {
		return "", fmt.Errorf("reading the built-in templates: %w", err)
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, name, view); err != nil {
		return "", err
	}
	return tidy(b.String()), nil
}

// tidy takes away white space at the ends of lines, and all but one of several blank lines.
func tidy(body string) string {
	var lines []string
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimRight(line, " \t")
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
}

// NewView puts the facts into words.
func NewView(f issue.Facts) View {
	i, worst := issue.Core(f.Incident), issue.Headline(f.Incident)
	c := humanize.NewClock(allTimes(f)...)
	v := View{
		Subject:  Escape(subject(worst)),
		Standing: standing(i, c),
		Summary:  summary(worst, c),
		Ongoing:  i.IsOpen(),
		Blind:    worst.Kind == alert.Blindness,
		Budget:   worst.Kind == alert.Budget,
		Also:     also(i, worst),
		About:    about(worst, f.Mention),
		Next:     next(f),
		BurnRate: burnRate(worst),
		Edited:   f.Edited,
		Looked:   f.Chart != nil && worst.Kind == alert.Burn,
		Queries:  queryRows(f.Queries),
	}
	v.Objective, v.Owners = v.About[0], strings.Join(owners(worst, f.Mention), "; ")
	v.Timeline, v.Aside = timeline(f, c)
	v.Changes, v.Chart, v.Where, v.Traffic, v.Review = len(f.Timeline) > 0, chart(f), contributors(f), traffic(f), review(f)
	v.EarlierIs, v.Earlier = earlier(f)
	v.Durations, v.Noun = durations(f)
	v.Hints, v.Before, v.Recent = hints(f, c), before(f, c), recent(f)
	v.Brief = brief(f)
	v.Full, v.PostMortemAt = IsFull(f), humanize.Percent(f.Settings.PostMortemAt)
	if now, ok := current(i); ok {
		v.Current = summary(now, c)
	}
	if !f.AsOf.IsZero() {
		v.AsOf = c.In(f.AsOf)
	}
	v.resolve(i, c)
	v.Remarks = remarks(f, c)
	i.Windows = slices.DeleteFunc(slices.Clone(i.Windows), func(w alert.Window) bool { return w.Kind != worst.Kind })
	v.addWindows(i.Windows, f.Interval, c)
	for _, u := range f.Unresolved {
		v.Unresolved = append(v.Unresolved, Escape(u))
	}
	if v.Budget {
		for n, w := range i.Windows {
			if !laterOf(i.Windows[n+1:], w) {
				v.SpentBy = append(v.SpentBy, spentBy(f, w, len(i.Windows) > 1)...)
			}
		}
	}
	if f.URL != "" {
		v.URL = Link("This incident's page", f.URL)
	}
	return v
}

// addWindows adds rows of the windows that spent most, and says what makes numbers less than exact.
func (v *View) addWindows(windows []alert.Window, interval time.Duration, c humanize.Clock) {
	windows = byBudgetSpent(windows)
	v.Hidden = max(0, len(windows)-maxWindows)
	for _, w := range windows[:len(windows)-v.Hidden] {
		v.Windows = append(v.Windows, windowRow(w, c))
		for _, caveat := range w.Caveats {
			text := Escape(lessExact(caveat, interval))
			if len(windows) > 1 {
				text = Code(w.ID().String()) + ": " + text
			}
			v.Caveats = append(v.Caveats, text)
		}
	}
}

// resolve says when an incident ended, and what was well again then; nothing while it is open.
func (v *View) resolve(i alert.Incident, c humanize.Clock) {
	ended, worst := i.Ended(), issue.Headline(i)
	if ended.IsZero() {
		return
	}
	v.Ended, v.Recovered = c.In(ended), humanize.Duration(ended.Sub(i.Onset()))
	switch {
	case worst.Kind == alert.Burn:
		impact := impact(worst)
		v.Final = strings.ToUpper(impact[:1]) + impact[1:] + "."
	case !v.Blind || worst.Total > 0:
		v.Final = v.Summary
	}
	v.Back = v.Subject + " was within its target again"
	switch {
	case v.Blind:
		v.Back = "Data was back"
	case worst.Kind == alert.Quietness:
		v.Back = v.Subject + " had its usual traffic again"
	case slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.ID() != worst.ID() }):
		v.Back = "All objectives were within their targets again"
	}
}

// IsFull reports whether the issue gets the form of the analysis: the incident spent at least the
// share PostMortemAt of a budget, or a budget is overspent. Else its issue is a short record. It
// needs the incident and the settings.
func IsFull(f issue.Facts) bool {
	burns := issue.Headline(f.Incident).Kind == alert.Burn
	return slices.ContainsFunc(f.Incident.Windows, func(w alert.Window) bool {
		if w.Kind == alert.Burn {
			return w.BudgetSpent >= f.Settings.PostMortemAt
		}
		return !burns || w.Kind == alert.Budget
	})
}

// current returns the open window that was found last, if the headline's is over.
func current(i alert.Incident) (w alert.Window, ok bool) {
	if issue.Headline(i).IsOpen() {
		return w, false
	}
	for _, have := range issue.Core(i).Windows {
		if have.IsOpen() && (!ok || have.Detected.After(w.Detected)) {
			w, ok = have, true
		}
	}
	return w, ok
}

// allTimes are the times that the text may show.
func allTimes(f issue.Facts) []time.Time {
	var all []time.Time
	for _, w := range f.Incident.Windows {
		all = append(all, w.Onset, w.Detected, until(w))
		for _, p := range w.Phases {
			all = append(all, p.Start, p.End)
		}
	}
	for _, e := range f.Timeline {
		all = append(all, e.Time)
	}
	return all
}

// lessExact says what makes a number less than exact, such as "no data for 2 minutes: left out": in
// time rather than ticks.
func lessExact(c slo.Caveat, interval time.Duration) string {
	length := humanize.Duration(time.Duration(c.Count) * interval)
	switch {
	case interval <= 0:
		return c.String()
	case c.Kind == slo.NoData:
		return "no data for " + length + ": left out"
	case c.Kind == slo.Planned:
		return "planned work for " + length + ": left out, with " + humanize.Count(c.Events) + " bad events; the error budget counts them"
	case c.Kind == slo.QueryFailed:
		return "the query kept failing for " + length + ": left out"
	}
	return c.String()
}

func events(n float64, w alert.Window) string {
	say := wordsOf(w.Objective.Indicator)
	measured := ""
	if say.measured != "" {
		measured = say.measured + ","
	}
	if humanize.Count(n) == "1" {
		return "1 " + say.noun + measured
	}
	return humanize.Count(n) + " " + say.noun + "s" + measured
}

func windowRow(w alert.Window, c humanize.Clock) WindowRow {
	row := WindowRow{
		Objective: Code(w.ID().String()), Target: w.Objective.Target.Percent() + " over " + windowPeriod(w.Objective.Window), Onset: c.Full(w.Onset), End: still(w.Kind),
		Events: humanize.Count(w.Total), Bad: humanize.Count(w.Bad), ErrorRatio: humanize.Percent(w.ErrorRatio()), PeakBurnRate: humanize.Times(w.PeakBurnRate),
		BudgetSpent: humanize.Percent(w.BudgetSpent),
	}
	if w.Kind == alert.Blindness && w.Total == 0 {
		row.Events, row.Bad, row.ErrorRatio, row.PeakBurnRate, row.BudgetSpent = "not known", "not known", "", "", ""
	}
	if !w.IsOpen() {
		row.End, row.Lasted = c.Since(w.Ended, w.Onset), humanize.Duration(w.Ended.Sub(w.Onset))
	}
	return row
}

// stillOpen is the end of an incident that has none yet.
const stillOpen = "still open"

// still is the end of a breach window that has none yet.
func still(k alert.Kind) string {
	switch k {
	case alert.Burn:
		return "still burning"
	case alert.Budget:
		return "still overspent"
	case alert.Blindness:
		return "still no data"
	case alert.Quietness:
		return "still quiet"
	}
	return stillOpen
}

// burnRate says what the table's burn rate means.
func burnRate(w alert.Window) string {
	return fmt.Sprintf("At a burn rate of 1× the error budget lasts exactly as long as the objective's window (%s).", windowPeriod(w.Objective.Window))
}
