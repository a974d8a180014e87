package drill

import (
	"regexp"
	"slices"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

// Subject is the objective that a scenario is told for. Its texts are Markdown in which nothing has
// an effect.
type Subject struct {
	Service, Objective string
	Promise            string        // like "99.9 % over 30 days"
	Allowed            float64       // share of events that may be bad
	Window             time.Duration // of the objective
	PerMinute          float64       // usual events a minute
	Noun               string        // of an event: "request"
	Bad                string        // what bad ones did: "failed", "took longer than 300 ms"
}

// Course is what postburn would have noticed of a scenario.
type Course struct {
	Noticed  bool
	Detected time.Duration // after the onset
}

// Between returns the events between two times after the onset, and how many of them are bad.
// Before the onset and after the end, none is.
func (s Scenario) Between(sub Subject, from, to time.Duration) (total, bad float64) {
	edges := []time.Duration{from, to, 0, time.Duration(s.Minutes) * time.Minute}
	for _, p := range s.Phases {
		edges = append(edges, time.Duration(p.From)*time.Minute)
	}
	slices.Sort(edges)
	for n := 1; n < len(edges); n++ {
		start, end := max(edges[n-1], from), min(edges[n], to)
		if start >= end {
			continue
		}
		p := s.phaseAt(start)
		events := sub.PerMinute * p.Traffic * (end - start).Minutes()
		total += events
		bad += events * float64(p.Bad)
	}
	return total, bad
}

// phaseAt returns how things are right after a time.
func (s Scenario) phaseAt(t time.Duration) Phase {
	now := Phase{Traffic: 1}
	if t < 0 || t >= time.Duration(s.Minutes)*time.Minute {
		return now
	}
	for _, p := range s.Phases {
		if t >= time.Duration(p.From)*time.Minute {
			now = p
		}
	}
	return now
}

// fact matches a name that stands for a fact.
var fact = regexp.MustCompile(`\{([a-z_]+)\}`)

func factNames() []string {
	return []string{"{service}", "{objective}", "{promise}", "{events}", "{rate}", "{now}", "{so_far}", "{spent}", "{alerted}"}
}

// factsAt returns what the names stand for at a minute.
func factsAt(s Scenario, sub Subject, c Course, minute int) map[string]string {
	at := time.Duration(minute) * time.Minute
	p := s.phaseAt(at)
	total, bad := s.Between(sub, 0, at)
	events := sub.Noun + "s"
	spent := 0.0
	if budget := sub.Allowed * sub.PerMinute * sub.Window.Minutes(); budget > 0 {
		spent = bad / budget
	}
	return map[string]string{
		"service": sub.Service, "objective": sub.Objective, "promise": sub.Promise, "events": events,
		"rate":    perMinute(sub.PerMinute*p.Traffic) + " " + events + " a minute",
		"now":     share(p.Bad) + " " + events + " " + sub.Bad + " in the last minute",
		"so_far":  humanize.Count(bad) + " of " + humanize.Count(total) + " " + events + " " + sub.Bad + " so far",
		"spent":   humanize.Percent(spent) + " of the error budget",
		"alerted": alerted(c, at),
	}
}

// told replaces the names of facts by the facts.
func told(text string, facts map[string]string) string {
	return fact.ReplaceAllStringFunc(text, func(name string) string { return facts[name[1:len(name)-1]] })
}

func perMinute(rate float64) string {
	if rate < 10 {
		return humanize.Decimal(rate, 1)
	}
	return humanize.Number(rate)
}

func share(s Share) string {
	switch s {
	case 0:
		return "No"
	case 1:
		return "All"
	}
	return humanize.Percent(float64(s)) + " of"
}

// alerted says whether postburn would have noticed by then.
func alerted(c Course, at time.Duration) string {
	if !c.Noticed || c.Detected > at {
		return "postburn has noticed nothing yet."
	}
	return "postburn noticed it after " + humanize.Duration(c.Detected) + "."
}
