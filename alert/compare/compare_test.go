package compare

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

var zero = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return zero.Add(time.Duration(minutes) * time.Minute) }

// window makes a window of "kind slo{labels} from-to"; no end is open.
func window(t *testing.T, text string) alert.Window {
	t.Helper()
	var kind, name, times string
	if _, err := fmt.Sscan(text, &kind, &name, &times); err != nil {
		t.Fatal(err)
	}
	w := alert.Window{Kind: alert.Kind(kind)}
	w.Objective.Name = name
	if i := strings.IndexByte(name, '{'); i >= 0 {
		w.Objective.Name, w.Labels, w.Objective.GroupBy = name[:i], slo.Labels(name[i:]), []string{"pod"}
	}
	from, to, _ := strings.Cut(times, "-")
	var minutes int
	fmt.Sscan(from, &minutes)
	w.Onset, w.Detected = at(minutes), at(minutes+1)
	if to != "" {
		fmt.Sscan(to, &minutes)
		w.Ended = at(minutes)
	}
	return w
}

// incidents makes one incident of each text, which has windows separated by semicolons.
func incidents(t *testing.T, texts []string) (all []alert.Incident) {
	t.Helper()
	for n, text := range texts {
		i := alert.Incident{ID: fmt.Sprintf("%d", n)}
		for _, w := range strings.Split(text, ";") {
			i.Windows = append(i.Windows, window(t, w))
		}
		all = append(all, i)
	}
	return all
}

func TestPairs(t *testing.T) {
	for _, tc := range []struct {
		name       string
		old, found []string
		want       []string // change, old ID, new ID
	}{
		{"nothing", nil, nil, nil},
		{"new", nil, []string{"burn a 10-20"}, []string{"new - 0"}},
		{"gone", []string{"burn a 10-20"}, nil, []string{"gone 0 -"}},
		{"same", []string{"burn a 10-20"}, []string{"burn a 10-20"}, []string{"same 0 0"}},
		{"as long, and a little later", []string{"burn a 10-20"}, []string{"burn a 12-22"}, []string{"same 0 0"}},
		{"longer", []string{"burn a 10-20"}, []string{"burn a 10-21"}, []string{"longer 0 0"}},
		{"longer, as it goes on", []string{"burn a 10-20"}, []string{"burn a 10-"}, []string{"longer 0 0"}},
		{"shorter", []string{"burn a 10-20"}, []string{"burn a 11-20"}, []string{"shorter 0 0"}},
		{"one after another", []string{"burn a 10-20"}, []string{"burn a 20-30"}, []string{"new - 0", "gone 0 -"}},
		{"of another objective", []string{"burn a 10-20"}, []string{"burn b 10-20"}, []string{"gone 0 -", "new - 0"}},
		{"one of the objectives", []string{"burn a 10-20"}, []string{"burn b 10-20;burn a 10-19"}, []string{"same 0 0"}},
		{"of another label set", []string{`burn a{pod="x"} 10-20`}, []string{`burn a{pod="y"} 10-20`}, []string{"gone 0 -", "new - 0"}},
		{"group_by added", []string{"burn a 10-20"}, []string{`burn a{pod="y"} 10-30`}, []string{"longer 0 0"}},
		{"one became two", []string{"burn a 10-40"}, []string{"burn a 10-15", "burn a 20-40"}, []string{"shorter 0 1", "new - 0"}},
		{"two became one", []string{"burn a 10-15", "burn a 20-40"}, []string{"burn a 10-40"}, []string{"gone 0 -", "longer 1 0"}},
		{
			"each finds the one that overlaps most", []string{"burn a 0-30", "burn a 30-60"}, []string{"burn a 20-58"},
			[]string{"longer 1 0", "gone 0 -"},
		},
		{"a spent budget beside a burn", []string{"burn a 10-20;budget a 10-"}, []string{"burn a 10-20", "burn a 50-60;budget a 50-"}, []string{"new - 1", "same 0 0"}},
		{"a spent budget is no burn", []string{"budget a 10-"}, []string{"burn a 10-20"}, []string{"gone 0 -", "new - 0"}},
		{"spent budgets", []string{"budget a 10-"}, []string{"budget a 12-"}, []string{"shorter 0 0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, p := range Pairs(incidents(t, tc.old), incidents(t, tc.found), at(100)) {
				before, after := "-", "-"
				if p.Old != nil {
					before = p.Old.ID
				}
				if p.New != nil {
					after = p.New.ID
				}
				got = append(got, fmt.Sprintf("%s %s %s", p.Change, before, after))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKept(t *testing.T) {
	found := []string{"burn a 10-20", "burn a 40-70;budget a 40-", `burn a{pod="x"} 80-90`, "budget a 95-"}
	for past, want := range map[string]int{
		"burn a 10-20":              1,
		"burn a 18-30":              1,
		"burn a 20-30":              0,
		"burn b 10-20":              0,
		"burn b 0-99;burn a 30-35":  0, // another objective's window says nothing
		"burn b 0-99;budget a 96-":  1, // of this one it is a spent budget alone
		"burn a 75-80":              0,
		"burn a 75-85":              1, // group_by has changed
		`burn a{pod="x"} 85-`:       1,
		`burn a{pod="y"} 85-`:       0,
		"burn a 50-60;budget a 50-": 1,
	} {
		if got := Kept(Of("a", incidents(t, []string{past})), incidents(t, found), at(100)); got != want {
			t.Errorf("%s: kept %d, want %d", past, got, want)
		}
	}
	if got := Kept(incidents(t, []string{"burn a 41-42", "burn a 45-46"}), incidents(t, found), at(100)); got != 2 {
		t.Errorf("of two past incidents that are one in the replay, %d are kept", got)
	}
}

func TestByObjective(t *testing.T) {
	pairs := Pairs(incidents(t, []string{"burn b 10-20"}), incidents(t, []string{"burn a 30-40;quiet c 30-50", "burn b 10-20"}), at(100))
	var statuses []alert.Status
	for _, name := range []string{"d", "c", "b", "a", "d"} {
		statuses = append(statuses, alert.Status{Objective: slo.Objective{Name: name}})
	}
	told, quiet := ByObjective(pairs, statuses...)
	var got []string
	for _, o := range told {
		for _, p := range o.Pairs {
			got = append(got, fmt.Sprintf("%s %s", o.ID, p.Change))
		}
	}
	if diff := cmp.Diff([]string{"a new", "b same"}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]slo.ID{{SLO: "d"}}, quiet); diff != "" {
		t.Errorf("without any (-want +got):\n%s", diff)
	}
}

func TestStrip(t *testing.T) {
	all := incidents(t, []string{"burn a 10-20;budget a 15-45", "quiet a 60-", "burn b 0-90"})
	got := Strip(all, slo.ID{SLO: "a"}, slo.Span{Start: at(0), End: at(80)}, 8)
	want := []alert.Kind{"", "burn", "budget", "budget", "budget", "", "quiet", "quiet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInIncident(t *testing.T) {
	all := incidents(t, []string{"burn a 60-70;budget a 65-", "burn a 0-10", "burn b 5-20", "burn b 6-7", "burn c 75-"})
	if got, want := InIncident(all, slo.Span{Start: at(0), End: at(80)}), 35*time.Minute; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
