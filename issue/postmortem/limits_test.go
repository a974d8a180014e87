package postmortem_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

func opening(t *testing.T, f issue.Facts) issue.Text {
	t.Helper()
	text, err := postmortem.Render(f, issue.Opening)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wantCounts checks how often each of some words is in a text.
func wantCounts(t *testing.T, text string, want map[string]int) {
	t.Helper()
	for word, n := range want {
		if got := strings.Count(text, word); got != n {
			t.Errorf("%q is there %d times, want %d", word, got, n)
		}
	}
}

// TestHintsAreFew has changes around an incident from 10:41 to 11:22. All are rows of the timeline;
// the last five of its later half and the last three before it are also hints.
func TestHintsAreFew(t *testing.T) {
	f := facts(recovered())
	want := map[string]int{}
	for name, from := range map[string]time.Time{"late": at("11:10:00"), "early": at("10:30:00")} {
		for n := range 6 {
			text := fmt.Sprintf("%s change %d!", name, n)
			f.Timeline = append(f.Timeline, issue.Entry{Time: from.Add(time.Duration(n) * time.Minute), Text: text, Source: "GitHub"})
			if want[text] = 1; name == "late" && n >= 1 || name == "early" && n >= 3 {
				want[text] = 2
			}
		}
	}
	wantCounts(t, opening(t, f).Body, want)
	for when, n := range map[string]int{"09:41:00": 1, "09:41:01": 2} {
		f.Timeline = []issue.Entry{{Time: at(when), Text: "the only change", Source: "GitHub"}}
		wantCounts(t, opening(t, f).Body, map[string]int{"the only change": n})
	}
}

func TestTimelineIsBounded(t *testing.T) {
	f := facts(recovered())
	for n := range 102 {
		f.Timeline = append(f.Timeline, issue.Entry{Time: at("11:10:00"), Text: fmt.Sprintf("change %d!", n), Source: "GitHub", Symptom: true})
	}
	wantCounts(t, opening(t, f).Body, map[string]int{"change 99!": 1, "change 100!": 0, "2 more entries left out": 1})
}

func TestReviewersAreFew(t *testing.T) {
	f := facts(recovered())
	for n := range 11 {
		f.People = append(f.People, fmt.Sprintf("person%d!", n))
	}
	// the 14th is a Wednesday
	wantCounts(t, opening(t, f).Body, map[string]int{"person9!": 1, "person10!": 0, "Monday, 2026-10-19": 1})
}

func TestWhenTrafficIsTold(t *testing.T) {
	w := recovered()
	for name, tc := range map[string]struct {
		length time.Duration
		before float64
		told   int
	}{
		"twice as much":           {1000 * time.Second, 1000, 1},
		"not quite":               {1000 * time.Second, 1001, 0},
		"for three hours":         {3 * time.Hour, 1000, 1},
		"for more than that":      {3*time.Hour + time.Second, 1000, 0},
		"hardly anything, before": {1000 * time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(w)
			f.Traffic = []issue.Traffic{{
				Of: w.ID(), Window: slo.Counts{Total: 2000}, Length: tc.length,
				Usual: []issue.Usual{{When: issue.HourBefore, Length: tc.length, Counts: slo.Counts{Total: tc.before}}},
			}}
			wantCounts(t, opening(t, f).Body, map[string]int{"times as many as in the hour before": tc.told})
		})
	}
}

func TestWhenMissingEventsAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		usual, total float64
		told         int
	}{"a tenth": {100, 90, 1}, "less than a tenth": {100, 91, 0}, "too few to say": {99, 50, 0}} {
		t.Run(name, func(t *testing.T) {
			w := recovered()
			w.UsualEvents, w.Total, w.Bad = tc.usual, tc.total, 40
			wantCounts(t, opening(t, facts(w)).Body, map[string]int{"fewer requests than usual": tc.told})
		})
	}
}

func TestWhenAServiceIsUnavailable(t *testing.T) {
	for bad, want := range map[float64]bool{900: true, 899: false} {
		w := recovered()
		w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("10:41:00", "10:58:00"), Counts: slo.Counts{Total: 1000, Bad: bad}}}
		if title := opening(t, facts(w)).Title; strings.Contains(title, "unavailable") != want {
			t.Errorf("%g of 1000 bad: %q", bad, title)
		}
	}
}

// TestLongSubject has titles of at most 100 characters: a long subject is cut.
func TestLongSubject(t *testing.T) {
	const rest = len(" was unavailable for 17 minutes on 2026-10-14")
	for length, cut := range map[int]bool{100 - rest: false, 101 - rest: true, 500: true} {
		w := recovered()
		w.Objective.Name, w.Objective.Service = strings.Repeat("x", length), strings.Repeat("x", length)
		title := opening(t, facts(w)).Title
		if n := len([]rune(title)); strings.Contains(title, "x… ") != cut || n != 100 {
			t.Errorf("of %d characters: %d in %q", length, n, title)
		}
	}
	w := recovered()
	w.Objective.Indicator.Latency = &slo.Latency{Histogram: "http_request_seconds", Threshold: 1234567 * time.Microsecond}
	w.Objective.Service = strings.Repeat("y", 500)
	if title := opening(t, facts(w)).Title; !strings.HasPrefix(title, strings.Repeat("y", 20)) {
		t.Errorf("little is left of the subject: %q", title)
	}
}

// TestWindowsAreFew has an incident of 32 objectives: 30 are rows of the table, and all are in the
// timeline.
func TestWindowsAreFew(t *testing.T) {
	var all []alert.Window
	for n := range 32 {
		w := recovered()
		w.Objective.Name, w.BudgetSpent = fmt.Sprintf("objective-%02d", n), float64(n)/100
		all = append(all, w)
	}
	table, _, _ := strings.Cut(opening(t, facts(all...)).Body, "### Timeline")
	rows := strings.Count(table, "| objective-") + strings.Count(table, "| `objective-")
	if rows != 30 || !strings.Contains(table, "objective-02") || strings.Contains(table, "| `objective-01") {
		t.Errorf("%d rows:\n%s", rows, table)
	}
}

// TestStormIsBounded has 502 incidents, all with caveats.
func TestStormIsBounded(t *testing.T) {
	f := issue.Facts{Kind: issue.Storm, Interval: 30 * time.Second, AsOf: at("11:22:00")}
	for n := range 502 {
		w := recovered()
		w.Objective.Name = fmt.Sprintf("objective-%03d", n)
		w.Caveats = []slo.Caveat{{Kind: slo.NoData, Count: 3}}
		f.Incidents = append(f.Incidents, alert.Incident{ID: w.Objective.Name, Group: w.Objective.Name, Windows: []alert.Window{w}, Revision: 1})
	}
	lines := strings.Split(opening(t, f).Body, "\n")
	count := func(prefix string) int {
		return len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, prefix) || !strings.Contains(l, "objective-") }))
	}
	if rows, caveats := count("| "), count("- "); rows != 500 || caveats != 30 {
		t.Errorf("%d rows and %d caveats", rows, caveats)
	}
}
