package engine

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// TestDiary notes a lane's days every hour, all of them only if more of the past is known.
func TestDiary(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	def := alert.Definition{
		Objective: slo.Objective{Name: "a", Service: "shop", Target: slo.MustDecimal("99%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}},
		Policy:    alert.Policy{Rules: alert.DefaultRules(30 * 24 * time.Hour), Group: "shop"},
	}
	l := newLane("0", fold.NewLane(10*time.Minute, start))
	l.redefine([]alert.Definition{def}, start)
	var d diary
	one := func(s slo.Sample) {
		l.step([]fold.Row{{Samples: [][]slo.Sample{{s}}}})
		d.note(l)
	}
	step := func(ticks int) {
		for range ticks {
			one(slo.Sample{Counts: slo.Counts{Total: 100, Bad: 1}})
		}
	}
	taken := func(what string, days int, total float64) {
		t.Helper()
		all := d.take()
		if days == 0 {
			if len(all) > 0 {
				t.Errorf("%s: took %+v", what, all)
			}
			return
		}
		sum := 0.0
		for _, day := range all[0].Days {
			sum += day.Total
		}
		if of := all[0]; len(all) != 1 || of.SLO != "a" || of.Service != "shop" || of.Measures != def.Measures() || len(of.Days) != days || sum != total {
			t.Errorf("%s: took %+v, want %d days with %v events", what, all, days, total)
		}
	}
	one(slo.Sample{Blind: true})
	taken("no data yet", 0, 0)
	step(1)
	taken("the first tick with data", 1, 100)
	step(2)
	taken("soon", 1, 200)
	step(1)
	taken("again", 1, 400)
	step(1)
	taken("less often", 0, 0)
	step(10*144 - 6)
	taken("until somebody takes it", 10, 10*14400-100-300) // noted half an hour after each hour
	step(6)
	taken("the days that late data may change", 4, 3*14400+300)
	d.note(l)
	taken("nothing new", 0, 0)

	def.Objective.Target = slo.MustDecimal("99.9%")
	l.redefine([]alert.Definition{def}, l.Cursor())
	step(6)
	if all := d.take(); len(all) != 1 || all[0].Target != def.Objective.Target || len(all[0].Days) != 4 {
		t.Errorf("with another target: took %+v", all)
	}
	def.Objective.Exclude = "maintenance == 1"
	l.redefine([]alert.Definition{def}, l.Cursor())
	step(1)
	taken("with other events, at once", 1, 100)
}
