package report_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
)

var update = flag.Bool("update", false, "write the golden files anew")

var october = mustParse(report.ParseMonth("2026-10"))

func mustParse(p report.Period, err error) report.Period {
	if err != nil {
		panic(err)
	}
	return p
}

// at is a time of the month that is reported, in days from its start.
func at(days float64) time.Time {
	return october.Start.Add(time.Duration(days * 24 * float64(time.Hour)))
}

// scene is what is known of a shop.
type scene struct{ report.Input }

func newScene() *scene {
	return &scene{report.Input{Period: october, AsOf: october.End.Add(6 * time.Hour), Learned: map[string]issue.Learned{}}}
}

// watch adds days of an objective, each with 10,000 events, from a day on.
func (s *scene) watch(service, name string, from int, bad func(day int) float64) *alert.Days {
	d := alert.Days{ID: slo.ID{SLO: name}, Service: service, Target: slo.MustDecimal("99.9%"), Measures: "m"}
	for n := from; n < 31; n++ {
		d.Days = append(d.Days, slo.Day{Date: at(float64(n)), Counts: slo.Counts{Total: 10_000, Bad: bad(n)}, Known: 24 * time.Hour, Exact: true})
	}
	s.Days = append(s.Days, d)
	return &s.Days[len(s.Days)-1]
}

// happen adds an incident of a service's objective.
func (s *scene) happen(service, name string, onset time.Time, detect, recovery time.Duration, severity int, change ...func(*issue.Learned)) {
	id := fmt.Sprintf("%s-%s", service, onset.Format("0102t1504"))
	w := alert.Window{
		Objective: slo.Objective{Name: name, Service: service, Target: slo.MustDecimal("99.9%")}, Kind: alert.Burn,
		Onset: onset, Detected: onset.Add(detect), Counts: slo.Counts{Total: 1000, Bad: 100}, Severity: severity,
	}
	if recovery > 0 {
		w.Ended = onset.Add(recovery)
	}
	s.Incidents = append(s.Incidents, alert.Incident{ID: id, Group: service, Windows: []alert.Window{w}})
	l := issue.Learned{URL: "https://github.com/acme/shop/issues/" + fmt.Sprint(len(s.Incidents))}
	for _, c := range change {
		c(&l)
	}
	s.Learned[id] = l
}

func causes(all ...string) func(*issue.Learned) {
	return func(l *issue.Learned) { l.Causes = append(l.Causes, all...) }
}

func triaged(t issue.Triage) func(*issue.Learned) { return func(l *issue.Learned) { l.Triage = t } }

// shop is a month with something of everything, and the month before.
func shop() *scene {
	s := newScene()
	s.watch("checkout", "checkout-availability", -30, func(day int) float64 {
		switch day {
		case 3:
			return 250
		case -10:
			return 500
		}
		return 4
	})
	search := s.watch("search", "search-latency", 12, func(day int) float64 { return 40 })
	search.Days[3].Blind, search.Days[3].Counts = 20*time.Hour, slo.Counts{Total: 1000}
	s.watch("orders", "orders-freshness", -30, func(day int) float64 { return 1 + float64(max(day, 0)) })
	for n := range 12 {
		s.happen("checkout", "checkout-availability", at(float64(n)*2+0.5), 4*time.Minute, time.Duration(10+n)*time.Minute, n%3, func(l *issue.Learned) {
			if n%4 == 0 {
				l.Causes, l.Contributors = []string{"deploy"}, []string{`zone="eu-1"`}
			}
			if n == 8 {
				l.Undone = []string{"Give the pool a limit <b>", "Alert on its @wait"}
			}
			l.Changes = []string{"Deployment checkout changed"}
			l.Promises = []issue.Promise{{Made: at(float64(n)*2 + 1), Kept: at(31)}, {Made: at(float64(n)*2 + 2)}, {Made: at(float64(n) - 30), Kept: at(0)}}
		})
	}
	for n := range 6 {
		s.happen("checkout", "checkout-availability", at(float64(n)*4-30), 10*time.Minute, time.Hour, 1, causes("deploy"))
	}
	s.happen("search", "search-latency", at(13), time.Minute, 5*time.Minute, 0, triaged(issue.Noise))
	s.happen("search", "search-latency", at(14), time.Minute, 5*time.Minute, 0, triaged(issue.Duplicate))
	s.happen("search", "search-latency", at(15), time.Minute, 5*time.Minute, 0, func(l *issue.Learned) { l.Drill = true })
	s.happen("search", "search-latency", at(16), time.Minute, 5*time.Minute, 1, func(l *issue.Learned) {
		l.Excluded = &issue.Exclusion{By: "alice", Reason: "a load test, not | users"}
	})
	s.happen("search", "search-latency", at(30.5), time.Minute, 0, 0, causes("config"))
	return s
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestFormats compares a report with what people have read before.
func TestFormats(t *testing.T) {
	r := report.Make(shop().Input)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(text, '\n'))
	golden(t, "report.md", []byte(r.Markdown()))
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.html", page)
}
