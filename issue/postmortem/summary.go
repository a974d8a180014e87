package postmortem

import (
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// unavailableFrom is the error ratio of a whole outage from which the text calls the service
// unavailable; below, it "failed most requests".
const unavailableFrom = 0.9

// maxTitle is how many characters a title has: lists of issues and phones show no more. It shortens
// the subject, but to no fewer than leastSubject.
const maxTitle, leastSubject = 100, 20

// verb is what happened, said of what is over, of what is still so, and of what is so now.
type verb struct{ past, perfect, present string }

// words are how an indicator's events are spoken of.
type words struct {
	noun        string // of an event
	bad         string // what bad ones did, after "15,337 of 50,969 requests"
	perfect     string // what bad ones have done
	measured    string // ", measured once a tick" if they are; else empty
	unavailable verb   // what the service did when nearly all events were bad
	failing     verb   // what it did to a part of them: "failed", before "most requests"
}

// wordsOf finds the words for an indicator. Events are called requests only if the metric's name
// does.
func wordsOf(i slo.Indicator) words {
	w := words{
		noun: "event", bad: "failed", perfect: "have failed",
		unavailable: verb{"was unavailable", "has been unavailable", "is unavailable"},
		failing:     verb{"failed", "has failed", "is failing"},
	}
	metric := ""
	switch {
	case i.Ratio != nil:
		metric = i.Ratio.Total
	case i.Latency != nil:
		metric = i.Latency.Histogram
	case i.Bool != "":
		w.noun = "check"
		w.unavailable = verb{"failed nearly all checks", "has failed nearly all checks", "is failing nearly all checks"}
	case i.Sampled != nil:
		w.measured = ", measured once a tick"
	}
	if name, _, _ := strings.Cut(metric, "{"); strings.Contains(name, "request") {
		w.noun = "request"
	}
	if i.Latency != nil {
		longer := " longer than " + humanize.Latency(i.Latency.Threshold)
		w.bad, w.perfect = "took"+longer, "have taken"+longer
		w.failing = verb{"was too slow for", "has been too slow for", "is too slow for"}
		all := " nearly all " + w.noun + "s"
		w.unavailable = verb{w.failing.past + all, w.failing.perfect + all, w.failing.present + all}
	}
	return w
}

// stretch is what the phases of one kind add up to.
type stretch struct {
	verb   verb
	part   string // of the events, after the verb: most or some; empty: the verb says it
	noun   string // of an event
	length time.Duration
	slo.Counts
	now bool // it is so now
}

// all says what happened in full, before a length of time.
func (s stretch) all(verb string) string {
	if s.part == "" {
		return verb
	}
	return verb + " " + s.part + " " + s.noun + "s"
}

// then says what happened after another stretch, and does not repeat what that one says: "failed
// most requests for 12 seconds, and some for another 8 seconds".
func (s stretch) then(verb string, before stretch, said string) string {
	switch {
	case before.part == "" || s.part == "":
		return s.all(verb)
	case said != verb:
		return verb + " " + s.part
	case strings.HasSuffix(verb, " for"):
		return "for " + s.part
	}
	return s.part
}

// stretches adds up a window's phases: what happened in the order in which it is told, and for how
// long there was no data.
func stretches(w alert.Window) (told []stretch, blind time.Duration) {
	say := wordsOf(w.Objective.Indicator)
	var outage, degraded stretch
	for i, p := range w.Phases {
		length, last := p.End.Sub(p.Start), w.IsOpen() && i == len(w.Phases)-1
		switch p.Kind {
		case alert.Outage:
			outage.length, outage.Counts, outage.now = outage.length+length, outage.Add(p.Counts), last
		case alert.Degraded:
			degraded.length, degraded.Counts, degraded.now = degraded.length+length, degraded.Add(p.Counts), last
		case alert.BlindGap:
			blind += length
		}
	}
	outage.verb, outage.part, outage.noun = say.failing, "most", say.noun
	degraded.verb, degraded.part, degraded.noun = say.failing, "some", say.noun
	if outage.ErrorRatio() >= unavailableFrom {
		outage.verb, outage.part = say.unavailable, ""
	}
	all := []stretch{outage, degraded}
	if outage.now {
		all = []stretch{degraded, outage} // what is so now is told last
	}
	for _, s := range all {
		if s.length > 0 {
			told = append(told, s)
		}
	}
	if len(told) == 0 {
		told = []stretch{{verb: verb{"missed its target", "has been missing its target", "is missing its target"}, length: until(w).Sub(w.Onset), now: w.IsOpen()}}
	}
	return told, blind
}

// until is when a window's numbers end: its end, or when it last got worse while it is open.
func until(w alert.Window) time.Time {
	if !w.IsOpen() {
		return w.Ended
	}
	end := w.Detected
	if n := len(w.Phases); n > 0 {
		end = w.Phases[n-1].End
	}
	return end
}

// subject says what was affected: the service, such as checkout, and the label set if there is one.
func subject(w alert.Window) string {
	name := w.Objective.Service
	if name == "" {
		name = w.Objective.Name
	}
	return name + labelled(w.Labels)
}

func labelled(l slo.Labels) string {
	if l == "" {
		return ""
	}
	return " (" + strings.Trim(string(l), "{}") + ")"
}

// summary is the sentence that says what happened and what it did to users.
func summary(w alert.Window, c humanize.Clock) string {
	switch w.Kind {
	case alert.Budget:
		return budgetSummary(w, c)
	case alert.Blindness:
		return blindSummary(w, c)
	case alert.Quietness:
		return quietSummary(w, c)
	}
	told, blind := stretches(w)
	text, said, ongoing := Escape(subject(w)), "", false
	for i, s := range told {
		verb := s.verb.past
		if s.now || (w.IsOpen() && i == len(told)-1) {
			verb, ongoing = s.verb.perfect, true
		}
		if i == 0 {
			text += " " + s.all(verb) + " for " + humanize.Duration(s.length)
		} else {
			text += ", and " + s.then(verb, told[i-1], said) + " for another " + humanize.Duration(s.length)
		}
		said = verb
	}
	if blind > 0 {
		text += ", with no data for " + humanize.Duration(blind)
	}
	if ongoing {
		text += " so far"
	}
	text += ": " + impact(w) + "."
	if less := missing(w); less != "" {
		text += " " + less
	}
	return text
}

// impact is "15,337 of 50,969 requests failed (30.1 %), spending 45 % of the 30-day error budget;
// 32 % was left".
func impact(w alert.Window) string {
	if w.Total <= 0 {
		return share(w)
	}
	return fmt.Sprintf("%s, spending %s of the %s error budget; %s", share(w), humanize.Percent(w.BudgetSpent), windowName(w.Objective.Window), left(w))
}

// share is "15,337 of 50,969 requests failed (30.1 %)".
func share(w alert.Window) string {
	say := wordsOf(w.Objective.Indicator)
	if w.Total <= 0 {
		return "no " + say.noun + "s were counted in this time"
	}
	bad := say.bad
	if w.IsOpen() {
		bad = say.perfect
		if humanize.Count(w.Bad) == "1" {
			bad = strings.Replace(bad, "have", "has", 1)
		}
	}
	if say.measured != "" { // the number of events is one of ticks, or of their rates
		return fmt.Sprintf("%s of %ss %s%s", humanize.Percent(w.ErrorRatio()), say.noun, bad, say.measured)
	}
	noun := say.noun + "s"
	if humanize.Count(w.Total) == "1" {
		noun = say.noun
	}
	return fmt.Sprintf("%s of %s %s %s (%s)", humanize.Count(w.Bad), humanize.Count(w.Total), noun, bad, humanize.Percent(w.ErrorRatio()))
}

// left says how much of the error budget is left, and for how long that is enough if an open breach
// keeps spending it as it has since its onset.
func left(w alert.Window) string {
	is := "was"
	if w.IsOpen() {
		is = "is"
	}
	if w.BudgetLeft <= 0 {
		return "none " + is + " left"
	}
	text := fmt.Sprintf("%s %s left", humanize.Percent(w.BudgetLeft), is)
	if !w.IsOpen() || w.BudgetSpent <= 0 {
		return text
	}
	until := w.Detected
	if n := len(w.Phases); n > 0 && w.Phases[n-1].End.After(until) {
		until = w.Phases[n-1].End
	}
	enough := float64(until.Sub(w.Onset)) * w.BudgetLeft / w.BudgetSpent
	if enough < float64(time.Second) || enough > float64(w.Objective.Window.Length()) {
		return text
	}
	return text + ", enough for " + humanize.Duration(time.Duration(enough)) + " at this pace"
}

// budgetSummary is for a target that was missed over the objective's whole window.
func budgetSummary(w alert.Window, c humanize.Clock) string {
	say := wordsOf(w.Objective.Indicator)
	verb, state, bad := "has had no", "left since "+c.In(w.Onset), say.perfect
	if !w.IsOpen() {
		verb, state, bad = "had no", "left for "+humanize.Duration(w.Ended.Sub(w.Onset)), say.bad
	}
	allowed := w.Objective.Target.Complement()
	return fmt.Sprintf("%s %s %s error budget %s: up to %s of its %ss in %s %s%s; the target of %s allows %s.",
		Escape(subject(w)), verb, windowName(w.Objective.Window), state, humanize.PrecisePercent(w.PeakBurnRate*allowed.Float()), say.noun,
		windowPeriod(w.Objective.Window), bad, say.measured, w.Objective.Target.Percent(), allowed.Percent())
}

// title is the issue's title: what, how bad, how long and when. It is plain text.
func title(w alert.Window) string {
	name := []rune(plain(subject(w)))
	text := titleOf(string(name), w)
	if over := len([]rune(text)) - maxTitle; over > 0 {
		keep := max(leastSubject, len(name)-over-1)
		text = titleOf(string(name[:min(keep, len(name))])+"…", w)
	}
	return text
}

func titleOf(name string, w alert.Window) string {
	on := onDate(w.Onset, w.Ended)
	if w.Kind == alert.Budget {
		if w.IsOpen() {
			return fmt.Sprintf("%s has no %s error budget left (since %s)", name, windowName(w.Objective.Window), humanize.Date(w.Onset))
		}
		return fmt.Sprintf("%s had no %s error budget left for %s %s", name, windowName(w.Objective.Window), humanize.Duration(w.Ended.Sub(w.Onset)), on)
	}
	if w.Kind == alert.Quietness {
		return quietTitle(name, w)
	}
	if w.Kind == alert.Blindness {
		if w.IsOpen() {
			return fmt.Sprintf("%s has no data (since %s)", name, humanize.Minute(w.Onset))
		}
		return fmt.Sprintf("%s had no data for %s %s", name, humanize.Duration(w.Ended.Sub(w.Onset)), on)
	}
	told, _ := stretches(w)
	worst := told[0]
	for _, s := range told {
		if s.part != "some" {
			worst = s
		}
	}
	if w.IsOpen() {
		return fmt.Sprintf("%s %s (since %s)", name, worst.all(worst.verb.present), humanize.Minute(w.Onset))
	}
	return fmt.Sprintf("%s %s for %s %s", name, worst.all(worst.verb.past), humanize.Duration(worst.length), on)
}

// standing is the state of an incident in a line: "**Burning**, severity 1, since 10:41 UTC on
// 2026-10-14; 61.2 % of requests failed in the 12 minutes until 10:53".
func standing(i alert.Incident, c humanize.Clock) string {
	severity := ""
	if n := i.Severity(); n > 0 {
		severity = fmt.Sprintf(", severity %d", n)
	}
	onset, ended := i.Onset(), i.Ended()
	if ended.IsZero() {
		text := "**" + open(issue.Headline(i).Kind) + "**" + severity + ", since " + c.In(onset)
		if now := nowBad(i, c); now != "" {
			text += "; " + now
		}
		return text
	}
	from := c.Of(onset)
	if humanize.Date(onset) != humanize.Date(ended) {
		from = c.Full(onset)
	}
	return "**Over**" + severity + ", from " + from + " to " + c.In(ended)
}

// open is the state of an incident of a kind that is not over.
func open(k alert.Kind) string {
	switch k {
	case alert.Budget:
		return "Error budget overspent"
	case alert.Blindness:
		return "No data"
	case alert.Quietness:
		return "Quiet"
	}
	return "Burning"
}

// onDate is the date of something that is over: "on 2026-10-14", or "from 2026-10-14" if it ended
// on another day.
func onDate(onset, ended time.Time) string {
	if humanize.Date(onset) == humanize.Date(ended) {
		return "on " + humanize.Date(onset)
	}
	return "from " + humanize.Date(onset)
}
