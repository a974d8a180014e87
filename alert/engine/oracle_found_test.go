package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Bugs that the oracles found, each with its own history.

// TestPlannedWorkAndAShorterWindow has a budget overspent mostly by planned work when the objective
// gets a shorter window. The open breach window keeps the longer one, with all its events.
func TestPlannedWorkAndAShorterWindow(t *testing.T) {
	def := definition("checkout")
	def.Objective.Target, def.Objective.Window, def.Policy.Rules = slo.MustDecimal("0.9"), slo.Window{Rolling: 12 * time.Hour}, nil
	m := newMemory(t, "00", interval, epoch, def)
	steps := func(n int, s slo.Sample) {
		t.Helper()
		for range n {
			m.step(s)
		}
	}
	steps(1440, good(100))
	begin := m.lane.Cursor()
	steps(100, inPlan(bad(100, 100)))
	steps(60, bad(100, 100))
	if all := m.windows(); len(all) != 1 || all[0].Kind != alert.Budget {
		t.Fatalf("windows %+v, want one of kind budget", all)
	}
	def.Objective.Window.Rolling = 6 * time.Hour
	m.lane.Redefine([]alert.Definition{def}, m.lane.Cursor())
	steps(1440, good(100))
	if w := m.windows()[0]; w.IsOpen() || !w.Ended.After(begin.Add(12*time.Hour)) {
		t.Errorf("ended %s, want 12 hours after %s at the earliest", w.Ended, begin)
	}
}

// TestQuietAndTheDayBefore has traffic at a quarter of usual if the day before says little: half of
// it was not seen, or it is part of the same stretch.
func TestQuietAndTheDayBefore(t *testing.T) {
	const interval = 15 * time.Minute
	for name, tc := range map[string]struct {
		after, blind time.Duration
	}{
		"half of it was not seen":     {time.Hour, 30 * time.Minute},
		"stretches of a day and more": {36 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			def := alert.Definition{Objective: objective("0.9"), Policy: policy()}
			def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("0.3"), After: tc.after, Issue: true}
			m := newMemory(t, "00", interval, epoch, def)
			steps := func(length time.Duration, s slo.Sample) {
				t.Helper()
				for range length / interval {
					m.step(s)
				}
			}
			steps(10*day, good(1000))
			steps(tc.blind, slo.Sample{Blind: true})
			steps(day-tc.blind, good(1000))
			begin := m.lane.Cursor()
			steps(tc.after+time.Hour, good(250))
			steps(10*time.Hour, good(1000))
			if all := m.windows(); len(all) != 1 || all[0].Kind != alert.Quietness || !all[0].Onset.Equal(begin) {
				t.Errorf("windows %+v, want one of kind quiet from %s on", all, begin)
			}
		})
	}
}

// TestFoldedAgain folds an objective's last day again, as for late data. Its slowest rule looks
// back half a day, and there are no earlier data. It finds the same window as before, of a slow
// burn early in that day.
func TestFoldedAgain(t *testing.T) {
	def := alert.Definition{Objective: objective("0.99"), Policy: policy(
		alert.Rule{Rate: slo.MustDecimal("6"), Long: time.Hour, Short: 5 * time.Minute},
		alert.Rule{Rate: slo.MustDecimal("1"), Long: 12 * time.Hour, Short: 30 * time.Minute},
	)}
	again, begun := epoch.Add(12*time.Hour), epoch.Add(-day)
	sample := func(at time.Time) slo.Sample {
		switch since := at.Sub(again); {
		case since <= 0:
			return slo.Sample{Blind: true}
		case since > time.Hour && since <= 7*time.Hour:
			return bad(100, 4) // too little for the faster rule
		}
		return good(100)
	}
	foldTo := func(w *fold.Watch) (found []alert.Window) {
		for at := w.Now().Add(interval); !at.After(again.Add(day)); at = at.Add(interval) {
			for _, e := range w.Step(sample(at)) {
				if e.Closed && e.Window.Ended.After(again) {
					found = append(found, e.Window)
				}
			}
		}
		return found
	}
	old := fold.NewWatch(def, "", interval, begun, begun)
	want := foldTo(old)
	w := fold.NewWatch(def, "", interval, again, begun)
	w.Since = again
	w.Follow(old)
	got := foldTo(w)
	if len(want) != 1 || want[0].Bad != 6*120*4 {
		t.Fatalf("want one window of six hours at first, got %+v", want)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
		t.Errorf("(-at first +again):\n%s", diff)
	}
}

// TestStretchesReadAgain has engines read stretches of an hour again that their histories don't
// know exactly: with planned work, or beginning inside a bucket of 11 ticks. Nothing came late.
func TestStretchesReadAgain(t *testing.T) {
	for name, planned := range map[string]bool{"planned work": true, "buckets": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				def := definition("api")
				def.Objective.Window, def.Policy.Rules = slo.Window{Rolling: 2 * day}, def.Policy.Rules[:1]
				w := &world{start: time.Now(), began: time.Now().Add(-2 * time.Hour), ticks: 1440, roles: map[string]*worldRole{}}
				r := &worldRole{def: def, sets: map[slo.Labels]*worldSet{"": {}}, planned: make([]bool, w.ticks+1)}
				set, sum := r.sets[""], slo.Counts{}
				for i := range w.ticks + 1 {
					sum.Total += float64(100 + 50*(i%7))
					set.sums, set.seen = append(set.sums, sum), append(set.seen, true)
					r.planned[i] = planned && i%200 < 20
				}
				w.roles["api"] = r
				if planned {
					r.def.Objective.Exclude = "maintenance == 1"
				}
				p := w.process(t)
				p.start()
				time.Sleep(9 * time.Hour)
				p.kill()
				if strings.Contains(p.log.String(), "data came after") {
					t.Errorf("taken as late:\n%s", p.log.String())
				}
			})
		})
	}
}

// TestCatchingUpIsNotBlindness has an engine catch up with nine hours: one objective had no data
// for half an hour, and a label set of another appeared. Nothing else is blind, though one
// objective is read later than the other.
func TestCatchingUpIsNotBlindness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{start: time.Now(), began: time.Now().Add(-2 * time.Hour), ticks: 1440, roles: map[string]*worldRole{}}
		add := func(name string, labels slo.Labels, seen func(tick int) bool) {
			r := w.roles[name]
			if r == nil {
				r = &worldRole{def: definition(name), sets: map[slo.Labels]*worldSet{}}
				r.def.Objective.Window, r.def.Policy.Rules = slo.Window{Rolling: 2 * day}, r.def.Policy.Rules[:1]
				r.def.Policy.Blind = alert.BlindPolicy{After: 10 * time.Minute, Issue: true}
				w.roles[name] = r
			}
			if labels != "" {
				r.def.Objective.GroupBy = []string{"region"}
			}
			set := &worldSet{}
			for i := range w.ticks + 1 {
				set.sums, set.seen = append(set.sums, slo.Counts{Total: float64(100 * i)}), append(set.seen, seen(i))
			}
			r.sets[labels] = set
		}
		after := int(2*time.Hour/interval) + 20 // when the engine is killed
		add("api", "", func(i int) bool { return i < after+970 || i > after+1030 })
		add("cart", `{region="eu"}`, func(int) bool { return true })
		add("cart", `{region="us"}`, func(i int) bool { return i > after+500 })
		add("cart", `{region="ap"}`, func(i int) bool { return i > after+500 && i < after+900 })
		p := w.process(t)
		p.start()
		time.Sleep(10 * time.Minute)
		p.kill()
		time.Sleep(9 * time.Hour)
		p.start()
		time.Sleep(5 * time.Minute)
		got := p.incidents()
		p.kill()
		replayed, err := engine.Replay(t.Context(), w.read, p.defs, interval, w.start.Add(-time.Minute), theNow(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(replayed.Incidents) != 1 {
			t.Fatalf("want one incident, got %s", describe(replayed.Incidents))
		}
		if diff := w.compareBlind(replayed.Incidents, got); diff != "" {
			t.Errorf("(-replayed +caught up):\n%s", diff)
		}
	})
}

// TestCatchingUpInOrder has an engine catch up with more ticks than it reads at a time. One
// objective has no data where the first of these end, and then fails before the other one does. The
// incident is that of the one that failed first, as in a replay.
func TestCatchingUpInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{start: time.Now(), began: time.Now().Add(-2 * time.Hour), ticks: 1500, roles: map[string]*worldRole{}}
		killed := int(2*time.Hour/interval) + 20
		add := func(name string, fails int, dark bool) {
			r := &worldRole{def: definition(name), sets: map[slo.Labels]*worldSet{"": {}}}
			set, sum := r.sets[""], slo.Counts{}
			for i := range w.ticks + 1 {
				sum.Total += 100
				sum.Bad += 100 * btof(i > fails && i <= fails+20)
				set.sums = append(set.sums, sum)
				set.seen = append(set.seen, !dark || i < killed+950 || i > killed+1030)
			}
			w.roles[name] = r
		}
		add("api", killed+1070, false)
		add("cart", killed+1050, true)
		p := w.process(t)
		p.start()
		time.Sleep(10 * time.Minute)
		p.kill()
		time.Sleep(9*time.Hour + 30*time.Minute)
		p.start()
		time.Sleep(5 * time.Minute)
		got := p.incidents()
		p.kill()
		want := "checkout-" + w.at(killed+1050).UTC().Format("20060102t150405z")
		if len(got) != 1 || len(got[0].Windows) != 2 || got[0].ID != want {
			t.Errorf("want the incident %s of both, got:\n%s", want, describe(got))
		}
	})
}

// TestPlannedWorkIsLateBeforeACheckpoint has late events of planned work, and kills the process
// after a checkpoint of its state, but not of its history.
func TestPlannedWorkIsLateBeforeACheckpoint(t *testing.T) {
	m := newMemory(t, "00", interval, epoch, definition("checkout"))
	steps := func(n int, s slo.Sample) {
		t.Helper()
		for range n {
			m.step(s)
		}
	}
	steps(10, good(100))
	steps(10, inPlan(good(100)))
	late := inPlan(good(100))
	late.Late = []slo.Late{{From: epoch.Add(5 * interval), To: epoch.Add(21 * interval), Counts: slo.Counts{Total: 1600, Bad: 160}}}
	m.step(late)
	steps(10, inPlan(good(100)))
	steps(300, good(100))
	m.kill() // which compares
}
