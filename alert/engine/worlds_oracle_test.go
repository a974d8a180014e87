package engine_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

var (
	worldRounds = flag.Int("world-rounds", 4, "how many random worlds engines live through")
	worldSeed   = flag.Uint64("world-seed", 1, "the seed of the first one")
)

// TestWorlds has engines live through random worlds. One is always there, is killed now and then,
// and sometimes can't read. One is down for most of it and catches up. Both record what a replay
// finds afterwards, but for the differences that seenAs lists.
func TestWorlds(t *testing.T) {
	t.Parallel()
	all := &kinds{found: map[alert.Kind]int{}}
	t.Run("seeds", func(t *testing.T) {
		for i := range *worldRounds {
			seed := *worldSeed + uint64(i)
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { liveThrough(t, seed, all) })
			})
		}
	})
	found := all.found
	t.Logf("windows: %v", found)
	if *worldRounds > 3 && (found[alert.Burn] < 2**worldRounds || found[alert.Budget] == 0 || found[alert.Blindness] == 0) {
		t.Error("the worlds test too little")
	}
}

// TestFoundWorlds has engines live through worlds in which they once recorded something else.
func TestFoundWorlds(t *testing.T) {
	t.Parallel()
	for name, seeds := range map[string][]uint64{
		"two ticks have data in the dark, and the last comes only after it": {5000},
		"data end for ever while they can't be read":                        {7026},
		"an objective was a few ticks behind its lane when it stopped":      {4327, 4341, 4345, 5017, 5121},
	} {
		for _, seed := range seeds {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { liveThrough(t, seed, &kinds{found: map[alert.Kind]int{}}) })
			})
		}
	}
}

// kinds counts the windows of all worlds.
type kinds struct {
	mu    sync.Mutex
	found map[alert.Kind]int
}

func (k *kinds) count(all []alert.Incident) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, i := range all {
		for _, w := range i.Windows {
			k.found[w.Kind]++
		}
	}
}

// liveThrough runs two engines through a world, and compares them with a replay.
func liveThrough(t *testing.T, seed uint64, all *kinds) {
	d := disturbances{late: seed%4 == 1, failing: seed%4 != 0, down: seed%4 != 0, blindIssues: seed%2 == 0}
	t.Logf("-world-seed %d -world-rounds 1: %+v", seed, d)
	time.Sleep(time.Duration(seed%100) * time.Hour) // another hour and day of the week
	rnd := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(rnd, d)
	live, late := w.process(t), w.process(t)
	live.start()
	late.start()
	time.Sleep(10 * time.Minute)
	late.kill()
	end := w.start.Add(worldLife - 30*time.Minute)
	for time.Now().Before(end) {
		time.Sleep(min(time.Until(end), time.Minute+time.Duration(rnd.Int64N(int64(4*time.Hour)))))
		switch rnd.IntN(3) {
		case 0:
			live.kill()
			killed := time.Now()
			time.Sleep(time.Duration(rnd.Int64N(int64(20 * time.Minute))))
			w.killed = append(w.killed, slo.Span{Start: killed, End: time.Now()})
			live.start()
		case 1:
			live.kill()
			live.start()
		default:
			if err := live.engine.Reload(t.Context(), live.defs); err != nil {
				t.Fatal(err)
			}
		}
	}
	late.start()
	time.Sleep(20 * time.Minute) // longer than anything is waited for
	synctest.Wait()
	replayed, err := engine.Replay(t.Context(), w.read, live.defs, interval, w.start.Add(-time.Minute), theNow(), nil)
	if err != nil {
		t.Fatal(err)
	}
	all.count(replayed.Incidents)
	for _, p := range []*process{live, late} {
		name, got := "live", p.incidents()
		if p == late {
			name, d = "caught up", disturbances{blindIssues: d.blindIssues}
		}
		diff := diffLines(w.seenAs(replayed.Incidents, d), w.seenAs(got, d)) + w.compareBlind(replayed.Incidents, got)
		if diff != "" {
			t.Errorf("(-replayed +%s):\n%s%s", name, diff, w.describe())
		}
		p.kill()
		if text := p.log.String(); !d.late && strings.Contains(text, "data came after") {
			t.Errorf("%s: nothing came late:\n%s", name, text)
		}
	}
}

// TestRedefinedWorlds runs an engine through random worlds: it is killed, gets no answers at times,
// and gets other targets, windows and rules. It records the same as an untroubled one with the same
// changes.
func TestRedefinedWorlds(t *testing.T) {
	for i := range (*worldRounds + 1) / 2 {
		seed := *worldSeed + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			t.Logf("-world-seed %d -world-rounds 1", seed)
			synctest.Test(t, func(t *testing.T) { redefineThrough(t, seed) })
		})
	}
}

// redefineThrough runs two engines through a world. In the first quarter of each hour nothing goes
// wrong; in some of these they get other definitions.
func redefineThrough(t *testing.T, seed uint64) {
	time.Sleep(time.Duration(seed%100) * time.Hour)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(rnd, disturbances{})
	untroubled := *w
	untroubled.clean = true
	w.trouble(rnd)
	live, calm := w.process(t), untroubled.process(t)
	live.start()
	calm.start()
	for range int(worldLife/time.Hour) - 1 {
		time.Sleep(time.Hour + 10*time.Minute + 7*time.Second - time.Since(w.start)%time.Hour) // no tick is due then
		if rnd.IntN(2) == 0 {
			for i := range live.defs {
				live.defs[i] = redefined(rnd, live.defs[i])
			}
			calm.defs = slices.Clone(live.defs)
			for _, p := range []*process{live, calm} {
				if err := p.engine.Reload(t.Context(), p.defs); err != nil {
					t.Fatal(err)
				}
			}
		}
		if rnd.IntN(2) == 0 {
			time.Sleep(5*time.Minute + time.Duration(rnd.Int64N(int64(20*time.Minute))))
			live.kill()
			time.Sleep(time.Duration(rnd.Int64N(int64(15 * time.Minute))))
			live.start()
		}
	}
	time.Sleep(50 * time.Minute)
	d := disturbances{failing: true, down: true}
	diff := diffLines(w.seenAs(calm.incidents(), d), w.seenAs(live.incidents(), d))
	if diff != "" {
		t.Errorf("(-without trouble +live):\n%s%s", diff, w.describe())
	}
	live.kill()
	calm.kill()
}

// trouble makes queries fail, and Prometheus not answer, in the middle of some hours.
func (w *world) trouble(rnd *rand.Rand) {
	for hour := w.start; hour.Before(w.start.Add(worldLife - worldCalm)); hour = hour.Add(time.Hour) {
		from := hour.Add(16*time.Minute + time.Duration(rnd.IntN(15))*time.Minute)
		span := slo.Span{Start: from, End: from.Add(time.Duration(1+rnd.IntN(10*60)) * time.Second)}
		if rnd.IntN(3) == 0 {
			w.down = append(w.down, span)
		}
		for _, name := range slices.Sorted(maps.Keys(w.roles)) {
			if rnd.IntN(3) == 0 {
				w.roles[name].failing = append(w.roles[name].failing, span)
			}
		}
	}
}

// redefined counts the same events but judges them differently.
func redefined(rnd *rand.Rand, def alert.Definition) alert.Definition {
	other := randomDefinition(rnd, def.Objective.Name, disturbances{})
	other.Objective.GroupBy, other.Objective.Exclude, other.Policy.Group = def.Objective.GroupBy, def.Objective.Exclude, def.Policy.Group
	return other
}

func (w *world) process(t *testing.T) *process {
	p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), source: w.read, reach: w.reach}
	for _, name := range slices.Sorted(maps.Keys(w.roles)) {
		p.defs = append(p.defs, w.roles[name].def)
	}
	return p
}

func (w *world) describe() (text string) {
	at := func(s slo.Span) string { return s.Start.Format("02T15:04:05") + " to " + s.End.Format("02T15:04:05") }
	text = fmt.Sprintf("data from %s, watched from %s; down %v\n", w.began.Format("02T15:04:05"), w.start.Format("02T15:04:05"), w.down)
	for name, r := range w.roles {
		text += name
		for _, l := range r.late {
			text += fmt.Sprintf("; late by %s %s (gone %v)", l.lag, at(l.Span), l.gone)
		}
		for _, f := range r.failing {
			text += fmt.Sprintf("; failing %s (refused %v)", at(f), r.refused)
		}
		text += "\n"
	}
	return text
}

// seenAs returns what must be the same whatever was disturbed: a line for each window, with its
// incident. These differ by design:
//
//   - An open window of kind budget has its numbers from when the rest of its incident ended, and
//     any open one has the budget of the last tick with data.
//     A label set that is gone is waited for, with its last tick: the numbers of its open windows
//     lack that tick.
//   - A window of kind blind also opens while ticks can't be read, see compareBlind. It may take
//     other windows into its incident; if there are such, incidents are not compared.
//   - Ticks that are folded together, after a wait, make one revision instead of many.
//   - A window found by late data has another time of detection.
//   - A breach going on when an engine begins is found again and again, as more of the past is
//     read. Its detection and incident depend on how much was read when. What only a part of the
//     past told stays recorded.
func (w *world) seenAs(all []alert.Incident, d disturbances) (lines []string) {
	all = withoutLate(all)
	goingOn := map[string]bool{}
	for _, i := range all {
		goingOn[i.Group] = goingOn[i.Group] || slices.ContainsFunc(i.Windows, w.wentOn)
	}
	for _, i := range all {
		incident := fmt.Sprintf("%s of %s: ", i.ID, i.Group)
		switch {
		case d.blindIssues || goingOn[i.Group]:
			incident = ""
		case d.late:
			incident = fmt.Sprintf("%s, %d windows from %s: ", i.Group, len(i.Windows), i.Onset().Format(time.TimeOnly))
		}
		for _, v := range i.Windows {
			switch {
			case v.Kind == alert.Blindness || w.wentOn(v) && !v.IsOpen() && !v.Ended.After(w.start.Add(worldBegin)):
				continue
			case v.Kind == alert.Budget && v.IsOpen():
				v = alert.Window{Objective: v.Objective, Labels: v.Labels, Kind: v.Kind, Onset: v.Onset, Detected: v.Detected, Definition: v.Definition}
			}
			if v.IsOpen() {
				v.BudgetSpent, v.BudgetLeft, v.Severity, v.Caveats = 0, 0, 0, nil
			}
			if v.IsOpen() && v.Labels != "" {
				v.Counts, v.PeakBurnRate, v.Phases = slo.Counts{}, 0, nil
			}
			if d.late || w.wentOn(v) {
				v.Detected = time.Time{}
			}
			lines = append(lines, incident+windowText(v))
		}
	}
	slices.Sort(lines)
	return lines
}

// compareBlind compares windows of kind blind with a replay's, which must all be recorded. One ends
// when its next ticks are read, a few minutes after data are back. It may begin a tick early, as
// the last tick with data is waited for, too. Others are of times when nothing could be read, or
// nothing was waited for, as work was planned. Such a window may hold several of a replay.
func (w *world) compareBlind(want, got []alert.Incident) (diff string) {
	const pause, before = 5 * time.Minute, 2 * interval
	blind := func(all []alert.Incident) (windows []alert.Window) {
		for _, i := range all {
			windows = append(windows, slices.DeleteFunc(slices.Clone(i.Windows), func(v alert.Window) bool { return v.Kind != alert.Blindness })...)
		}
		return windows
	}
	have := blind(got)
	taken := make([]bool, len(have))
	find := func(fits func(alert.Window) bool) int {
		for i, h := range have {
			if !taken[i] && fits(h) {
				return i
			}
		}
		return -1
	}
	for _, v := range blind(want) {
		i := find(func(h alert.Window) bool {
			return h.ID() == v.ID() && !h.Onset.After(v.Onset) && v.Onset.Sub(h.Onset) <= before
		})
		exact := i >= 0 && have[i].IsOpen() == v.IsOpen() && have[i].Ended.Sub(v.Ended) <= pause && have[i].Counts == v.Counts
		if i < 0 { // it may have begun earlier
			i = find(func(h alert.Window) bool {
				return h.ID() == v.ID() && h.Onset.Before(v.Onset) && (h.IsOpen() || !v.IsOpen() && !h.Ended.Before(v.Ended))
			})
		}
		switch open := i >= 0 && have[i].IsOpen() && v.IsOpen(); {
		case exact, open && w.isExcuse(alert.Window{Objective: v.Objective, Onset: have[i].Onset, Ended: v.Onset}): // waited for before
			taken[i] = true
		case i < 0 || !w.isExcuse(have[i]):
			diff += "- " + windowText(v) + "\n"
		}
	}
	for i, v := range have {
		if !taken[i] && !w.isExcuse(v) {
			diff += "+ " + windowText(v) + "\n"
		}
	}
	return diff
}

// isExcuse reports whether something went wrong during a window, or work was planned.
func (w *world) isExcuse(v alert.Window) bool {
	r := w.roles[v.Objective.Name]
	wrong := slices.Concat(w.down, r.failing, w.killed)
	for _, l := range r.late {
		wrong = append(wrong, l.Span)
	}
	for i, planned := range r.planned {
		if planned {
			wrong = append(wrong, slo.Span{Start: w.at(i - 1), End: w.at(i)})
		}
	}
	return slices.ContainsFunc(wrong, func(s slo.Span) bool { return s.Start.Before(v.Ended) && v.Onset.Before(s.End.Add(time.Minute)) })
}

// wentOn reports whether a window could be seen when the engines began.
func (w *world) wentOn(v alert.Window) bool { return v.Onset.Before(w.start) }

// diffLines returns the lines that are not in both.
func diffLines(want, got []string) (diff string) {
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff += "- " + line + "\n"
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff += "+ " + line + "\n"
		}
	}
	if diff == "" && len(want) != len(got) {
		return fmt.Sprintf("%d lines, want %d\n", len(got), len(want))
	}
	return diff
}

func windowText(w alert.Window) string {
	text := fmt.Sprintf("%s %s: %s to %s, detected %s, %v of %v bad, peak %v, spent %v left %v, severity %d, usual %v, by %s",
		w.ID(), w.Kind, w.Onset.Format("02T15:04:05"), w.Ended.Format("02T15:04:05"), w.Detected.Format("02T15:04:05"), w.Bad, w.Total, w.PeakBurnRate,
		w.BudgetSpent, w.BudgetLeft, w.Severity, w.UsualEvents, w.Definition)
	if w.Rule != nil {
		text += fmt.Sprintf(", rule %s", w.Rule.Rate)
	}
	for _, p := range w.Phases {
		text += fmt.Sprintf("; %s %s to %s %v", p.Kind, p.Start.Format(time.TimeOnly), p.End.Format(time.TimeOnly), p.Counts)
	}
	for _, c := range w.Caveats {
		text += fmt.Sprintf("; %s %d %v %v", c.Kind, c.Count, c.Events, c)
	}
	return text
}
