package alert_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
)

func TestCorrelate(t *testing.T) {
	at := func(minute int) time.Time {
		return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
	}
	burn := func(name string, onset, end int) alert.Window {
		w := alert.Window{Kind: alert.Burn, Onset: at(onset), Detected: at(onset + 2)}
		w.Objective.Name = name
		if end > 0 {
			w.Ended = at(end)
		}
		return w
	}
	budget := func(name string, onset, end int) alert.Window {
		w := burn(name, onset, end)
		w.Kind = alert.Budget
		return w
	}
	overspent := func(name string, onset, detected int) alert.Window {
		w := budget(name, onset, 0)
		w.Detected = at(detected)
		return w
	}
	blind := func(name string, onset, end int) alert.Window {
		w := burn(name, onset, end)
		w.Kind = alert.Blindness
		return w
	}
	for _, tc := range []struct {
		name    string
		windows []alert.Window // in the order they are found, each opened as it ends up
		group   []string       // of the window; missing: "checkout"
		want    [][]int        // indices of the windows of each incident
	}{
		{"one", []alert.Window{burn("a", 0, 10)}, nil, [][]int{{0}}},
		{"overlapping", []alert.Window{burn("a", 0, 0), burn("b", 5, 0)}, nil, [][]int{{0, 1}}},
		{"within the merge gap", []alert.Window{burn("a", 0, 10), burn("a", 40, 50)}, nil, [][]int{{0, 1}}},
		{"after the merge gap", []alert.Window{burn("a", 0, 10), burn("a", 41, 50)}, nil, [][]int{{0}, {1}}},
		{"another group", []alert.Window{burn("a", 0, 0), burn("b", 5, 0)}, []string{"", "orders"}, [][]int{{0}, {1}}},
		{"a day after the onset", []alert.Window{burn("a", 0, 0), burn("b", 24*60, 0)}, nil, [][]int{{0, 1}}},
		{"more than a day after the onset", []alert.Window{burn("a", 0, 0), burn("b", 24*60+1, 0)}, nil, [][]int{{0}, {1}}},
		{"found late, begun before", []alert.Window{burn("a", 600, 610), burn("b", 60, 0)}, nil, [][]int{{0, 1}}},
		{"the newest of two", []alert.Window{burn("a", 0, 10), burn("a", 60, 70), burn("b", 80, 0)}, nil, [][]int{{0}, {1, 2}}},
		{"a budget of what fails", []alert.Window{burn("a", 0, 0), budget("a", 5, 0), budget("b", 5, 0)}, nil, [][]int{{0, 1, 2}}},
		{"a budget within the merge gap", []alert.Window{burn("a", 0, 10), budget("b", 40, 0)}, nil, [][]int{{0, 1}}},
		{"a budget after the merge gap", []alert.Window{burn("a", 0, 10), budget("b", 41, 0)}, nil, [][]int{{0}, {1}}},
		{"a budget, and what fails right after it", []alert.Window{budget("a", 0, 0), burn("b", 32, 0)}, nil, [][]int{{0, 1}}},
		{"a budget that stays spent, and what fails an hour after it", []alert.Window{budget("a", 0, 0), burn("b", 60, 0)}, nil, [][]int{{0}, {1}}},
		{"a budget spent with a breach that is over, and the next one", []alert.Window{burn("a", 0, 10), budget("a", 5, 0), burn("a", 41, 0)}, nil, [][]int{{0, 1}, {2}}},
		{"a budget overspent for days when it is found", []alert.Window{burn("a", 0, 10), overspent("a", -5*24*60, 12), burn("b", 30, 40)}, nil, [][]int{{0, 1, 2}}},
		{"the same, found alone first", []alert.Window{overspent("a", -5*24*60, 0), burn("b", 10, 40)}, nil, [][]int{{0, 1}}},
		{"no data of what fails", []alert.Window{burn("a", 0, 0), blind("b", 3, 40)}, nil, [][]int{{0, 1}}},
		{"no data, and what fails within the merge gap", []alert.Window{blind("a", 0, 20), burn("b", 50, 60)}, nil, [][]int{{0, 1}}},
		{"a budget found late", []alert.Window{burn("a", 0, 10), burn("a", 90, 100), budget("a", 5, 0)}, nil, [][]int{{0, 2}, {1}}},
		{"a burn found late", []alert.Window{burn("a", 90, 100), burn("b", 0, 10), burn("c", 65, 70)}, nil, [][]int{{0, 2}, {1}}},
		{"a burn found late that goes on", []alert.Window{burn("a", 90, 100), burn("b", 0, 0)}, nil, [][]int{{0, 1}}},
		{"a budget that comes back", []alert.Window{budget("a", 0, 10), budget("a", 20, 0)}, nil, [][]int{{0, 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var incidents []alert.Incident
			var got [][]int
			for n, w := range tc.windows {
				p := alert.Policy{MergeGap: 30 * time.Minute, Group: "checkout"}
				if n < len(tc.group) && tc.group[n] != "" {
					p.Group = tc.group[n]
				}
				var i int
				incidents, i = alert.Correlate(incidents, alert.Event{Tick: w.Detected, Opened: true, Window: w, Policy: p})
				for len(got) <= i {
					got = append(got, nil)
				}
				got[i] = append(got[i], n)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
			ids := map[string]bool{}
			for _, i := range incidents {
				if ids[i.ID] {
					t.Errorf("two incidents are called %s", i.ID)
				}
				ids[i.ID] = true
			}
		})
	}
}

// TestIncidentOfSeveralKinds has a budget stay spent after the burn that spent it.
func TestIncidentOfSeveralKinds(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 2, 10, minute, 0, 0, time.UTC) }
	burn := alert.Window{Kind: alert.Burn, Onset: at(10), Detected: at(12), Ended: at(30), BudgetSpent: 0.2}
	open := burn
	open.Ended = time.Time{}
	budget := alert.Window{Kind: alert.Budget, Onset: at(14), Detected: at(15), BudgetSpent: 1.3}
	met := budget
	met.Ended = at(50)
	old := budget
	old.Onset = at(14).Add(-5 * 24 * time.Hour)
	dark := alert.Window{Kind: alert.Blindness, Onset: at(11), Detected: at(26), Ended: at(33)}
	quiet := alert.Window{Kind: alert.Quietness, Onset: at(12), Detected: at(27), Ended: at(31)}
	for name, tc := range map[string]struct {
		windows      []alert.Window
		open         bool
		onset, ended time.Time
		worst        alert.Kind
	}{
		"a budget alone":                    {[]alert.Window{budget}, true, at(14), time.Time{}, alert.Budget},
		"a budget alone, overspent long":    {[]alert.Window{old}, true, old.Onset, time.Time{}, alert.Budget},
		"a budget alone, met again":         {[]alert.Window{met}, false, at(14), at(50), alert.Budget},
		"a budget while it burns":           {[]alert.Window{budget, open}, true, at(10), time.Time{}, alert.Burn},
		"a budget that stays spent":         {[]alert.Window{budget, burn}, false, at(10), at(30), alert.Burn},
		"a budget met long after":           {[]alert.Window{met, burn}, false, at(10), at(30), alert.Burn},
		"a budget overspent long before":    {[]alert.Window{burn, old}, false, at(10), at(30), alert.Burn},
		"no data, and a budget":             {[]alert.Window{budget, dark}, false, at(11), at(33), alert.Blindness},
		"too little traffic, no data":       {[]alert.Window{budget, dark, quiet}, false, at(11), at(33), alert.Quietness},
		"too little traffic of what fails":  {[]alert.Window{quiet, open}, true, at(10), time.Time{}, alert.Burn},
		"a budget, a burn and no data last": {[]alert.Window{budget, burn, dark}, false, at(10), at(33), alert.Burn},
	} {
		t.Run(name, func(t *testing.T) {
			i := alert.Incident{Windows: tc.windows}
			if i.IsOpen() != tc.open || !i.Onset().Equal(tc.onset) || !i.Ended().Equal(tc.ended) || i.Worst().Kind != tc.worst {
				t.Errorf("open %v, %s to %s, worst %s; want %v, %s to %s, %s",
					i.IsOpen(), i.Onset(), i.Ended(), i.Worst().Kind, tc.open, tc.onset, tc.ended, tc.worst)
			}
		})
	}
}

// TestCorrelateUpdates updates open windows, also those of older stores, which kept budgets in
// groups of their own.
func TestCorrelateUpdates(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	budget := alert.Window{Kind: alert.Budget, Onset: at, Detected: at}
	over := alert.Window{Kind: alert.Burn, Onset: at, Detected: at, Ended: at.Add(time.Minute)}
	policy := alert.Policy{Group: "checkout"}
	update := func(closed bool, group string, windows ...alert.Window) int {
		v := budget
		v.Bad = 7
		if closed {
			v.Ended = at.Add(time.Hour)
		}
		all, i := alert.Correlate([]alert.Incident{{Group: group, Windows: windows}}, alert.Event{Window: v, Closed: closed, Policy: policy})
		if len(all) != 1 || i == 0 && all[0].Windows[0].Bad != 7 {
			t.Errorf("incidents %+v", all)
		}
		return i
	}
	if update(false, "checkout", budget) != 0 || update(false, "a budget", budget) != 0 {
		t.Error("a budget alone does not tell how it goes on")
	}
	if update(false, "checkout", budget, over) != -1 {
		t.Error("a budget that stays spent changes an incident that is over, at every tick")
	}
	if update(true, "checkout", budget, over) != 0 {
		t.Error("a budget that is met again does not change its incident")
	}
}

// TestBudgetFoundLate has a budget found overspent an hour after its onset, when its incident began
// then, and a minute later, when the incident began only as it was found.
func TestBudgetFoundLate(t *testing.T) {
	onset := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	idOf := func(w alert.Window) string {
		all, _ := alert.Correlate(nil, alert.Event{Opened: true, Window: w, Policy: alert.Policy{Group: "checkout"}})
		return all[0].ID
	}
	for after, begin := range map[time.Duration]time.Duration{time.Hour: 0, 61 * time.Minute: 61 * time.Minute} {
		got := idOf(alert.Window{Kind: alert.Budget, Onset: onset, Detected: onset.Add(after)})
		if want := idOf(alert.Window{Kind: alert.Burn, Onset: onset.Add(begin)}); got != want {
			t.Errorf("found after %s: incident %s, want %s", after, got, want)
		}
	}
}
