package report_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// watchedService is an objective, with the events that a tick has.
type watchedService struct {
	service, name, target string
	events, background    float64 // a tick; background ones are bad without being an incident
}

var watched = []watchedService{
	{"checkout", "checkout-availability", "99.9%", 3000, 0},
	{"orders", "orders-freshness", "99%", 1000, 2},
	{"search", "search-latency", "99.5%", 2000, 1},
}

func (s watchedService) definition() alert.Definition {
	d := alert.Definition{Objective: slo.Objective{Name: s.name, Service: s.service, Target: slo.MustDecimal(s.target), Window: slo.Window{Rolling: 30 * aDay}}}
	d.Objective.Indicator.Ratio = &slo.Ratio{Bad: s.name + "_bad", Total: s.name}
	d.Policy = alert.Policy{
		Group: s.service, MinBadEvents: 10, MergeGap: 30 * time.Minute,
		Rules:      []alert.Rule{{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: tick}},
		Severities: []alert.Severity{{Level: 1, Outage: 30 * time.Minute}, {Level: 2, BudgetSpent: slo.MustDecimal("10%")}},
	}
	return d
}

// failure is something that went wrong, and what people made of it.
type failure struct {
	service  int
	onset    int // tick of the year: the first bad one
	ticks    int
	ratio    float64
	cause    string // as people label it; empty: nobody did
	place    string // where the bad events were
	change   string // what came before
	promise  string // a follow-up
	kept     int    // in days, after which it was done; 0: never
	triage   issue.Triage
	drill    bool
	excluded string // why
}

// year makes failures that have much in common, some days apart from each other.
func year(random *rand.Rand) (all []failure) {
	causes := []string{"deploy", "config", "capacity", "dependency", ""}
	for at := 3; at < yearDays-3; at += 2 + random.IntN(9) {
		f := failure{service: random.IntN(len(watched)), onset: at*288 + 12 + random.IntN(200), ticks: 2 + random.IntN(14), ratio: []float64{0.2, 0.4, 0.8}[random.IntN(3)]}
		f.ticks = max(f.ticks, detectedAfter(f.service, f.ratio)) // shorter ones are no incident
		f.cause = causes[random.IntN(len(causes))]
		if random.IntN(2) == 0 {
			f.place = fmt.Sprintf(`zone="eu-%d"`, 1+random.IntN(2))
		}
		if f.cause == "deploy" {
			f.change = "Deployment " + watched[f.service].service + " changed"
		}
		switch n := random.IntN(20); {
		case n < 2:
			f.triage = issue.Noise
		case n == 2:
			f.triage = issue.Duplicate
		case n == 3:
			f.drill = true
		case n == 4:
			f.excluded = "a load test"
		default:
			f.triage = issue.Completed
		}
		if random.IntN(3) > 0 {
			f.promise, f.kept = fmt.Sprintf("Give %s a limit after day %d", watched[f.service].service, at), random.IntN(3)*20
		}
		all = append(all, f)
	}
	return all
}

// blindIn reports whether a service has no data in a tick of the year: for four hours on the 20th
// day of each 30.
func blindIn(service, n int) bool {
	day := n / 288
	return service == 2 && day%30 == 20 && n%288 >= 240
}

// sample is a service's tick.
func sample(all []failure, service, n int) slo.Sample {
	if blindIn(service, n) {
		return slo.Sample{Blind: true}
	}
	s := watched[service]
	c := slo.Counts{Total: s.events, Bad: s.background}
	for _, f := range all {
		if f.service == service && n >= f.onset && n < f.onset+f.ticks {
			c.Bad = s.events * f.ratio
		}
	}
	return slo.Sample{Counts: c}
}
