package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/alert"
	reports "github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// recorded is a store with two services' days of the last week.
func recorded(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "postburn.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	var all []alert.Days
	for _, service := range []string{"checkout", "search"} {
		d := alert.Days{ID: slo.ID{SLO: service + "-availability"}, Service: service, Target: slo.MustDecimal("99.9%"), Measures: "m"}
		for n := range 7 {
			d.Days = append(d.Days, slo.Day{Date: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -n), Known: 24 * time.Hour, Counts: slo.Counts{Total: 1000, Bad: 1}, Exact: true})
		}
		all = append(all, d)
	}
	if err := s.SaveDays(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReport reads a store in each form.
func TestReport(t *testing.T) {
	path := recorded(t)
	month := time.Now().UTC()
	for args, want := range map[string]string{
		"":                                   "# Incidents and objectives, ",
		"--since 7d":                         "| `checkout-availability` | 99.9 % | 99.9 % |",
		"--since 7d --output html":           "<!doctype html>",
		"--since 7d --service search":        "`search-availability`",
		"--month " + month.Format("2006-01"): month.Format("January 2006"),
		fmt.Sprintf("--quarter %d-Q%d --output markdown", month.Year(), (month.Month()+2)/3): fmt.Sprintf("quarter %d of %d", (month.Month()+2)/3, month.Year()),
	} {
		out := report1(t, path, args, 0)
		if !strings.Contains(out, want) {
			t.Errorf("%s: it has no %q:\n%s", args, want, out)
		}
		if strings.Contains(args, "service search") && strings.Contains(out, "checkout") {
			t.Errorf("it is about another service:\n%s", out)
		}
	}
	var r reports.Report
	if err := json.Unmarshal([]byte(report1(t, path, "--since 7d --output json", 0)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 2 || r.Services[0].Objectives[0].Now.Total != 7000 || len(r.Services[0].Objectives[0].Days) != 7 {
		t.Errorf("the JSON is %+v", r)
	}
	for args, want := range map[string]string{
		"--since 1h":                  "must be 1d or more",
		"--month 10":                  "--month: a month is written like 2026-10",
		"--quarter 4":                 "--quarter: a quarter is written like 2026-Q4",
		"--month 2026-10 --since 30d": "can't be used together",
		"--output pdf":                "markdown",
	} {
		if out := report1(t, path, args, 2); !strings.Contains(out, want) {
			t.Errorf("%s: %s", args, out)
		}
	}
	if out := report1(t, filepath.Join(t.TempDir(), "none.db"), "", 1); !strings.Contains(out, "none.db") {
		t.Errorf("without a store: %s", out)
	}
}

// report1 runs the command, and returns what it prints, or its error.
func report1(t *testing.T, path, args string, want int) string {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(t.Context(), append([]string{"report", "--store", path}, strings.Fields(args)...), envconfig.MapLookuper(nil), &out, &errs)
	if got := exitCode(err); got != want {
		t.Errorf("%s: exit code %d, %v", args, got, err)
	}
	if err != nil {
		return err.Error()
	}
	return out.String()
}
