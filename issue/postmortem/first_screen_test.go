package postmortem_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

// TestAlso tells of the objectives that are worse than the headline's in some respect, and of no
// others.
func TestAlso(t *testing.T) {
	worse, better := latency(), latency()
	worse.BudgetLeft = -0.1
	better.Objective.Name, better.Counts, better.BudgetLeft = "checkout-better", slo.Counts{Total: 1000, Bad: 20}, 0.9
	got := postmortem.NewView(facts(recovered(), worse, better)).Also
	want := []string{"With a higher error ratio and less budget left: `checkout-latency`, 8,720 of 23,100 requests took longer than 500 ms (37.7 %)."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTimelineJoinsEqualRows joins what is the same, sets aside what is something else, and asks
// people for what only they know.
func TestTimelineJoinsEqualRows(t *testing.T) {
	row := func(clock, text string, aside bool) issue.Entry {
		return issue.Entry{Time: at(clock), Text: text, Source: "Prometheus", Aside: aside}
	}
	f := facts(recovered())
	f.Timeline = []issue.Entry{
		row("10:43:00", "Target a started", false), row("10:44:00", "Watchdog fires", true), row("10:45:00", "Target a started", false),
		row("10:46:00", "Target b started", false), row("10:47:00", "Target a started", false),
	}
	v := postmortem.NewView(f)
	var got []string
	for _, r := range v.Timeline {
		if r.Source != "postburn" {
			got = append(got, r.Time+" "+r.Text)
		}
	}
	want := []string{" Acknowledged by whom, and when? _(fill in)_", "10:43 Target a started (2 times, the last at 10:45)", "10:46 Target b started",
		"10:47 Target a started", " Mitigated by what, and when? _(fill in)_"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(v.Aside) != 1 || v.Aside[0].Text != "Watchdog fires" {
		t.Errorf("aside: %+v", v.Aside)
	}
	f.Settings.PostMortemAt = 10
	for _, r := range postmortem.NewView(f).Timeline {
		if strings.Contains(r.Text, "fill in") {
			t.Errorf("a short record asks %q", r.Text)
		}
	}
}

// TestQueries shows PromQL as code, which it can't end.
func TestQueries(t *testing.T) {
	id := recovered().ID()
	f := facts(recovered())
	f.Queries = []issue.Query{
		{Of: id, What: "Events", PromQL: "sum(a)", URL: "https://prometheus.example/graph?g0.expr=sum%28a%29"},
		{Of: id, What: "Bad events", PromQL: "sum(b{x=\"```\"})"}, {Of: id, What: "Marker", PromQL: "c{x=\"<!-- postburn key=x -->\"}"},
		{Of: id, What: "Hidden", PromQL: "d{x=\"\u202e\"}"}, {Of: id, What: "Budget", PromQL: "sum(e)\n/ sum(f)"},
	}
	v := postmortem.NewView(f)
	want := []postmortem.QueryRow{{Objective: "`checkout-availability`", PromQL: "# Events\nsum(a)\n\n# Budget\nsum(e)\n/ sum(f)"}}
	if diff := cmp.Diff(want, v.Queries); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(v.Next) != 3 || v.Next[1] != "[error ratio in Prometheus](https://prometheus.example/graph?g0.expr=sum%28a%29)" {
		t.Errorf("what to open next is %q", v.Next)
	}
}

// TestChangesInBrief shortens what changed, with how long before the onset it did.
func TestChangesInBrief(t *testing.T) {
	f := facts(recovered())
	for ago, text := range map[time.Duration]string{
		30 * time.Second: "Job shop: version 1.9.0 appeared; before, it was 1.8.3",
		time.Minute:      "Job shop: 6 targets started: 10.0.0.1:8080, 10.0.0.2:8080, 10.0.0.3:8080 and 3 others; the last 1 minute later",
		time.Hour / 2:    strings.Repeat("word ", 30),
	} {
		f.Timeline = append(f.Timeline, issue.Entry{Time: at("10:41:00").Add(-ago), Text: text})
	}
	want := []string{
		"30 minutes before: " + strings.TrimSpace(strings.Repeat("word ", 16)) + " …",
		"1 minute before: Job shop: 6 targets started",
		"30 seconds before: Job shop: version 1.9.0 appeared; before, it was 1.8.3",
	}
	if diff := cmp.Diff(want, postmortem.NewView(f).Recent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
