package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestCostIsBounded has three objectives fail at once, one of them a latency, in a service where
// series are born all the time, and with as many queries in the SLO file as allowed.
func TestCostIsBounded(t *testing.T) {
	loop := failing(fleet(40, 8, 1), 0.3, everything)
	loop.Latency = &promtest.Latency{Slow: loop.Fails}
	for n := range loop.Targets {
		for minute := range 20 {
			loop.Targets[n].Restarts = append(loop.Targets[n].Restarts, promtest.Restart{At: noon.Add(time.Duration(3*minute)*time.Minute + time.Duration(n)*20*time.Second)})
		}
	}
	server := promtest.Start(t)
	if err := server.LoadService(loop); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL())
	second := objective()
	second.Objective.Name = "store-again"
	defs := []alert.Definition{objective(), second, latencyObjective()}
	found, err := engine.Replay(t.Context(), client.Read, defs, interval, minute(-30), minute(60), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Incidents) != 1 || len(found.Incidents[0].Windows) < 3 {
		t.Fatalf("%d incidents", len(found.Incidents))
	}
	queries := map[string]string{}
	for n := range 8 {
		queries[fmt.Sprintf("Targets, %d", n)] = fmt.Sprintf("sum(up) + %d", n)
	}
	o := &opened{client: client}
	e := evidence.New(evidence.Options{
		Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) },
		Settings: func(string) issue.Settings { return issue.Settings{Evidence: issue.EvidenceQuery{Queries: queries}} },
	})(t.Context(), found.Incidents[0])
	t.Logf("%d queries; not found out: %q", o.asked(), e.Unresolved)
	if n := o.asked(); n > 50 {
		t.Errorf("%d queries", n)
	}
	told := slices.DeleteFunc(slices.Clone(e.Timeline), func(r issue.Entry) bool { return r.Source != "Prometheus, the SLO file's query" })
	if len(told) != len(queries) {
		t.Errorf("%d of %d queries of the SLO file are told", len(told), len(queries))
	}
}

// greedy uses up all the queries that it is given, whatever it is asked, and has no answer.
type greedy struct {
	evidence.Prometheus
	queries int
	asked   int
}

var errGreedy = errors.New("too many queries")

func (g *greedy) Read(context.Context, []slo.Objective, slo.Ticks) []slo.Reading {
	g.asked = g.queries
	return []slo.Reading{{Err: errGreedy}}
}

func (g *greedy) Quantiles(context.Context, slo.Objective, slo.Labels, slo.Ticks, ...float64) ([]slo.Quantile, error) {
	g.asked = g.queries
	return nil, errGreedy
}

func (g *greedy) Asked() int { return g.asked }

// TestCostOfWhatIsTooMuch has every part take as many queries as it may.
func TestCostOfWhatIsTooMuch(t *testing.T) {
	server := promtest.Start(t)
	if err := server.LoadService(failing(fleet(41, 3, 1), 0.3, everything)); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL())
	var all []evidence.Prometheus
	open := func(_ string, queries int) evidence.Prometheus {
		all = append(all, &greedy{Prometheus: client.Bounded(queries), queries: queries})
		return all[len(all)-1]
	}
	latency := latencyObjective().Objective
	e := evidence.New(evidence.Options{Open: open, Interval: interval, Newest: func() time.Time { return minute(60) }})(t.Context(), alert.Incident{ID: "a", Windows: []alert.Window{
		{Objective: objective().Objective, Kind: alert.Burn, Onset: noon, Detected: minute(2), Ended: minute(40), Counts: slo.Counts{Total: 1000, Bad: 100}, BudgetSpent: 1},
		{Objective: latency, Kind: alert.Burn, Onset: noon, Detected: minute(2), Ended: minute(40), Counts: slo.Counts{Total: 1000, Bad: 100}},
	}})
	asked := 0
	for _, p := range all {
		asked += p.Asked()
	}
	t.Logf("%d queries; not found out: %q", asked, e.Unresolved)
	if asked > 50 {
		t.Errorf("%d queries", asked)
	}
	want := []string{
		"How long the events of store-latency took could not be found out: it would take too many queries.",
		"How the events of store-availability went, and where the bad ones are, could not be found out: it would take too many queries.",
		"What is usual could not be found out: it would take too many queries.",
	}
	for _, text := range want {
		if !slices.Contains(e.Unresolved, text) {
			t.Errorf("it does not say: %s", text)
		}
	}
}
