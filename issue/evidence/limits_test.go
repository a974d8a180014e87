package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// collectWith collects the evidence of breach windows of one incident.
func collectWith(ctx context.Context, s *spy, windows ...alert.Window) issue.Evidence {
	return New(Options{Open: s.open, Interval: 30 * time.Second, Newest: func() time.Time { return noon.AddDate(0, 0, 2) }})(
		ctx, alert.Incident{ID: "a", Windows: windows})
}

// TestQueriesOfParts has reading events take all queries that it may. Each part has its share,
// until none is left.
func TestQueriesOfParts(t *testing.T) {
	worst, latency := burn("ratio", 9*time.Hour), burn("latency", 9*time.Hour)
	worst.BudgetSpent = 1
	latency.Objective.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: `http_request_duration_seconds{job="store"}`, Threshold: time.Second}}
	var s spy
	collectWith(t.Context(), &s, worst, latency)
	// The series, what changed, durations, fine and coarse events, what is usual: 8 of 50 are left.
	want := []int{3, 6, 4, 14, 22, 6, 3, 8, 0}
	if diff := cmp.Diff(want, s.opened); diff != "" {
		t.Errorf("queries of the parts (-want +got):\n%s", diff)
	}
	if fine, coarse := s.read[0].Interval, s.read[1].Interval; fine != 5*time.Minute || coarse != time.Hour {
		t.Errorf("events are read in ticks of %s, then %s", fine, coarse)
	}
	s = spy{events: func(ticks slo.Ticks) slo.Reading {
		return slo.Reading{Series: []slo.Series{{Samples: make([]slo.Sample, ticks.Len())}}}
	}}
	collectWith(t.Context(), &s, worst)
	if diff := cmp.Diff([]int{3, 6, 14, 0, 6, 6}, s.opened); diff != "" {
		t.Errorf("queries of the parts, with kinds (-want +got):\n%s", diff)
	}
}

// TestPartsAskTheirSource has each part ask the source of its objective, and one that can't be
// reached keep no other from being asked.
func TestPartsAskTheirSource(t *testing.T) {
	worst, other := burn("a", time.Hour), burn("b", time.Hour)
	worst.BudgetSpent, worst.Objective.Source = 1, "payments"
	var s spy
	collectWith(t.Context(), &s, worst, other)
	first, last := slices.Index(s.sources, "payments"), slices.Index(s.sources, "")
	if first != 0 || last < 3 {
		t.Errorf("the parts ask %q", s.sources)
	}
	s = spy{}
	r := &runner{open: s.open, left: 9, away: map[string]bool{}}
	for _, source := range []string{"payments", "payments", ""} {
		r.part(t.Context(), source, 1, "It", func(context.Context, Prometheus) error { return slo.ErrUnreachable })
	}
	if !slices.Equal(s.sources, []string{"payments", ""}) || r.answers("payments") {
		t.Errorf("asked %q", s.sources)
	}
}

// TestTimeOfParts has a part leave half of the time to the others, and the events a quarter.
func TestTimeOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		var s spy
		collectWith(ctx, &s, burn("a", time.Hour))
		read := s.left[len(s.left)-3] // fine, coarse, and what is usual
		if s.left[0] != 50*time.Second || read != 75*time.Second {
			t.Errorf("of 100 s a part may take %s, and reading events %s", s.left[0], read)
		}
	})
}

func TestMostObjectives(t *testing.T) {
	s := around(burn("a", time.Hour))
	for _, name := range []string{"b", "c", "d"} {
		s.incident.Windows = append(s.incident.Windows, burn(name, time.Hour))
	}
	if n := len(s.others()); n != 2 {
		t.Errorf("%d objectives besides the worst, want 2", n)
	}
}

func TestMostSeries(t *testing.T) {
	for n, fine := range map[float64]bool{20_000: true, 20_001: false} {
		s := &spy{series: func(string) []slo.Trace { return []slo.Trace{constant(n, 1)} }}
		if _, err := traces(t.Context(), s.open("", 2), "up", slo.Ticks{}); (err == nil) != fine {
			t.Errorf("%v series: %v", n, err)
		}
	}
}

// many returns series with so many values of a label.
func many(n int) *seriesOf {
	s := &seriesOf{}
	for i := range n {
		s.total = append(s.total, slo.Trace{Labels: map[string]string{"user": fmt.Sprint(i)}})
	}
	return s
}

func TestMostLeaves(t *testing.T) {
	for n, want := range map[int]int{2000: 1, 2001: 0} {
		if got := len(many(n).splits()); got != want {
			t.Errorf("%d labels tell %d users apart, want %d", got, n, want)
		}
	}
}

// TestListedHours has series listed for as long as a window lasts, at most six hours.
func TestListedHours(t *testing.T) {
	for length, want := range map[time.Duration]string{5 * time.Hour: "[5h30s]", 6 * time.Hour: "[6h]", 20 * time.Hour: "[6h]"} {
		var s spy
		if _, err := listSeries(t.Context(), s.open("", 3), burn("a", length), 30*time.Second); err != nil || !strings.Contains(s.traced[0], want) {
			t.Errorf("of %s: %s is not in %s; %v", length, want, s.traced[0], err)
		}
	}
}

// TestMostTicks bounds ticks by what an answer holds, and by Prometheus' work.
func TestMostTicks(t *testing.T) {
	for _, tc := range []struct {
		series *seriesOf
		names  []string
		want   int
	}{
		{nil, nil, 240},
		{many(10), nil, 240},
		{many(1000), []string{"user"}, 200}, // 200,000 values
		{many(2000), nil, 150},              // 300,000 series at a tick
		{many(20_000), nil, 24},             // as many as a chart has points
	} {
		if got := tc.series.ticks(tc.names); got != tc.want {
			t.Errorf("by %q: %d ticks, want %d", tc.names, got, tc.want)
		}
	}
}

// TestMostEach reads an indicator that is measured once a tick at each tick, of 10,000 at most.
func TestMostEach(t *testing.T) {
	r := reader{around(burn("a", time.Hour))}
	for n, want := range map[time.Duration]time.Duration{10_000: r.interval, 10_001: 0} {
		var s spy
		_, err := r.by(t.Context(), s.open("", 1), r.worst, nil, slo.Ticks{First: noon, Last: noon.Add(n * r.interval), Interval: time.Hour})
		if s.read[0].Each != want {
			t.Errorf("of %d ticks each %s counts, want %s; %v", n, s.read[0].Each, want, err)
		}
	}
}

func TestLengthBefore(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{time.Minute: time.Hour, 2 * time.Hour: 2 * time.Hour, 7 * time.Hour: 6 * time.Hour} {
		if got := lengthBefore(burn("a", length)); got != want {
			t.Errorf("%s is compared with %s before, want %s", length, got, want)
		}
	}
}

// TestMostPoints draws charts with as many points as have room, and with one too many.
func TestMostPoints(t *testing.T) {
	for _, tc := range []struct {
		name         string
		length, tick time.Duration
		step         time.Duration
		points       int
	}{
		{"times", 14 * time.Minute, time.Minute, time.Minute, 24},
		{"a time too many", 15 * time.Minute, time.Minute, 2 * time.Minute, 13},
		{"times with seconds", 60 * time.Second, 10 * time.Second, 10 * time.Second, 16},
		{"one with seconds too many", 70 * time.Second, 10 * time.Second, 20 * time.Second, 9},
		{"dates", 20 * time.Hour, time.Hour, 3 * time.Hour, 10},
		{"a date too many", 22 * time.Hour, time.Hour, 4 * time.Hour, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := around(burn("a", tc.length))
			s.interval = tc.tick
			rd := reader{s}
			r := &reading{window: s.worst, ticks: slo.Ticks{First: noon.AddDate(0, 0, -1), Last: noon.AddDate(0, 0, 3), Interval: tc.tick}}
			chart := r.chart(rd.around(s.worst))
			if chart.Step != tc.step || len(chart.Points) != tc.points {
				t.Errorf("%d points, one each %s; want %d, %s", len(chart.Points), chart.Step, tc.points, tc.step)
			}
		})
	}
}

// TestChangesAreTooFarApart has changes of one kind share a row up to five minutes apart.
func TestChangesAreTooFarApart(t *testing.T) {
	if far(noon, noon.Add(5*time.Minute)) || !far(noon, noon.Add(5*time.Minute+time.Second)) {
		t.Error("changes share a row for another time than documented")
	}
}

func TestMostRows(t *testing.T) {
	for n, joined := range map[int]int{8: 1, 9: 2} {
		waves := make([]wave, n)
		for i := range waves {
			waves[i].times = 1
		}
		got := shortened(waves)
		most := 0
		for _, w := range got {
			most = max(most, w.times)
		}
		if len(got) != 8 || most != joined {
			t.Errorf("%d waves have %d rows; one stands for %d, want %d", n, len(got), most, joined)
		}
	}
}

// TestGapOfVersions has a version come back after four ticks, which is no change, or after five.
func TestGapOfVersions(t *testing.T) {
	for missing, want := range map[int]int{4: 1, 5: 2} {
		trace := constant(1, 20)
		for i := range missing {
			trace.Values[5+i] = gone
		}
		l := look{ticks: slo.Ticks{First: noon, Last: noon.Add(19 * time.Minute), Interval: time.Minute}}
		if got := len(l.runs(trace)); got != want {
			t.Errorf("%d runs around %d ticks without a value, want %d", got, missing, want)
		}
	}
}

// TestMostSteps looks for changes in as many steps as there may be, and in one more.
func TestMostSteps(t *testing.T) {
	const tick = 30 * time.Second
	changed := func(s *spy, steps time.Duration) {
		scope := around(burn("a", steps*tick-issue.Lookback-issue.LookPast(tick)))
		if err := (&changes{scope, &timeline{scope: scope}, many(0)}).find(t.Context(), s.open("", 6)); err != nil {
			t.Error(err)
		}
	}
	fired := func(s *spy, steps time.Duration) {
		scope := around(burn("a", time.Hour))
		l := &look{ctx: t.Context(), prometheus: s.open("", 6), ticks: slo.Ticks{First: noon.Add(tick), Last: noon.Add(steps * tick), Interval: tick}}
		if err := (&alerts{scope, &timeline{scope: scope}, nil}).find(l); err != nil {
			t.Error(err)
		}
	}
	asked := func(s *spy, steps time.Duration) {
		scope := around(burn("a", steps*tick-issue.Lookback-issue.LookPast(tick)))
		(&queries{scope, &runner{open: s.open, left: 9, away: map[string]bool{}}, &timeline{scope: scope}}).ask(t.Context(), func(string) issue.Settings {
			return issue.Settings{Evidence: issue.EvidenceQuery{Queries: map[string]string{"Depth": "depth"}}}
		})
	}
	for _, tc := range []struct {
		name string
		most time.Duration
		look func(*spy, time.Duration)
	}{
		{"changes", 8000, changed}, {"alerts", 2000, fired}, {"queries", 500, asked},
	} {
		for steps, want := range map[time.Duration]time.Duration{tc.most: tick, tc.most + 1: 2 * tick} {
			var s spy
			tc.look(&s, steps)
			if got := s.ticks[0].Interval; got != want {
				t.Errorf("%s: %d steps are of %s, want %s", tc.name, steps, got, want)
			}
		}
	}
}

// TestUsualRange has a query's usual range end an hour before the onset, and a value be just in its
// margin, or beyond it.
func TestUsualRange(t *testing.T) {
	ticks := slo.Ticks{First: noon.Add(-2 * time.Hour), Last: noon.Add(time.Hour), Interval: time.Minute}
	for _, tc := range []struct {
		name  string
		at    time.Duration // from the onset
		value float64
		left  bool
	}{
		{"an hour before", -time.Hour, 300, false},
		{"less than an hour before", -59 * time.Minute, 300, true},
		{"a tenth above", 0, 110, false},
		{"more than a tenth above", 0, 111, true},
	} {
		trace := constant(100, ticks.Len())
		trace.Values[(tc.at+2*time.Hour)/time.Minute] = tc.value
		if e, ok := excursionOf(trace, ticks, noon); !ok || (e.by > 0) != tc.left {
			t.Errorf("%s: it went %v margins", tc.name, e.by)
		}
	}
}

func TestMostSeriesTold(t *testing.T) {
	ticks := slo.Ticks{First: noon.Add(-2 * time.Hour), Last: noon.Add(time.Hour), Interval: time.Minute}
	var all []slo.Trace
	for i := range 5 {
		trace := constant(1, ticks.Len())
		trace.Labels = map[string]string{"queue": fmt.Sprint(i)}
		trace.Values[125] = 7
		all = append(all, trace)
	}
	s := around(burn("a", time.Hour))
	q := queries{s, &runner{}, &timeline{scope: s}}
	if q.tell("Depth", ticks, all); len(q.rows.entries) != 3 {
		t.Errorf("%d of 5 series have a row, want 3", len(q.rows.entries))
	}
}

// TestStepsOfAWeekBefore compares a window of 24 ticks with 12 of the week before.
func TestStepsOfAWeekBefore(t *testing.T) {
	s := around(burn("a", 12*time.Minute))
	var p spy
	_ = (&usual{scope: s, read: &reader{s}}).compare(t.Context(), p.open("", 6), s.worst, nil) // it answers nothing
	got := p.read[0]
	if got.Len() != 12 || !got.First.Equal(noon.AddDate(0, 0, -7).Add(time.Minute)) {
		t.Errorf("%d ticks from %s on", got.Len(), got.First)
	}
}

// TestKindOfMost names a kind that has three quarters of the bad events.
func TestKindOfMost(t *testing.T) {
	w := burn("a", time.Hour)
	for bad, want := range map[float64]int{75: 1, 74: 0} {
		var c contributors
		c.addKind(w, "code", map[slo.Labels]slo.Counts{
			slo.NewLabels(map[string]string{"code": "503"}): {Total: bad, Bad: bad},
			slo.NewLabels(map[string]string{"code": "500"}): {Total: 100 - bad, Bad: 100 - bad},
		})
		if len(c.found) != want {
			t.Errorf("%v %% of the bad events: %+v", bad, c.found)
		}
	}
}

// TestTolerance has counts by label be a tenth away from those of the window, and a little more.
func TestTolerance(t *testing.T) {
	for missing, fine := range map[float64]bool{100: true, 101: false} {
		s := many(2)
		r := &reading{names: []string{"user"}, ticks: slo.Ticks{First: noon.Add(time.Hour), Last: noon.Add(time.Hour), Interval: time.Hour}, series: []labelled{
			{map[string]string{"user": "0"}, []slo.Sample{{Tick: noon.Add(time.Hour), Counts: slo.Counts{Total: 1000 - missing, Bad: 100}}}},
		}}
		c := contributors{read: &reader{around(burn("a", time.Hour))}}
		if err := c.find(burn("a", time.Hour), r, s); (err == nil) != fine {
			t.Errorf("%v events of 1,000 are missing: %v", missing, err)
		}
	}
}

// TestRoundSteps has steps be parts of 5 minutes, then multiples of it that divide an hour, then
// whole hours.
func TestRoundSteps(t *testing.T) {
	for least, want := range map[time.Duration]time.Duration{
		2 * time.Minute: 150 * time.Second, 4 * time.Minute: 5 * time.Minute, 6 * time.Minute: 10 * time.Minute, 40 * time.Minute: time.Hour,
	} {
		if got := roundStep(least, 30*time.Second); got != want {
			t.Errorf("from %s on the first round step is %s, want %s", least, got, want)
		}
	}
}

func TestMostNames(t *testing.T) {
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{[]string{"a", "b", "c"}, "a, b, c"}, {[]string{"a", "b", "c", "d"}, "a, b, c and 1 other"},
	} {
		if got := some(tc.names); got != tc.want {
			t.Errorf("%q are written as %q, want %q", tc.names, got, tc.want)
		}
	}
}
