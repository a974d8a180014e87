package postmortem_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cases are the golden files: what is known, and the stage.
func cases() map[string]func() (issue.Facts, issue.Stage) {
	return map[string]func() (issue.Facts, issue.Stage){
		"recovered": func() (issue.Facts, issue.Stage) {
			f := facts(recovered())
			f.Timeline = []issue.Entry{
				{Time: at("10:39:30"), Text: "Deployment checkout: image v1.8.3 to v1.9.0", Source: "Prometheus", URL: "https://example.com/deploy/1"},
				{Time: at("10:57:00"), Text: "Deployment checkout: image v1.9.0 to v1.8.3", Source: "Prometheus"},
			}
			return f, issue.Opening
		},
		"burning": func() (issue.Facts, issue.Stage) { return facts(burning()), issue.Opening },
		"budget": func() (issue.Facts, issue.Stage) {
			f := facts(budget())
			f.AsOf = at("14:33:00")
			f.SpentBy = []issue.Spender{
				{Of: budget().ID(), ID: "checkout-20260921t081500z", Onset: at("08:15:00").AddDate(0, 0, -23), Bad: 18650, URL: "https://github.com/acme/checkout/issues/41"},
				{Of: budget().ID(), ID: "checkout-20261014t104000z", Onset: at("10:41:00"), Bad: 15337},
			}
			return f, issue.Opening
		},
		"budget-over": func() (issue.Facts, issue.Stage) {
			w := budget()
			w.Ended = at("19:02:00")
			return facts(w), issue.Opening
		},
		"no-data": func() (issue.Facts, issue.Stage) {
			w := noData()
			w.Ended = time.Time{}
			w.Caveats = []slo.Caveat{{Kind: slo.QueryFailed, Count: 30}}
			return facts(w), issue.Opening
		},
		"one-failure": func() (issue.Facts, issue.Stage) {
			burn, spent, dark := recovered(), budget(), noData()
			burn.UsualEvents = 61_000
			spent.Onset, spent.Detected = at("10:44:00"), at("10:44:30")
			dark.Objective.Name = "checkout-freshness"
			return facts(burn, spent, dark), issue.Opening
		},
		"no-data-recovery":   func() (issue.Facts, issue.Stage) { return facts(noData()), issue.Recovery },
		"several-objectives": func() (issue.Facts, issue.Stage) { return facts(latency(), recovered()), issue.Opening },
		"blind": func() (issue.Facts, issue.Stage) {
			w := recovered()
			w.Phases = []alert.Phase{
				{Kind: alert.Outage, Span: span("10:41:00", "10:46:30"), Counts: slo.Counts{Total: 1000, Bad: 700}},
				{Kind: alert.BlindGap, Span: span("10:46:30", "10:51:30")},
				{Kind: alert.Degraded, Span: span("11:00:00", "11:22:00"), Counts: slo.Counts{Total: 9000, Bad: 81}},
			}
			w.Counts, w.BudgetSpent = slo.Counts{Total: 10000, Bad: 781}, 0.00875
			w.Caveats = []slo.Caveat{{Kind: slo.NoData, Count: 10}, {Kind: slo.Reset, Count: 2}}
			f := facts(w)
			f.Unresolved = []string{"GitHub did not answer, so changes are not listed."}
			return f, issue.Opening
		},
		"hostile": func() (issue.Facts, issue.Stage) {
			w := recovered()
			w.Objective.Service = "<!-- postburn key=x --> @everyone | fixes #1"
			w.Objective.Description = "[x](https://evil.example)\n\n- [ ] task\n# heading <img src=x>"
			w.Objective.Owner = "@acme/root &#64;someone"
			w.Objective.Links = map[string]string{"a](https://evil.example)": "https://wiki.example/) <b>", "user": "https://a:b@c.example"}
			w.Labels = slo.NewLabels(map[string]string{"path": "`| @bob \u202e www.evil.example"})
			f := facts(w)
			f.Timeline = []issue.Entry{{Time: at("10:50:00"), Text: "deadbeefcafe0123 broke acme/shop#7\n| a | b |", Source: "@mallory", URL: "https://x.example/a|b"}}
			f.Unresolved = []string{"</details> -->"}
			return f, issue.Opening
		},
		"evidence": func() (issue.Facts, issue.Stage) {
			f := facts(recovered())
			id := f.Incident.Windows[0].ID()
			f.Chart = &issue.Chart{Of: id, Step: 4 * time.Minute}
			for i, c := range []slo.Counts{{Total: 4000}, {Total: 4000, Bad: 1}, {Total: 4000, Bad: 3900}, {}, {}, {Total: 4000, Bad: 50}, {}, {Total: 4000}} {
				f.Chart.Points = append(f.Chart.Points, issue.Point{Time: at("10:33:00").Add(time.Duration(i) * f.Chart.Step), Counts: c, Blind: i == 3 || i == 4})
			}
			in := slo.Counts{Total: 10600, Bad: 10000}
			f.Contributors = []issue.Contributor{
				{Of: id, Outcome: true, In: slo.Counts{Bad: 15337}, All: f.Incident.Windows[0].Counts, Where: []issue.Clause{{Label: "code", Values: []string{"503"}, Of: 2}}},
				{Of: id, In: in, All: f.Incident.Windows[0].Counts, Where: []issue.Clause{
					{Label: "route", Values: []string{"`| @bob <!-- #1"}, Of: 3, Also: []issue.Label{{Name: "page", Value: "</details>"}, {Name: "x", Value: "y"}}},
					{Label: "pod", Values: []string{"a", "b"}, Of: 20},
				}},
			}
			week := issue.Usual{When: issue.WeekBefore, Length: 41 * time.Minute, Counts: slo.Counts{Total: 8000, Bad: 1}}
			f.Traffic = []issue.Traffic{{Of: id, Window: slo.Counts{Total: 50969}, Length: 41 * time.Minute, Usual: []issue.Usual{
				{When: issue.HourBefore, Length: time.Hour, Counts: slo.Counts{Total: 9000}}, week,
			}}}
			f.Earlier, f.EarlierAll = []issue.Earlier{{ID: "before", Onset: at("08:15:00").AddDate(0, 0, -23), Worst: recovered(), URL: "https://github.com/acme/checkout/issues/41"}}, 7
			f.Unfinished = []issue.Unfinished{
				{Incident: "before", FollowUp: issue.FollowUp{Text: "Alert on the queue's length (@alice) <!-- #1"}},
				{Incident: "before", FollowUp: issue.FollowUp{Text: "Set a timeout", Owner: "bob", Issue: "https://github.com/acme/shop/issues/7"}},
			}
			f.People = []string{"carol", "alice"}
			f.Timeline = []issue.Entry{
				{Time: at("10:21:00"), Text: "Pull request 12 (Fixes #1 @all) was merged to main by carol", Source: "GitHub, acme/checkout", URL: "https://github.com/acme/checkout/pull/12"},
				{Time: at("11:14:00"), Text: "restarted nginx @bob", Source: "alice", URL: "https://github.com/acme/checkout/issues/50#issuecomment-1", Person: true},
				{Time: at("11:15:00"), Text: "Alert CheckoutErrors began to fire", Source: "Prometheus, ALERTS", Symptom: true},
			}
			return f, issue.Opening
		},
		"demo": func() (issue.Facts, issue.Stage) {
			w := recovered()
			w.Objective.Window.Rolling = 10 * time.Minute
			w.Rule = &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: 20 * time.Second, Short: 2 * time.Second}
			w.Onset, w.Detected, w.Ended = at("10:41:03"), at("10:41:07"), at("10:41:44")
			w.Counts = slo.Counts{Total: 820, Bad: 590}
			w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("10:41:03", "10:41:44"), Counts: w.Counts}}
			f := facts(w)
			f.URL = ""
			return f, issue.Opening
		},
		"overspent": func() (issue.Facts, issue.Stage) { return overspent(), issue.Opening },
		"overspent-recovery": func() (issue.Facts, issue.Stage) {
			f := overspent()
			f.Incident.Windows[1].Ended = at("19:02:00")
			return f, issue.Recovery
		},
		"overspent-burning": func() (issue.Facts, issue.Stage) {
			w := budget()
			w.Onset = at("10:41:30")
			return facts(w, burning()), issue.Progress
		},
		"overspent-no-data": func() (issue.Facts, issue.Stage) {
			f := overspent()
			f.Incident.Windows[2].Ended = time.Time{}
			return f, issue.Progress
		},
		"quiet": func() (issue.Facts, issue.Stage) { return facts(hardlyAny()), issue.Opening },
		"quiet-over": func() (issue.Facts, issue.Stage) {
			w := hardlyAny()
			w.Ended = at("11:22:00")
			return facts(w), issue.Opening
		},
		"check": func() (issue.Facts, issue.Stage) {
			w := recovered()
			w.Objective.Name, w.Objective.Service, w.Objective.Description = "queue-freshness", "orders", ""
			w.Objective.Owner, w.Objective.Links = "", nil
			w.Objective.Indicator = slo.Indicator{Bool: "max(queue_oldest_message_seconds) < 60"}
			w.Counts = slo.Counts{Total: 82, Bad: 68}
			w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("10:41:00", "11:22:00"), Counts: w.Counts}}
			return facts(w), issue.Opening
		},
		"sampled": func() (issue.Facts, issue.Stage) {
			w := recovered()
			w.Objective.Name, w.Objective.Service, w.Objective.Description = "search-errors", "search", ""
			w.Objective.Owner, w.Objective.Links = "", nil
			w.Objective.Indicator = slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "job:errors:ratio5m"}}
			w.Counts = slo.Counts{Total: 82, Bad: 61.5}
			w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("10:41:00", "11:22:00"), Counts: w.Counts}}
			w.Caveats = w.Objective.Indicator.Caveats()
			f := facts(w)
			f.Chart = &issue.Chart{Of: w.ID(), Step: 30 * time.Minute, Points: []issue.Point{
				{Time: at("10:11:00"), Counts: slo.Counts{Total: 60}}, {Time: at("10:41:00"), Counts: slo.Counts{Total: 60, Bad: 50}}, {Time: at("11:11:00"), Counts: slo.Counts{Total: 22, Bad: 11.5}},
			}}
			f.Earlier, f.EarlierAll = []issue.Earlier{{ID: "before", Onset: at("08:15:00").AddDate(0, 0, -23), Worst: w, URL: "https://github.com/acme/search/issues/41"}}, 1
			f.Traffic = []issue.Traffic{{Of: w.ID(), Window: w.Counts, Length: 41 * time.Minute, Usual: []issue.Usual{
				{When: issue.WeekBefore, Counts: slo.Counts{Total: 30, Bad: 3}, Length: 41 * time.Minute},
			}}}
			return f, issue.Opening
		},
		"progress": func() (issue.Facts, issue.Stage) {
			w := burning()
			w.Phases = append(w.Phases, alert.Phase{Kind: alert.Degraded, Span: span("10:42:30", "10:53:00"), Counts: slo.Counts{Total: 9000, Bad: 222}})
			w.Counts = slo.Counts{Total: 10800, Bad: 1324}
			f := facts(w)
			f.AsOf = at("10:53:00")
			return f, issue.Progress
		},
		"recovery": func() (issue.Facts, issue.Stage) { return facts(recovered()), issue.Recovery },
		"recovery-edited": func() (issue.Facts, issue.Stage) {
			f := facts(recovered(), latency())
			f.Edited = true
			return f, issue.Recovery
		},
		"return": func() (issue.Facts, issue.Stage) {
			w := burning()
			w.Onset, w.Detected = at("11:40:00"), at("11:42:00")
			w.Counts = slo.Counts{Total: 1, Bad: 1}
			w.Phases = []alert.Phase{{Kind: alert.Outage, Span: span("11:40:00", "11:42:00"), Counts: w.Counts}}
			f := facts(recovered(), w)
			f.AsOf = at("11:42:00")
			return f, issue.Return
		},
	}
}

func TestRender(t *testing.T) {
	for name, build := range cases() {
		t.Run(name, func(t *testing.T) { golden(t, name, build) })
	}
}

// golden compares a text with its golden file, and looks for what no text should say.
func golden(t *testing.T, name string, build func() (issue.Facts, issue.Stage)) {
	t.Helper()
	text, err := postmortem.Render(build())
	if err != nil {
		t.Fatal(err)
	}
	got := text.Body
	if text.Title != "" {
		got = "# " + text.Title + "\n\n" + text.Body
	}
	golden := filepath.Join("testdata", name+".md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update and read the golden file:\n%s", diff)
	}
	for _, bad := range []string{"(?i)human error", "(?i)root cause", `\b0 (second|minute|hour|day|request|event)`, `\b1 (seconds|minutes|hours|days|requests|events)\b`,
		`(?m)[ \t]$`, "NaN|Inf|%!"} {
		if m := regexp.MustCompile(bad).FindString(got); m != "" {
			t.Errorf("the text says %q", m)
		}
	}
}

func TestSummaryIsTheSentenceThatPeopleRead(t *testing.T) {
	text, err := postmortem.Render(facts(recovered()), issue.Opening)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := strings.Cut(text.Body, "\n")
	want := "checkout was unavailable for 17 minutes, and failed some requests for another 24 minutes: " +
		"15,337 of 50,969 requests failed (30.1 %), spending 45 % of the 30-day error budget; 32.1 % was left."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPartsComeInOrder(t *testing.T) {
	text, err := postmortem.Render(facts(recovered()), issue.Opening)
	if err != nil {
		t.Fatal(err)
	}
	rest := text.Body
	for _, part := range []string{"checkout was", "\n## Facts\n", "\n### Impact\n", "\n### How it was resolved\n", "\n### Timeline\n", "\n## Analysis\n",
		"\nStatus: draft ",
		"\n### Trigger\n", "\n### Causes\n", "\n### What went well\n", "\n### What went poorly\n", "\n### Where we got lucky\n", "\n### Follow-ups\n", "\nBlameless"} {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Fatalf("%q is missing or out of order", part)
		}
		rest = after
	}
}

func TestPhasesThatAreOneAreToldOnce(t *testing.T) {
	w := recovered()
	w.Phases = []alert.Phase{
		{Kind: alert.Outage, Span: span("10:41:00", "10:46:00"), Counts: slo.Counts{Total: 1000, Bad: 700}},
		{Kind: alert.Outage, Span: span("10:46:00", "10:51:00"), Counts: slo.Counts{Total: 1000, Bad: 900}},
		{Kind: alert.BlindGap, Span: span("10:51:00", "10:52:00")},
		{Kind: alert.BlindGap, Span: span("10:52:00", "10:53:00")},
		{Kind: alert.Degraded, Span: span("10:53:00", "11:00:00"), Counts: slo.Counts{Total: 1000, Bad: 100}},
		{Kind: alert.Degraded, Span: span("11:10:00", "11:22:00"), Counts: slo.Counts{Total: 1000, Bad: 100}},
	}
	view := postmortem.NewView(facts(w))
	var got []string
	for _, r := range view.Timeline {
		got = append(got, r.Text)
	}
	want := []string{
		"Onset: `checkout-availability` began to miss its target",
		"Outage began: 80 % of requests failed over the next 10 minutes",
		"No data for 2 minutes: nobody knows what happened",
		"Degraded: 10 % of requests failed over the next 7 minutes",
		"Within the target for 10 minutes",
		"Degraded: 10 % of requests failed over the next 12 minutes",
		"End: `checkout-availability` was within its target again, 41 minutes after onset (time to recover)",
	}
	got = slices.DeleteFunc(got, func(s string) bool {
		return strings.Contains(s, "etected") || strings.Contains(s, "_(fill in)_")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderNeedsABreachWindow(t *testing.T) {
	if _, err := postmortem.Render(issue.Facts{}, issue.Opening); err == nil {
		t.Error("an incident without breach windows has a text")
	}
}

func TestSummaryTellsOfTheBudget(t *testing.T) {
	for _, tc := range []struct {
		name        string
		spent, left float64
		open        bool
		want        string
	}{
		{"over", 0.1, 0.6, false, "; 60 % was left."},
		{"over, and overspent", 0.5, -0.2, false, "; none was left."},
		{"going on", 0.1, 0.5, true, "; 50 % is left, enough for 7 minutes 30 seconds at this pace."},
		{"going on, and overspent", 0.5, -0.2, true, "; none is left."},
		{"going on so slowly that budget comes back in time", 0.00001, 0.9, true, "; 90 % is left."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := recovered()
			w.BudgetSpent, w.BudgetLeft, w.Phases = tc.spent, tc.left, nil
			if w.Detected = w.Onset.Add(90 * time.Second); tc.open {
				w.Ended = time.Time{}
			}
			text, err := postmortem.Render(facts(w), issue.Opening)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := strings.Cut(text.Body, "\n"); !strings.HasSuffix(got, "error budget"+tc.want) {
				t.Errorf("got %s\nwant it to end with %s", got, tc.want)
			}
		})
	}
}
