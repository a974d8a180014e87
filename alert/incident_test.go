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
	for _, tc := range []struct {
		name    string
		windows []alert.Window // in the order in which they are found, each opened as it ends up
		group   []string       // of the window, "checkout" where it is missing
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
		{"a budget is grouped with nothing", []alert.Window{burn("a", 0, 0), budget("a", 5, 0), budget("b", 5, 0)}, nil, [][]int{{0}, {1}, {2}}},
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
				incidents, i = alert.Correlate(incidents, alert.Event{Tick: w.Detected, Opened: true, Window: w}, p)
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
