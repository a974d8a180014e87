package postmortem

import (
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// unavailableFrom is the error ratio of a whole outage from which the text calls it that; below, a service "was failing mostly".
const unavailableFrom = 0.9

// maxSubject is how many characters of the subject a title shows: GitHub takes titles of 256.
const maxSubject = 120

// verb is what happened, said of what is over, of what goes on, and of what is so now.
type verb struct{ past, perfect, present string }

// words are how an indicator's events are spoken of.
type words struct {
	noun                          string // of an event
	bad                           string // what bad ones did, after "15,337 of 50,969 requests"
	perfect                       string // what bad ones have done
	measured                      string // ", measured once a tick" if they are; else empty
	unavailable, failing, elevate verb
}

// wordsOf finds the words for an indicator. Events are called requests only where the metric's name does.
func wordsOf(i slo.Indicator) words {
	w := words{
		noun: "event", bad: "failed", perfect: "have failed",
		unavailable: verb{"was unavailable", "has been unavailable", "is unavailable"},
		failing:     verb{"was failing mostly", "has been failing mostly", "is failing mostly"},
		elevate:     verb{"had elevated error rates", "has had elevated error rates", "has elevated error rates"},
	}
	metric := ""
	switch {
	case i.Ratio != nil:
		metric = i.Ratio.Total
	case i.Latency != nil:
		metric = i.Latency.Histogram
		w.bad = "took longer than " + threshold(i.Latency.Threshold)
		w.perfect = "have taken longer than " + threshold(i.Latency.Threshold)
		w.unavailable = verb{"was too slow nearly always", "has been too slow nearly always", "is too slow nearly always"}
		w.failing = verb{"was too slow mostly", "has been too slow mostly", "is too slow mostly"}
		w.elevate = verb{"was too slow at times", "has been too slow at times", "is too slow at times"}
	case i.Bool != "":
		w.noun = "check"
		w.unavailable = verb{"was failing its check", "has been failing its check", "is failing its check"}
		w.failing = verb{"was failing its check mostly", "has been failing its check mostly", "is failing its check mostly"}
		w.elevate = verb{"failed its check at times", "has failed its check at times", "fails its check at times"}
	case i.Sampled != nil:
		w.measured = ", measured once a tick"
	}
	if name, _, _ := strings.Cut(metric, "{"); strings.Contains(name, "request") {
		w.noun = "request"
	}
	return w
}

// threshold is a latency: "500 ms", "2.5 s", "250 µs".
func threshold(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return trimmed(float64(d), 1) + " ns"
	case d < time.Millisecond:
		return trimmed(float64(d)/float64(time.Microsecond), 3) + " µs"
	case d < time.Second:
		return trimmed(float64(d)/float64(time.Millisecond), 3) + " ms"
	}
	return trimmed(d.Seconds(), 3) + " s"
}

// stretch is what the phases of one kind add up to.
type stretch struct {
	verb   verb
	length time.Duration
	slo.Counts
	now bool // it goes on
}

// stretches adds up a window's phases: what happened in the order in which it is told, and for how long there was no data.
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
	outage.verb, degraded.verb = say.failing, say.elevate
	if outage.ErrorRatio() >= unavailableFrom {
		outage.verb = say.unavailable
	}
	all := []stretch{outage, degraded}
	if outage.now {
		all = []stretch{degraded, outage} // what goes on is told last
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

// until is where a window's numbers end: its end, or where it was last getting worse while it is open.
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

// subject is what the incident befell: the service, and the label set where there is one.
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
func summary(w alert.Window, c clock) string {
	switch w.Kind {
	case alert.Budget:
		return budgetSummary(w, c)
	case alert.Blindness:
		return blindSummary(w, c)
	case alert.Quietness:
		return quietSummary(w, c)
	}
	told, blind := stretches(w)
	var parts []string
	ongoing := false
	for i, s := range told {
		text, another := s.verb.past, ""
		if s.now || (w.IsOpen() && i == len(told)-1) {
			text, ongoing = s.verb.perfect, true
		}
		if i > 0 {
			another = "another "
		}
		parts = append(parts, text+" for "+another+duration(s.length))
	}
	text := Escape(subject(w)) + " " + strings.Join(parts, " and ")
	if blind > 0 {
		text += ", with no data for " + duration(blind)
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

// impact is "15,337 of 50,969 requests failed (30.1 %), which spent 45 % of its 30-day error budget; 32 % of it was left".
func impact(w alert.Window) string {
	say := wordsOf(w.Objective.Indicator)
	if w.Total <= 0 {
		return "no " + say.noun + "s were counted in this time"
	}
	bad, spent := say.bad, "spent"
	if w.IsOpen() {
		bad, spent = say.perfect, "has spent"
		if count(w.Bad) == "1" {
			bad = strings.Replace(bad, "have", "has", 1)
		}
	}
	if say.measured != "" { // the number of events is one of ticks, or of their rates
		return fmt.Sprintf("%s of %ss %s%s, which %s %s of its %s error budget; %s",
			percent(w.ErrorRatio()), say.noun, bad, say.measured, spent, percent(w.BudgetSpent), windowName(w.Objective.Window), left(w))
	}
	noun := say.noun + "s"
	if count(w.Total) == "1" {
		noun = say.noun
	}
	return fmt.Sprintf("%s of %s %s %s (%s), which %s %s of its %s error budget; %s",
		count(w.Bad), count(w.Total), noun, bad, percent(w.ErrorRatio()), spent, percent(w.BudgetSpent), windowName(w.Objective.Window), left(w))
}

// left says how much of the error budget is left, and when it is gone if a breach that goes on spends it as it did since its onset.
func left(w alert.Window) string {
	is := "was"
	if w.IsOpen() {
		is = "is"
	}
	if w.BudgetLeft <= 0 {
		return "nothing of it " + is + " left"
	}
	text := fmt.Sprintf("%s of it %s left", percent(w.BudgetLeft), is)
	if !w.IsOpen() || w.BudgetSpent <= 0 {
		return text
	}
	until := w.Detected
	if n := len(w.Phases); n > 0 && w.Phases[n-1].End.After(until) {
		until = w.Phases[n-1].End
	}
	gone := float64(until.Sub(w.Onset)) * w.BudgetLeft / w.BudgetSpent
	if gone < float64(time.Second) || gone > float64(w.Objective.Window.Length()) {
		return text
	}
	return text + ", and gone in " + duration(time.Duration(gone)) + " at this pace"
}

// budgetSummary is for a target that was missed over the objective's whole window.
func budgetSummary(w alert.Window, c clock) string {
	say := wordsOf(w.Objective.Indicator)
	verb, state, bad := "has had no", "left since "+c.in(w.Onset), say.perfect
	if !w.IsOpen() {
		verb, state, bad = "had no", "left for "+duration(w.Ended.Sub(w.Onset)), say.bad
	}
	allowed := w.Objective.Target.Complement()
	return fmt.Sprintf("%s %s %s error budget %s: up to %s %% of its %ss in %s %s%s, where the target of %s allows %s.",
		Escape(subject(w)), verb, windowName(w.Objective.Window), state, exact(100*w.PeakBurnRate*allowed.Float()), say.noun,
		windowPeriod(w.Objective.Window), bad, say.measured, w.Objective.Target.Percent(), allowed.Percent())
}

// title is the title: what, how bad, how long and when. It is plain text.
func title(w alert.Window) string {
	name := plain(subject(w))
	if runes := []rune(name); len(runes) > maxSubject {
		name = string(runes[:maxSubject]) + "…"
	}
	on := w.Onset.UTC().Format(time.DateOnly)
	if w.Kind == alert.Budget {
		if w.IsOpen() {
			return fmt.Sprintf("%s has no %s error budget left (since %s)", name, windowName(w.Objective.Window), on)
		}
		return fmt.Sprintf("%s had no %s error budget left for %s from %s on", name, windowName(w.Objective.Window), duration(w.Ended.Sub(w.Onset)), on)
	}
	if w.Kind == alert.Quietness {
		return quietTitle(name, w)
	}
	if w.Kind == alert.Blindness {
		if w.IsOpen() {
			return fmt.Sprintf("%s has no data (since %s UTC)", name, w.Onset.UTC().Format("2006-01-02 15:04"))
		}
		return fmt.Sprintf("%s had no data for %s on %s", name, duration(w.Ended.Sub(w.Onset)), on)
	}
	told, _ := stretches(w)
	worst := told[0]
	for _, s := range told {
		if s.verb != wordsOf(w.Objective.Indicator).elevate {
			worst = s
		}
	}
	if w.IsOpen() {
		return fmt.Sprintf("%s %s (since %s UTC)", name, worst.verb.present, w.Onset.UTC().Format("2006-01-02 15:04"))
	}
	return fmt.Sprintf("%s %s for %s on %s", name, worst.verb.past, duration(worst.length), on)
}
