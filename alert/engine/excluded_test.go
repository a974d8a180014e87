package engine_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// budget is what people see of an objective's budget.
type budget struct {
	ID                          string
	Total, Bad, Estimated, Left float64
}

func budgets(statuses []alert.Status) (all []budget) {
	for _, s := range statuses {
		all = append(all, budget{s.Objective.Name + string(s.Labels), s.Window.Total, s.Window.Bad, s.Estimated, s.BudgetRemaining})
	}
	return all
}

// sayExcluded stores that people exclude these incidents and no others, and has the engine follow.
func (p *process) sayExcluded(ids ...string) {
	p.t.Helper()
	for _, i := range p.incidents() {
		pub := issue.NewPublication(issue.Single, i)
		if slices.Contains(ids, i.ID) {
			pub.Excluded = &issue.Exclusion{By: "alice"}
		}
		if err := p.store.Save(p.t.Context(), pub); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.engine.Correct(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	synctest.Wait() // no tick passes
}

// without is a source that lacks the data of corrections.
func without(source engine.Source, out []alert.Correction) engine.Source {
	return func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		readings := source(ctx, objectives, ticks)
		for n, o := range objectives {
			for i := range readings[n].Series {
				series := &readings[n].Series[i]
				series.Samples = slices.Clone(series.Samples)
				for t := range series.Samples {
					for _, c := range out {
						if at := ticks.At(t); c.ID == (slo.ID{SLO: o.Name, Labels: series.Labels}) && at.After(c.Start) && (c.End.IsZero() || !at.After(c.End)) {
							series.Samples[t] = slo.Sample{Tick: at, Blind: true}
						}
					}
				}
			}
		}
		return readings
	}
}

// TestExcludedIncidents excludes incidents of a daemon, takes that back and excludes them again,
// while it is killed every few minutes or not. Each time its budgets are at once those of a replay
// of a history that lacks these incidents' data, and those of a replay that knows the corrections.
func TestExcludedIncidents(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now().Add(minutes(30))
				s := &scene{roles: map[string]*role{
					"checkout": {faults: []slo.Span{span(start, 0, 10), span(start, 60, 200)}},
					"cart":     {faults: []slo.Span{span(start, 2, 5)}, regions: []string{"eu", "us"}},
				}}
				p := newScene(t, s, "cart", "checkout")
				p.defs[0].Objective.GroupBy = []string{"region"}
				for i := range p.defs {
					p.defs[i].Objective.Window = slo.Window{Rolling: 3 * day}
					p.defs[i].Policy.Budget = false // what was opened stays, so a replay has other windows
				}
				started := theNow()
				p.start()
				check := func(what string, ids ...string) {
					t.Helper()
					p.sameBudgets(what, started, ids...)
				}
				p.live(minutes(115), killed)
				first, second := idAt(t, p, start), idAt(t, p, start.Add(minutes(60)))
				check("at first")
				p.sayExcluded(first, second)
				check("one is over, one goes on", first, second)
				p.live(minutes(45), killed)
				check("later", first, second)
				p.sayExcluded(second)
				check("the first counts again", second)
				p.live(minutes(180), killed)
				check("both are over", second)
				p.sayExcluded()
				check("all count")
				p.kill()
				p.start()
				check("all count, over a restart")
				p.sayExcluded(first)
				p.kill()
				p.start()
				p.live(minutes(15), killed)
				check("the first one again", first)
				p.kill()
			})
		})
	}
}

// sameBudgets compares the daemon's budgets with those of replays that leave out some incidents.
func (p *process) sameBudgets(what string, started time.Time, excluded ...string) {
	p.t.Helper()
	var out []alert.Correction
	for _, i := range p.incidents() {
		if slices.Contains(excluded, i.ID) {
			out = append(out, i.Corrections()...)
		}
	}
	statuses := p.engine.Statuses(time.Now())
	got, end := budgets(statuses), started
	for _, s := range statuses {
		end = slo.Later(end, s.Tick)
	}
	for name, replay := range map[string]func() (engine.Replayed, error){
		"without the data": func() (engine.Replayed, error) {
			return engine.Replay(p.t.Context(), without(p.source, out), p.defs, interval, started, end, nil)
		},
		"with corrections": func() (engine.Replayed, error) {
			return engine.ReplayCorrected(p.t.Context(), p.source, p.defs, out, interval, started, end, nil)
		},
	} {
		replayed, err := replay()
		if err != nil {
			p.t.Fatal(err)
		}
		if diff := cmp.Diff(budgets(replayed.Statuses), got, cmpopts.EquateApprox(1e-9, 1e-6)); diff != "" {
			p.t.Errorf("%s: budgets, excluded %v (-replay %s +daemon):\n%s", what, excluded, name, diff)
		}
	}
}

// TestExcludedThoughDataComesLate excludes an incident before all of its data has come. The past is
// folded again with it, and what came late is left out as well.
func TestExcludedThoughDataComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(minutes(60))
		s := &scene{roles: map[string]*role{"checkout": {
			faults: []slo.Span{span(start, 0, 12)}, sources: []source{{}, {lag: minutes(30), during: span(start, -5, 45)}},
		}}}
		p := newScene(t, s, "checkout")
		p.defs[0].Objective.Window = slo.Window{Rolling: 3 * day}
		started := theNow()
		p.start()
		p.live(minutes(80), false)
		if !slices.ContainsFunc(p.incidents()[0].Windows, func(w alert.Window) bool { return w.Kind == alert.Budget && w.IsOpen() }) {
			t.Fatalf("the budget is not overspent:\n%s", describe(p.incidents()))
		}
		id := idAt(t, p, start)
		early := p.incidents()[0].Windows[0].Bad
		p.sayExcluded(id)
		p.live(minutes(60), false)
		if bad := p.incidents()[0].Windows[0].Bad; bad <= early {
			t.Fatalf("%v bad events at first, %v later: nothing came late", early, bad)
		}
		p.sameBudgets("once all data are there", started, id)
		if all := p.incidents(); len(all) != 1 || all[0].HasOpenWindow() {
			t.Errorf("want one incident, and no window open:\n%s", describe(all))
		}
		p.sayExcluded()
		p.sameBudgets("counted again", started)
		p.kill()
	})
}

// TestCorrectionOfASingleTick takes out one tick of a time that a replay need not read tick by
// tick.
func TestCorrectionOfASingleTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := theNow().Add(-5 * day).Add(7 * time.Minute)
		s := &scene{roles: map[string]*role{"checkout": {faults: []slo.Span{{Start: start, End: start.Add(time.Second)}}}}}
		def := definition("checkout")
		def.Objective.Window = slo.Window{Rolling: 7 * day}
		tick := slo.Span{Start: slo.Floor(start, interval), End: slo.Floor(start, interval).Add(interval)}
		out := []alert.Correction{{ID: slo.ID{SLO: "checkout"}, Span: tick}, {ID: slo.ID{SLO: "checkout"}, Span: tick}} // somebody wrote it twice
		r, err := engine.ReplayCorrected(t.Context(), s.read, []alert.Definition{def}, out, interval, theNow().Add(-day), theNow(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Statuses[0].Window; got.Bad != 0 || got.Total != 50*(7*day-interval).Seconds() {
			t.Errorf("%v of %v events are bad", got.Bad, got.Total)
		}
	})
}

// TestExcludedBeforeThePastIsRead starts a daemon that has lost its lanes but knows which incidents
// are excluded: once the past is read, their time is left out.
func TestExcludedBeforeThePastIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(minutes(30))
		s := &scene{roles: map[string]*role{"checkout": {faults: []slo.Span{span(start, 0, 10)}}, "cart": {}}}
		p := newScene(t, s, "checkout", "cart")
		for i := range p.defs {
			p.defs[i].Objective.Window, p.defs[i].Policy.Budget = slo.Window{Rolling: 3 * day}, false
		}
		started := theNow()
		p.start()
		p.live(minutes(90), false)
		id := idAt(t, p, start)
		p.sayExcluded(id)
		p.sameBudgets("at first", started, id)
		p.kill()
		all := p.defs
		p.defs = all[1:] // the objective is taken out of the SLO file ...
		p.start()
		p.live(minutes(10), false)
		p.kill()
		p.defs = all // ... and is back: its past is read
		p.start()
		p.live(minutes(30), false)
		p.sameBudgets("with another history", started, id)
		p.kill()
	})
}

// idAt returns the ID of the incident that began at a time.
func idAt(t *testing.T, p *process, onset time.Time) string {
	t.Helper()
	for _, i := range p.incidents() {
		if d := i.Onset().Sub(onset).Abs(); d < minutes(1) {
			return i.ID
		}
	}
	t.Fatalf("no incident began at %s:\n%s", onset, describe(p.incidents()))
	return ""
}

// TestExclusionsSurviveAKill excludes random incidents of a lane at random times. Whenever it is
// killed, it comes back the same, bit for bit.
func TestExclusionsSurviveAKill(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	m := newMemory(t, "00", interval, epoch, definition("checkout"))
	var all []alert.Incident
	for range 60 {
		sample, length := good(1000), 20+r.IntN(200)
		if r.IntN(3) == 0 {
			sample, length = bad(1000, math.Round(1000*r.Float64())), 1+r.IntN(60)
		}
		for range length {
			m.step(sample)
		}
		all = all[:0]
		for _, id := range m.order {
			if r.IntN(2) == 0 {
				all = append(all, m.incidents[id])
			}
		}
		if r.IntN(2) == 0 {
			m.lane.Exclude(all...)
			m.step(good(1000))
		}
		m.kill()
	}
	if len(m.order) < 3 {
		t.Errorf("only %d incidents", len(m.order))
	}
}
