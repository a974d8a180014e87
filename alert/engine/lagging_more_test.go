package engine_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// lateBeside says which data are late. Times are minutes after start.
type lateBeside struct {
	faults  [][2]float64 // minutes after the start
	lag     float64      // of one of two sources, in minutes
	during  [2]float64
	all     bool // both sources are late
	regions []string
	budget  bool
	window  slo.Window
	until   float64
	killed  bool
}

// TestLateBeside has late data while something else goes on: a replay finds the same windows.
func TestLateBeside(t *testing.T) {
	for name, tc := range map[string]lateBeside{
		"label sets, five minutes":         {faults: [][2]float64{{60, 80}}, lag: 5, during: [2]float64{50, 100}, regions: []string{"eu", "us"}, until: 300},
		"label sets, fifty minutes":        {faults: [][2]float64{{60, 80}}, lag: 50, during: [2]float64{50, 140}, regions: []string{"eu", "us"}, until: 500},
		"label sets, all are late":         {faults: [][2]float64{{60, 80}}, lag: 20, during: [2]float64{50, 140}, all: true, regions: []string{"eu", "us"}, until: 300},
		"a budget that was overspent":      {faults: [][2]float64{{-12000, -11940}, {60, 80}}, lag: 5, during: [2]float64{50, 100}, budget: true, until: 300},
		"a budget, and all are late":       {faults: [][2]float64{{-12000, -11940}, {60, 80}}, lag: 20, during: [2]float64{50, 100}, all: true, budget: true, until: 300},
		"a budget that is overspent by it": {faults: [][2]float64{{-12000, -11970}, {60, 80}}, lag: 50, during: [2]float64{50, 140}, budget: true, until: 500},
		"a budget of the calendar":         {faults: [][2]float64{{-12000, -11940}, {60, 110}}, lag: 5, during: [2]float64{50, 100}, budget: true, window: slo.Window{Calendar: "month"}, until: 300},
		"a window of eight days":           {faults: [][2]float64{{-12000, 80}}, lag: 5, during: [2]float64{50, 100}, until: 300},
		"eight hours":                      {faults: [][2]float64{{60, 80}}, lag: 480, during: [2]float64{50, 700}, all: true, until: 900},
		"two outages":                      {faults: [][2]float64{{60, 80}, {90, 100}}, lag: 5, during: [2]float64{50, 130}, until: 300},
		"two outages, killed":              {faults: [][2]float64{{60, 80}, {90, 100}}, lag: 5, during: [2]float64{50, 130}, until: 300, killed: true},
		"two outages, an hour and a half":  {faults: [][2]float64{{60, 80}, {90, 100}}, lag: 95, during: [2]float64{50, 200}, until: 900},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tc.run)
		})
	}
}

func (tc lateBeside) run(t *testing.T) {
	begin := time.Now()
	late := source{lag: minutes(tc.lag), during: span(begin, tc.during[0], tc.during[1])}
	r := &role{sources: []source{{}, late}, regions: tc.regions}
	if tc.all {
		r.sources[0] = late
	}
	for _, f := range tc.faults {
		r.faults = append(r.faults, span(begin, f[0], f[1]))
	}
	p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
	if p.defs[0].Policy.Budget = tc.budget; tc.regions != nil {
		p.defs[0].Objective.GroupBy = []string{"region"}
	}
	if tc.window != (slo.Window{}) {
		p.defs[0].Objective.Window = tc.window
	}
	started := theNow()
	p.start()
	p.live(minutes(tc.until), tc.killed)
	got := p.incidents()
	if diff := cmp.Diff(roughly(p.replayed(started)), roughly(got), almost); diff != "" {
		t.Errorf("(-replay +daemon):\n%s", diff)
	}
	states := p.states()
	p.kill()
	if len(got) == 0 || states["checkout"] == alert.Blind {
		t.Errorf("%s; incidents:\n%s", states["checkout"], describe(got))
	}
	if t.Failed() {
		t.Log(describe(got), describe(p.replayed(started)), p.log.String())
	}
}

// almost lets shares of a budget differ if a breach is judged again hours later: the history has
// forgotten part of its 30 days by then. A caveat says how much is an estimate.
var almost = cmp.Options{
	cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{}), cmpopts.EquateApprox(0.02, 0),
	cmpopts.IgnoreFields(alert.Window{}, "Detected"),
	cmpopts.IgnoreFields(alert.Incident{}, "ID", "Revision"), // the ID has the onset that was known first
}

// roughly returns a copy without caveats on late data, and without numbers of windows of kind
// budget, which get no updates once their incident is over.
func roughly(all []alert.Incident) []alert.Incident {
	all = withoutLate(all)
	for _, i := range all {
		for n, w := range i.Windows {
			i.Windows[n].Caveats = withoutEstimate(w.Caveats)
			if w.Kind == alert.Budget {
				i.Windows[n] = alert.Window{Objective: w.Objective, Kind: w.Kind, Definition: w.Definition, Onset: w.Onset, Ended: w.Ended}
			}
		}
	}
	return all
}

// TestLateLeavesOthersAsTheyAre has late data of a breach: one recorded three days before stays as
// it is, though the history has forgotten part of its budget's window.
func TestLateLeavesOthersAsTheyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const first, second = 33 * 24 * 60, 36 * 24 * 60
		begin := time.Now()
		r := &role{
			faults:  []slo.Span{span(begin, first, first+20), span(begin, second, second+20)},
			sources: []source{{}, {lag: minutes(5), during: span(begin, second-10, second+200)}},
		}
		p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
		p.every = 5 * time.Minute
		time.Sleep(minutes(first - 60))
		p.start()
		time.Sleep(minutes(second - first))
		synctest.Wait()
		before := p.incidents()
		time.Sleep(minutes(600))
		synctest.Wait()
		after := p.incidents()
		p.kill()
		if len(before) != 1 || len(after) != 2 {
			t.Fatalf("incidents before:\n%s after:\n%s", describe(before), describe(after))
		}
		if diff := cmp.Diff(before[0], after[1], cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
			t.Errorf("the older one (-before +after):\n%s", diff)
		}
		isLate := func(c slo.Caveat) bool { return c.Kind == slo.DataLate }
		if w := after[0].Windows[0]; !slices.ContainsFunc(w.Caveats, isLate) {
			t.Errorf("the newer one has the caveats %v", w.Caveats)
		}
	})
}

// TestLateWhereThePastIsGone has late data in a Prometheus that keeps a day: postburn keeps its
// knowledge of the time before.
func TestLateWhereThePastIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := &role{
			keeps: day, faults: []slo.Span{span(begin, 3*24*60, 3*24*60+20)},
			sources: []source{{}, {lag: minutes(5), during: span(begin, 3*24*60-10, 3*24*60+30)}},
		}
		p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
		p.start()
		time.Sleep(minutes(3*24*60 - 15))
		before := p.engine.Statuses(time.Now())[0].Window
		time.Sleep(minutes(200))
		synctest.Wait()
		after := p.engine.Statuses(time.Now())[0].Window
		got := p.incidents()
		p.kill()
		if after.Total < before.Total {
			t.Errorf("the budget has %v events, it had %v", after.Total, before.Total)
		}
		if len(got) != 1 || got[0].IsOpen() || got[0].Windows[0].Bad < 60_000 {
			t.Errorf("want one incident that is over, got\n%s\n%s", describe(got), p.log.String())
		}
	})
}

// TestLateIsKept kills the process just after it found late data.
func TestLateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		late := source{lag: minutes(50), during: span(begin, 50, 110)}
		r := &role{faults: []slo.Span{span(begin, 60, 80)}, sources: []source{{}, late}, late: "only"}
		p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
		p.start()
		time.Sleep(minutes(121.5) + time.Second) // the hour of the outage's begin was read again at 02:01
		synctest.Wait()
		before := len(p.incidents())
		p.kill()
		p.start()
		time.Sleep(minutes(3))
		synctest.Wait()
		got := p.incidents()
		p.kill()
		if n := strings.Count(p.log.String(), "sampling later"); n != 1 || before > 0 {
			t.Errorf("%d lines about late data, and %d incidents before it was killed", n, before)
		}
		if len(got) != 1 || got[0].Windows[0].Bad != 60_000 {
			t.Errorf("want what came late, got\n%s%s", describe(got), p.log.String())
		}
	})
}

// TestLateAfterDays has late data days after another outage, which the lane has forgotten: it is
// not recorded again.
func TestLateAfterDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		later := begin.Add(5 * day)
		r := &role{
			faults:  []slo.Span{span(begin, 60, 70), span(later, 0, 20)},
			sources: []source{{}, {lag: minutes(5), during: span(later, -10, 30)}},
		}
		p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
		started := theNow()
		p.start()
		time.Sleep(5*day + minutes(120))
		synctest.Wait()
		got := p.incidents()
		if diff := cmp.Diff(roughly(p.replayed(started)), roughly(got), almost); diff != "" {
			t.Errorf("(-replay +daemon):\n%s", diff)
		}
		p.kill()
		if len(got) != 2 {
			t.Errorf("want two incidents, got\n%s", describe(got))
		}
	})
}
