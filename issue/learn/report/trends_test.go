package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
)

// incidents adds n incidents to the month, and m to the one before.
func (s *scene) incidents(n, m int, change func(s *scene, now bool, at time.Time, k int)) *scene {
	for k := range n {
		change(s, true, at(float64(k)+0.5), k)
	}
	for k := range m {
		change(s, false, at(float64(k)-29.5), k)
	}
	return s
}

func plain(s *scene, _ bool, at time.Time, _ int) {
	s.happen("checkout", "availability", at, time.Minute, 10*time.Minute, 1)
}

// TestTrends tells only what the numbers carry.
func TestTrends(t *testing.T) {
	lasting := func(now, before time.Duration) func(*scene, bool, time.Time, int) {
		return func(s *scene, is bool, at time.Time, _ int) {
			length := before
			if is {
				length = now
			}
			s.happen("checkout", "availability", at, time.Minute, length, 1)
		}
	}
	// harmless has the first so many of each month do little harm.
	harmless := func(now, before int) func(*scene, bool, time.Time, int) {
		return func(s *scene, is bool, at time.Time, k int) {
			severity := 1
			if is && k < now || !is && k < before {
				severity = 0
			}
			s.happen("checkout", "availability", at, time.Minute, 10*time.Minute, severity)
		}
	}
	noisy := func(now, before int) func(*scene, bool, time.Time, int) {
		return func(s *scene, is bool, at time.Time, k int) {
			var change []func(*issue.Learned)
			if is && k < now || !is && k < before {
				change = append(change, triaged(issue.Noise))
			}
			s.happen("checkout", "availability", at, time.Minute, 10*time.Minute, 1, change...)
		}
	}
	for name, tc := range map[string]struct {
		scene         *scene
		better, worse string
	}{
		"nothing known":             {newScene(), "Nothing got clearly better: nothing is known of the time before", "Nothing got clearly worse: nothing is known of the time before"},
		"two incidents, after one":  {newScene().incidents(2, 1, plain), "better: 2 incidents, after 1, carry no trend.", "worse: 2 incidents, after 1, carry no trend."},
		"three incidents, after 0":  {newScene().incidents(3, 0, plain), "Nothing got clearly better: nothing is known", "Nothing got clearly worse: nothing is known"},
		"by chance":                 {newScene().incidents(9, 6, plain), "Nothing got clearly better.", "Nothing got clearly worse."},
		"more":                      {newScene().incidents(12, 5, plain), "Nothing got clearly better.", "Worse: there were 12 incidents, after 5."},
		"fewer":                     {newScene().incidents(1, 5, plain), "Better: there was 1 incident, after 5.", "Nothing got clearly worse."},
		"quicker":                   {newScene().incidents(5, 6, lasting(10*time.Minute, 15*time.Minute)), "Better: recovery took 10 minutes in the median of 5 incidents, after 15 minutes.", "worse."},
		"a little quicker":          {newScene().incidents(5, 6, lasting(11*time.Minute, 15*time.Minute)), "better.", "worse."},
		"quicker, too few to tell":  {newScene().incidents(4, 6, lasting(time.Minute, time.Hour)), "better.", "worse."},
		"slower":                    {newScene().incidents(6, 5, lasting(time.Hour, 15*time.Minute)), "better.", "Worse: recovery took 1 hour in the median of 6 incidents, after 15 minutes."},
		"more with little harm":     {newScene().incidents(8, 8, harmless(6, 3)), "Better: 6 of 8 incidents did little harm, after 3 of 8.", "worse."},
		"fewer with little harm":    {newScene().incidents(8, 8, harmless(3, 6)), "better.", "Worse: 3 of 8 incidents did little harm, after 6 of 8."},
		"as many, within a quarter": {newScene().incidents(8, 8, harmless(4, 3)), "better.", "worse."},
		"less noise":                {newScene().incidents(8, 8, noisy(1, 4)), "Better: people called 1 of 8 issues noise, after 4 of 8.", "worse."},
	} {
		s := report.Make(tc.scene.Input).Sentences
		if !strings.Contains(s.Better, tc.better) || !strings.Contains(s.Worse, tc.worse) {
			t.Errorf("%s:\n%s\n%s", name, s.Better, s.Worse)
		}
	}
}

// TestTargetTrends compares what was attained where most of both months is known.
func TestTargetTrends(t *testing.T) {
	attained := func(from int, now, before float64) *scene {
		s := newScene()
		s.watch("checkout", "availability", from, func(day int) float64 {
			if day >= 0 {
				return now
			}
			return before
		})
		return s
	}
	blind := attained(-30, 1, 1)
	for n := range 4 {
		blind.Days[0].Days[40+n].Blind = time.Hour
	}
	several := newScene()
	for n := range 5 {
		several.watch("checkout", fmt.Sprintf("slo-%d", n), -30, func(day int) float64 {
			if day < 0 {
				return 1
			}
			return 11 + float64(n)
		})
	}
	for name, tc := range map[string]struct {
		scene         *scene
		better, worse string
	}{
		"met again":               {attained(-30, 9, 20), "Better: availability met the target that it had missed: 99.91 % of 99.9 %, after 99.8 %.", "worse"},
		"missed":                  {attained(-30, 10.01, 9), "better", "Worse: availability missed the target that it had met: 99.8999 % of 99.9 %, after 99.91 %."},
		"met, just":               {attained(-30, 10, 9), "better", "Nothing got clearly worse"},
		"missed twice":            {attained(-30, 20, 40), "better", "Nothing got clearly worse"},
		"half of it known before": {attained(-15, 20, 1), "better", "Worse: availability missed"},
		"less than half":          {attained(-14, 20, 1), "better", "Nothing got clearly worse: nothing is known"},
		"blind":                   {blind, "better", "Worse: availability had no data for 4 hours, after no time."},
		"several":                 {several, "better", "Worse: 5 objectives missed targets that they had met: slo-4, slo-3, slo-2 and 2 more."},
	} {
		s := report.Make(tc.scene.Input).Sentences
		if !strings.Contains(s.Better, tc.better) || !strings.Contains(s.Worse, tc.worse) {
			t.Errorf("%s:\n%s\n%s", name, s.Better, s.Worse)
		}
	}
}

// TestCameBackSentence says what came back, or how much is known of it.
func TestCameBackSentence(t *testing.T) {
	caused := func(n, before int, kinds ...string) *scene {
		return newScene().incidents(n, before, func(s *scene, _ bool, at time.Time, _ int) {
			s.happen("checkout", "availability", at, time.Minute, time.Minute, 0, causes(kinds...))
		})
	}
	for want, s := range map[string]*scene{
		"Nothing came back: there was no incident.":                                              newScene(),
		"Nothing came back, as far as is known: none of 3 incidents has a label":                 newScene().incidents(3, 0, plain),
		"Nothing came back, as far as is known: people gave a label cause:* to 1 of 1 incident.": caused(1, 0, "deploy"),
		"Came back: the cause deploy once, after 1.":                                             caused(1, 1, "deploy"),
		"Came back: the cause deploy 3 times.":                                                   caused(3, 0, "deploy"),
		"Came back: the cause config twice, after 4; the cause deploy twice, after 4.":           caused(2, 4, "deploy", "config"),
	} {
		if got := report.Make(s.Input).Sentences.CameBack; !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	now := time.Date(2026, 10, 14, 15, 4, 0, 0, time.FixedZone("", -9*60*60)) // it is the 15th in UTC
	for _, tc := range []struct {
		period       report.Period
		name, before string
		days, beside int
	}{
		{mustParse(report.ParseMonth("2026-02")), "February 2026", "January 2026", 28, 31},
		{mustParse(report.ParseQuarter("2026-Q1")), "quarter 1 of 2026", "quarter 4 of 2025", 90, 92},
		{report.Last(7*24*time.Hour, now), "2026-10-09 to 2026-10-15", "2026-10-02 to 2026-10-08", 7, 7},
		{report.Last(time.Hour, now), "2026-10-15 to 2026-10-15", "2026-10-14 to 2026-10-14", 1, 1},
		{october, "October 2026, up to 2026-10-15", "the first 15 days of September 2026", 15, 15},
		{report.Month(now), "October 2026, up to 2026-10-15", "the first 15 days of September 2026", 15, 15},
	} {
		r := report.Make(report.Input{Period: tc.period, AsOf: now})
		if r.Period.Name != tc.name || r.Before.Name != tc.before || r.Period.Days() != tc.days || r.Before.Days() != tc.beside {
			t.Errorf("%q of %d days, before %q of %d, want %+v", r.Period.Name, r.Period.Days(), r.Before.Name, r.Before.Days(), tc)
		}
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-1-1", "26-10", "2026-10-01"} {
		if p, err := report.ParseMonth(text); err == nil {
			t.Errorf("%q is a month: %+v", text, p)
		}
	}
	for _, text := range []string{"", "Q4", "2026-Q0", "2026-Q5", "2026-4", "2026-Q4x"} {
		if p, err := report.ParseQuarter(text); err == nil {
			t.Errorf("%q is a quarter: %+v", text, p)
		}
	}
}

// TestLargeReports bounds what is shown of thousands of objectives and incidents.
func TestLargeReports(t *testing.T) {
	s := newScene()
	for n := range 3000 {
		s.watch(fmt.Sprintf("service-%03d", n%150), fmt.Sprintf("slo-%04d", n), 20, func(int) float64 { return float64(n) / 100 })
		id := s.Days[n].ID
		s.Days[n].ID = slo.ID{SLO: id.SLO, Labels: slo.NewLabels(map[string]string{"region": strings.Repeat("x|<b>", 20)})}
	}
	for n := range 3000 {
		s.happen(fmt.Sprintf("service-%03d", n%150), "a", at(float64(n)/100), time.Minute, time.Minute, 1, causes(fmt.Sprintf("cause-%d", n%30)), func(l *issue.Learned) {
			l.Undone = []string{strings.Repeat("do it ", 40)}
		})
	}
	r := report.Make(s.Input)
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Issue()); n > 65_000 || n < 20_000 {
		t.Errorf("the Markdown has %d bytes", n)
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	for _, text := range []string{string(page), r.Issue()} {
		if !strings.Contains(text, "more objectives not shown here; the JSON has them") || strings.Contains(text, "<b>") && !strings.Contains(text, "<b>99") {
			t.Error("what is left out is not counted, or a name is not escaped")
		}
	}
	if len(r.CameBack) != 10 || len(r.Repeats) != 20 || len(r.Services) != 150 {
		t.Errorf("%d causes, %d repeats, %d services", len(r.CameBack), len(r.Repeats), len(r.Services))
	}
}
