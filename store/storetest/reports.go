package storetest

import (
	"errors"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

var reportCases = map[string]func(*fixture){
	"days come back as they were": func(f *fixture) {
		odd := days("größe \"☃\" 'x'", "a", day(3, 1), day(1, 2))
		odd.Labels, odd.Service = slo.NewLabels(map[string]string{"region": "eu\x00"}), ""
		odd.Days[0].Bad, odd.Days[0].Exact, odd.Days[0].Blind = 1.0/1024, false, time.Nanosecond
		f.saveDays(days("checkout", "a", day(0, 9)), odd)
		odd.Days[0], odd.Days[1] = odd.Days[1], odd.Days[0] // in the order of time
		f.days(0, 9, days("checkout", "a", day(0, 9)), odd)
	},
	"from the start on and before the end": func(f *fixture) {
		f.saveDays(days("checkout", "a", day(0, 1), day(1, 1), day(2, 1), day(3, 1)))
		f.days(1, 3, days("checkout", "a", day(1, 1), day(2, 1)))
		f.days(9, 12)
		got, _, _, err := f.Recorded(f.Context(), first, first.AddDate(0, 0, 1).Add(time.Second))
		f.same("days until a second after midnight", 2, len(got[0].Days))
		f.same("error", nil, err)
	},
	"a day is replaced by what is known as well or better": func(f *fixture) {
		f.saveDays(days("checkout", "a", day(0, 12), day(1, 24), day(2, 24)))
		more, less, estimated := day(0, 13), day(1, 23), day(2, 24)
		more.Total, less.Total, estimated.Total, estimated.Exact = 2000, 3000, 4000, false
		f.saveDays(days("checkout", "a", more, less, estimated))
		f.days(0, 9, days("checkout", "a", more, day(1, 24), day(2, 24)))
		late := day(2, 24)
		late.Total = 5000
		f.saveDays(days("checkout", "a", late))
		f.days(2, 3, days("checkout", "a", late))
	},
	"what comes twice at once is as if it came one after the other": func(f *fixture) {
		better, worse, other := day(0, 12), day(0, 6), days("checkout", "a", day(1, 3))
		better.Total, worse.Total, other.Service = 2000, 3000, "other"
		f.saveDays(days("checkout", "a", day(0, 11)), days("checkout", "a", better, worse), other)
		other.Days = []slo.Day{better, day(1, 3)}
		f.days(0, 9, other)
	},
	"another target is the newest, other events are apart": func(f *fixture) {
		f.saveDays(days("checkout", "b", day(0, 24)))
		f.saveDays(days("checkout", "a", day(1, 24)))
		moved := days("checkout", "b", day(2, 24))
		moved.Target, moved.Service = slo.MustDecimal("0.5"), "other"
		f.saveDays(moved)
		moved.Days = []slo.Day{day(0, 24), day(2, 24)}
		f.days(0, 9, moved, days("checkout", "a", day(1, 24)))
	},
	"old days are dropped": func(f *fixture) {
		f.acquire()
		f.saveDays(days("checkout", "a", day(0, 24), day(1, 24), day(2, 24)), days("gone", "a", day(0, 24)))
		if err := f.DropDays(f.Context(), first.AddDate(0, 0, 1)); err != nil {
			f.Fatal(err)
		}
		f.days(0, 9, days("checkout", "a", day(1, 24), day(2, 24)))
		f.saveDays(days("gone", "a", day(3, 24)))
		f.days(3, 9, days("gone", "a", day(3, 24)))
	},
	"a store that was not acquired drops no days": func(f *fixture) {
		f.saveDays(days("checkout", "a", day(0, 24)))
		if err := f.DropDays(f.Context(), first.AddDate(1, 0, 0)); !errors.Is(err, alert.ErrFenced) {
			f.Errorf("dropping: %v", err)
		}
		f.days(0, 9, days("checkout", "a", day(0, 24)))
	},
	"incidents by onset, with what is learned of them": func(f *fixture) {
		f.commitIncidents(incident("c", 1, 30, 0), incident("b", 1, 20, 25), incident("a", 1, 10, 15), incident("z", 1, 40, 45))
		p := publication("a", 1, issue.Posted)
		p.Triage, p.Causes, p.Drill, p.Excluded = issue.Completed, []string{"deploy"}, true, &issue.Exclusion{By: "alice", At: tick(9), Reason: "größe"}
		p.Parts = append(p.Parts, issue.Part{Incident: "b"})
		if err := p.Parts[0].Keep(issue.Evidence{Unfinished: []issue.Unfinished{{FollowUp: issue.FollowUp{Text: "Alert on it"}}}}, tick(15)); err != nil {
			f.Fatal(err)
		}
		f.save(p)
		_, incidents, learned, err := f.Recorded(f.Context(), tick(10), tick(40))
		if err != nil {
			f.Fatal(err)
		}
		f.same("incidents", []alert.Incident{incident("a", 1, 10, 15), incident("b", 1, 20, 25), incident("c", 1, 30, 0)}, incidents)
		f.same("learned", map[string]issue.Learned{"a": p.Learned(p.Parts[0]), "b": p.Learned(p.Parts[1])}, learned)
		f.same("undone", []string{"Alert on it"}, learned["a"].Undone)
	},
	"a report is published as an incident is, and is none": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 2))
		p := issue.NewReport(first, "acme/shop")
		f.save(p)
		p.Want(issue.Opening, time.Time{})
		f.save(p)
		f.behind([]string{"a"}, []string{p.Key})
		f.published(p.Key, &p)
		p.Writes[0].Done()
		f.save(p)
		f.behind([]string{"a"}, nil)
		f.drop(100, 10, 0)
		f.published(p.Key, &p)
	},
}

// first is the first of the days.
var first = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// day is the n-th day, known for some hours.
func day(n, hours int) slo.Day {
	return slo.Day{Date: first.AddDate(0, 0, n), Counts: slo.Counts{Total: 1000, Bad: 1}, Known: time.Duration(hours) * time.Hour, Blind: time.Minute, Exact: true}
}

func days(name, measures string, all ...slo.Day) alert.Days {
	return alert.Days{ID: slo.ID{SLO: name}, Service: "shop", Target: slo.MustDecimal("0.999"), Measures: measures, Days: all}
}

func (w *writer) saveDays(all ...alert.Days) {
	w.Helper()
	if err := w.SaveDays(w.Context(), all); err != nil {
		w.Fatal(err)
	}
}

// days checks what is known of the days from one on and before another.
func (f *fixture) days(from, to int, want ...alert.Days) {
	f.Helper()
	got, _, _, err := f.Recorded(f.Context(), first.AddDate(0, 0, from), first.AddDate(0, 0, to))
	if err != nil {
		f.Fatal(err)
	}
	f.same("days", want, got)
}
