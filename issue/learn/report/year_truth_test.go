package report_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
)

// What is true of the year is counted here from the failures and samples alone.

// detectedAfter returns after how many ticks of a failure the rule fires: 14.4 over an hour.
func detectedAfter(service int, ratio float64) int {
	s := watched[service]
	limit := 14.4 * (1 - slo.MustDecimal(s.target).Float()) * 12 * s.events
	for k := 1; ; k++ {
		if ratio*s.events*float64(k)+s.background*float64(12-k) > limit+1e-6 {
			return k
		}
	}
}

func (f failure) counts() bool {
	return f.triage != issue.Noise && f.triage != issue.Duplicate && !f.drill && f.excluded == ""
}

func (f failure) severity() int {
	month := 8640 * (1 - slo.MustDecimal(watched[f.service].target).Float())
	switch {
	case f.ratio >= 0.5 && time.Duration(f.ticks)*tick >= 30*time.Minute:
		return 1
	case f.ratio*float64(f.ticks)/month >= 0.1:
		return 2
	}
	return 0
}

func (s *simulation) onset(f failure) time.Time { return s.at(f.onset) }

// in returns the failures of a period and a service; empty: any.
func (s *simulation) in(start, end time.Time, service string) (all []failure) {
	for _, f := range s.failures {
		at := s.onset(f)
		if !at.Before(start) && at.Before(end) && (service == "" || watched[f.service].service == service) {
			all = append(all, f)
		}
	}
	return all
}

func (s *simulation) figures(start, end time.Time, service string) report.Figures {
	f := report.Figures{Severities: []report.Level{}}
	levels := map[int]int{}
	var detect, recovery []float64
	for _, of := range s.in(start, end, service) {
		switch {
		case of.drill || of.excluded != "":
		case of.triage == issue.Noise:
			f.Noise++
		case of.triage == issue.Duplicate:
			f.Duplicates++
		default:
			f.Count++
			levels[of.severity()]++
			detect = append(detect, float64(detectedAfter(of.service, of.ratio))*tick.Seconds())
			recovery = append(recovery, float64(of.ticks)*tick.Seconds())
		}
	}
	for _, level := range []int{1, 2, 0} {
		if levels[level] > 0 {
			f.Severities = append(f.Severities, report.Level{Severity: level, Count: levels[level]})
		}
	}
	f.LittleHarm = levels[0]
	f.Detect, f.Recover = timesOf(detect), timesOf(recovery)
	return f
}

// timesOf ranks: the median is the smallest that at least half of all are no longer than.
func timesOf(all []float64) *report.Times {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	rank := func(percent int) float64 {
		for n, v := range all {
			if (n+1)*100 >= percent*len(all) {
				return v
			}
		}
		return math.NaN()
	}
	t := &report.Times{Count: len(all), Median: rank(50), Longest: all[len(all)-1]}
	if len(all) >= 10 {
		p90 := rank(90)
		t.P90 = &p90
	}
	return t
}

func (s *simulation) attained(service int, start, end time.Time) report.Attained {
	w := watched[service]
	if start.Before(s.start) {
		return report.Attained{}
	}
	a := report.Attained{Since: &start, Known: end.Sub(start).Seconds()}
	for n := int(start.Sub(s.start) / tick); n < int(end.Sub(s.start)/tick); n++ {
		one := sample(s.failures, service, n)
		if one.Blind {
			a.Blind += tick.Seconds()
		}
		a.Total += one.Total
		a.Bad += math.Round(one.Bad)
	}
	for _, f := range s.in(start, end, w.service) {
		switch bad := math.Round(w.events * f.ratio * float64(f.ticks)); {
		case f.excluded != "":
			a.Total -= w.events * float64(f.ticks)
			a.Bad -= bad
		case f.counts():
			a.InIncidents += bad
		}
	}
	ratio := 1 - a.Bad/a.Total
	spent := a.Bad / a.Total / (1 - slo.MustDecimal(w.target).Float())
	a.Ratio, a.Spent = &ratio, &spent
	return a
}

// returned counts what failures have in common.
func (s *simulation) returned(now, before []failure) (all []report.CameBack) {
	type key struct{ kind, service, what string }
	counts := map[key][2]int{}
	for n, of := range [][]failure{now, before} {
		for _, f := range of {
			if !f.counts() {
				continue
			}
			for _, k := range []key{{report.Cause, "", f.cause}, {report.Contributor, watched[f.service].service, f.place}, {report.Change, "", f.change}} {
				if k.what != "" {
					c := counts[k]
					c[n]++
					counts[k] = c
				}
			}
		}
	}
	for k, c := range counts {
		if c[0] >= 2 || c[0] == 1 && c[1] >= 1 {
			all = append(all, report.CameBack{Kind: k.kind, Service: k.service, What: k.what, Count: c[0], Before: c[1]})
		}
	}
	slices.SortFunc(all, func(a, b report.CameBack) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// undone returns the promises after earlier failures that were not kept when a failure was over:
// those of the last five of its service that count, within 90 days.
func (s *simulation) undone(f failure) (all []string) {
	end := s.onset(f).Add(time.Duration(f.ticks) * tick)
	seen := 0
	for _, e := range slices.Backward(s.failures) {
		ended := s.onset(e).Add(time.Duration(e.ticks) * tick)
		if e.service != f.service || e.excluded != "" || ended.After(s.onset(f)) || ended.Before(s.onset(f).Add(-90*aDay)) {
			continue
		}
		if seen++; seen > 5 {
			break
		}
		if e.promise != "" && (e.kept == 0 || ended.Add(time.Duration(e.kept)*aDay).After(end)) {
			all = append(all, e.promise+" (alice)")
		}
	}
	return all
}

// checkReports compares the reports of all months and quarters with what is true.
func (s *simulation) checkReports() {
	var periods []report.Period
	for m := range 12 {
		periods = append(periods, mustParse(report.ParseMonth(fmt.Sprintf("%d-%02d", s.start.Year(), m+1))))
	}
	for q := range 4 {
		periods = append(periods, mustParse(report.ParseQuarter(fmt.Sprintf("%d-Q%d", s.start.Year(), q+1))))
	}
	promised, kept := 0, 0
	defer func() { s.checkPromises(promised, kept) }()
	for n, p := range periods {
		in, err := s.read(s.Context(), p)
		s.must(err)
		r := report.Make(in)
		s.check(r)
		if n < 12 {
			promised, kept = promised+r.Incidents.Now.Promised, kept+r.Incidents.Now.Kept
		}
	}
}

// checkPromises compares the follow-ups of the year, as postburn read them within a day or two,
// with what people promised and kept.
func (s *simulation) checkPromises(promised, kept int) {
	end := s.at(yearDays * 288)
	wantPromised, wantKept := 0, 0
	for _, f := range s.failures {
		if !f.counts() || f.promise == "" {
			continue
		}
		wantPromised++
		if ended := s.onset(f).Add(time.Duration(f.ticks) * tick); f.kept > 0 && ended.Add(time.Duration(f.kept)*aDay).Before(end) {
			wantKept++
		}
	}
	if promised != wantPromised || kept != wantKept {
		s.Errorf("%d follow-ups were promised and %d kept, want %d and %d", promised, kept, wantPromised, wantKept)
	}
}

func (s *simulation) check(r report.Report) {
	p, b := r.Period, r.Before
	name := p.Name
	near := gocmp.Options{cmpopts.EquateApprox(1e-9, 1e-6), cmpopts.IgnoreFields(report.Figures{}, "Promised", "Kept")}
	same := func(what string, want, got any) {
		s.Helper()
		if diff := gocmp.Diff(want, got, near); diff != "" {
			s.Errorf("%s, %s: %s", name, what, diff)
		}
	}
	same("before", b.End, p.Start)
	same("incidents", report.Incidents{Now: s.figures(p.Start, p.End, ""), Before: s.figures(b.Start, b.End, "")}, r.Incidents)
	same("services", len(watched), len(r.Services))
	for n, w := range watched {
		got := r.Services[n]
		same(w.service, report.Incidents{Now: s.figures(p.Start, p.End, w.service), Before: s.figures(b.Start, b.End, w.service)}, got.Incidents)
		o := got.Objectives[0]
		same(w.name+" now", s.attained(n, p.Start, p.End), o.Now)
		same(w.name+" before", s.attained(n, b.Start, b.End), o.Before)
		same(w.name+"'s days", p.Days(), len(o.Days))
	}
	now, before := s.in(p.Start, p.End, ""), s.in(b.Start, b.End, "")
	var got []report.CameBack
	for _, c := range r.CameBack {
		if len(c.Last) != min(c.Count, 5) {
			s.Errorf("%s: of %s, %d of %d incidents are named", name, c.What, len(c.Last), c.Count)
		}
		c.Last = nil
		got = append(got, c)
	}
	if len(got) > 0 && !strings.Contains(r.Sentences.CameBack, got[0].What) {
		s.Errorf("%s: %s", name, r.Sentences.CameBack)
	}
	slices.SortFunc(got, func(a, b report.CameBack) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	same("what came back", s.returned(now, before), got)
	s.checkRest(r, now)
	inBins := 0
	for _, bin := range r.Bins {
		same("incidents since "+bin.Start.String(), s.figures(bin.Start, bin.Start.AddDate(0, 0, bin.Days), "").Count, bin.Count)
		inBins += bin.Count
	}
	same("all bins", r.Incidents.Now.Count+r.Incidents.Before.Count, inBins)
}

// checkRest compares what is not a number of incidents that count.
func (s *simulation) checkRest(r report.Report, now []failure) {
	labelled, drills := 0, 0
	var excluded []string
	undone, gotUndone := map[string][]string{}, map[string][]string{}
	for _, f := range now {
		switch {
		case f.drill:
			drills++
		case f.excluded != "":
			excluded = append(excluded, f.excluded)
		case f.counts():
			if f.cause != "" {
				labelled++
			}
			if all := s.undone(f); len(all) > 0 {
				undone[s.onset(f).String()] = all
			}
		}
	}
	for _, repeat := range r.Repeats {
		gotUndone[repeat.Onset.String()] = repeat.Undone
	}
	var gotExcluded []string
	for _, e := range r.Excluded {
		gotExcluded = append(gotExcluded, e.Reason)
	}
	for what, pair := range map[string][2]any{
		"labelled": {labelled, r.Labelled}, "drills": {drills, r.Drills}, "excluded": {excluded, gotExcluded}, "undone": {undone, gotUndone},
	} {
		if diff := gocmp.Diff(pair[0], pair[1]); diff != "" {
			s.Errorf("%s, %s: %s", r.Period.Name, what, diff)
		}
	}
}
