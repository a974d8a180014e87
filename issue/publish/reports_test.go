package publish_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// reporting is a run in which two repositories get a report on each month.
func reporting(stories ...story) *run {
	r := triaged(stories...)
	r.options.Reports = issue.Reporter{
		Repositories: func() []string { return []string{"", "acme/other"} },
		Write: func(_ context.Context, month time.Time, repository string) (issue.Text, bool, error) {
			return issue.Text{Title: "report", Body: fmt.Sprintf("on %s for %q at %s", month.Format("2006-01"), repository, time.Now().Format(time.TimeOnly))}, true, nil
		},
	}
	return r
}

const otherReport = "report-1999-11-26be9552"

// TestExactlyOneReportWhateverGoesWrong has each call and each save go wrong in each way: of a
// month there is one report in each repository, and beside it the incident's issue.
func TestExactlyOneReportWhateverGoesWrong(t *testing.T) {
	want := []string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "report-1999-11", otherReport}
	for _, what := range []string{"call", "save"} {
		total := reportDrama(t, what, 0, none, want)
		if total < 8 {
			t.Fatalf("only %d of %s: there is nothing to go wrong", total, what)
		}
		for i, f := range []fault{before, after, late, refused, rateLimited, crashBefore, crashAfter} {
			if what == "save" && (f == late || f == refused || f == rateLimited) {
				continue
			}
			for n := 1; n <= total; n++ {
				if !isTried(n, i) {
					continue
				}
				if reportDrama(t, what, n, f, want); t.Failed() {
					t.Fatalf("%s %d of %d: %s", what, n, total, f)
				}
			}
		}
	}
}

func reportDrama(t *testing.T, what string, n int, f fault, want []string) (calls int) {
	synctest.Test(t, func(t *testing.T) {
		r := reporting(short())
		hit := func() fault {
			if calls++; calls == n {
				return f
			}
			return none
		}
		start := time.Now()
		if what == "call" {
			r.forge.fault = func(string) fault {
				if time.Since(start) > 25*time.Minute {
					return none
				}
				return hit()
			}
		} else {
			r.onSave(hit)
		}
		r.until(t, 40*time.Minute, nil)
		keys := r.forge.keys()
		slices.Sort(keys)
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("texts: %s\ncalls:\n%s", diff, strings.Join(r.forge.calls, "\n"))
		}
		for _, p := range r.store.Publications() {
			if !p.IsSettled() || p.Kind == issue.Report && len(p.Writes) != 1 {
				t.Errorf("there is something left to do: %+v", p)
			}
		}
	})
	return calls
}

// TestMonthlyReports lets months pass.
func TestMonthlyReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reporting()
		r.options.Interval = time.Hour
		r.options.Reports.Repositories = func() []string { return []string{""} }
		at := func(days int, hours time.Duration) time.Duration {
			return time.Duration(days)*24*time.Hour + hours*time.Hour
		}
		var seen []string
		look := func() { seen = append(seen, strings.Join(r.forge.keys(), " ")) }
		r.until(t, at(60, 5), map[time.Duration]func(){at(0, 5): look, at(0, 8): look, at(31, 5): look, at(31, 8): look, at(60, 0): func() {
			look()
			// What people do with a report is theirs to do: it is not written again.
			r.forge.person(func(f *forged) { f.Closed = true })
			r.forge.texts = r.forge.texts[:2]
		}})
		want := []string{
			"report-1999-11", "report-1999-11 report-1999-12", "report-1999-11 report-1999-12", "report-1999-11 report-1999-12 report-2000-01",
			"report-1999-11 report-1999-12 report-2000-01",
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
		if keys := r.forge.keys(); len(keys) != 2 {
			t.Errorf("a report that a person removed came back: %v", keys)
		}
		if body := r.forge.body(t, "report-1999-12"); !strings.HasPrefix(body, `on 1999-12 for ""`) {
			t.Errorf("the body is %q", body)
		}
		r.forge.person(func(f *forged) {
			if diff := cmp.Diff([]string{"postburn", "report"}, f.labels); diff != "" {
				t.Errorf("labels: %s", diff)
			}
			if len(f.post.Assignees) > 0 {
				t.Errorf("assigned to %v", f.post.Assignees)
			}
		})
		if n := len(r.forge.calls); n > 600+61*24 {
			t.Errorf("%d calls in two months: it spins", n)
		}
	})
}

// TestNoReportOnNothing has a month without anything known, and one that can't be read.
func TestNoReportOnNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reporting(short())
		asked := 0
		r.options.Reports.Write = func(context.Context, time.Time, string) (issue.Text, bool, error) {
			if asked++; asked%2 == 0 {
				return issue.Text{}, false, errors.New("the store is gone")
			}
			return issue.Text{}, false, nil
		}
		r.until(t, time.Hour, nil)
		keys := r.forge.keys()
		slices.Sort(keys)
		if diff := cmp.Diff([]string{"checkout-1", "checkout-1/progress", "checkout-1/recovery-1"}, keys); diff != "" {
			t.Error(diff)
		}
		if asked < 2 || asked > 200 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestReportKeys(t *testing.T) {
	month := time.Date(1999, 11, 1, 0, 0, 0, 0, time.UTC)
	for key, want := range map[string]bool{
		issue.ReportKey(month, ""): true, issue.ReportKey(month, "acme/other"): true,
		"report-20261014t104100z": false, "report-20261014t104100z-0123abcd": false, "checkout-20261014t104100z": false,
	} {
		if got := issue.IsReportKey(key); got != want {
			t.Errorf("%s is a report's key: %v, want %v", key, got, want)
		}
	}
	if got := issue.ReportKey(month, "acme/other"); got != otherReport {
		t.Errorf("the key is %s", got)
	}
}
