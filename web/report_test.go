package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// reported is a handler that knows a service with an objective and two incidents of the last days.
func reported(service string, asked *[]report.Period) *web.Handler {
	w := usual()
	h := w.handler()
	h.Ready(web.Data{
		Statuses: func(time.Time) []alert.Status { return nil }, Store: &w.memory,
		ReadReport: func(ctx context.Context, p report.Period, now time.Time) (report.Input, error) {
			*asked = append(*asked, p)
			return readReport(service, p, now), nil
		},
	})
	return h
}

func readReport(service string, p report.Period, now time.Time) report.Input {
	in := report.Input{Period: p, AsOf: now, Learned: map[string]issue.Learned{}}
	d := alert.Days{ID: slo.ID{SLO: "availability"}, Service: service, Target: slo.MustDecimal("99.9%")}
	for day := now.Truncate(24*time.Hour).AddDate(0, 0, -20); day.Before(now); day = day.AddDate(0, 0, 1) {
		d.Days = append(d.Days, slo.Day{Date: day, Known: 24 * time.Hour, Counts: slo.Counts{Total: 1000, Bad: 2}})
	}
	in.Days = []alert.Days{d}
	for n, id := range []string{"a", "b"} {
		onset := now.Add(-time.Duration(n+1) * 50 * time.Hour)
		window := alert.Window{Objective: slo.Objective{Name: "availability", Service: service}, Kind: alert.Burn, Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(time.Hour)}
		in.Incidents = append(in.Incidents, alert.Incident{ID: id, Windows: []alert.Window{window}})
		in.Learned[id] = issue.Learned{Feedback: issue.Feedback{Causes: []string{service}}, URL: "https://github.example/acme/shop/issues/1"}
	}
	return in
}

func TestReportGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []report.Period
		status, got := get(t, reported("checkout", &asked), "/report")
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, got)
		}
		got = plain(got)
		file := filepath.Join("testdata", "report.html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestReportPeriods asks for periods, in each form.
func TestReportPeriods(t *testing.T) {
	for query, want := range map[string]string{
		"":                              "1999-10-04 to 2000-01-01",
		"since=1w":                      "1999-12-26 to 2000-01-01",
		"month=1999-12":                 "December 1999",
		"quarter=1999-Q4&service=other": "quarter 4 of 1999",
		"since=1h":                      "since must be a duration from 1d to 732d like 90d",
		"since=10y":                     "since must be a duration from 1d to 732d like 90d",
		"month=12":                      "a month is written like 2026-10",
		"quarter=2026-Q5":               "a quarter is written like 2026-Q4",
		"month=1999-12&since=7d":        "since and month can't be given together",
		"output=pdf":                    "output must be html or markdown",
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []report.Period
			h := reported("checkout", &asked)
			wrong := strings.Contains(want, "must") || strings.Contains(want, "written") || strings.Contains(want, "can't")
			for _, path := range []string{"/report?", "/report?output=markdown&", "/report?output=html&", "/api/v1/report?"} {
				if strings.Contains(query, "output") && path != "/report?" {
					continue
				}
				status, got := get(t, h, path+query)
				if (status == http.StatusBadRequest) != wrong || !strings.Contains(got, want) && !strings.Contains(text(got), want) {
					t.Errorf("%s%s: status %d, %s", path, query, status, text(got))
				}
			}
			if !wrong && len(asked) != 1 {
				t.Errorf("%s: the store was read %d times within a minute", query, len(asked))
			}
			if strings.Contains(query, "service=other") {
				if _, got := get(t, h, "/report?"+query); strings.Contains(got, "availability") {
					t.Errorf("it is about another service: %s", text(got))
				}
			}
		})
	}
}

func TestReportIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []report.Period
		h := reported("checkout", &asked)
		for n, wait := range []time.Duration{0, 59 * time.Second, 2 * time.Second} {
			time.Sleep(wait)
			get(t, h, "/report")
			if want := []int{1, 1, 2}[n]; len(asked) != want {
				t.Errorf("after %s the store was read %d times, want %d", wait, len(asked), want)
			}
		}
		for n := range 40 {
			get(t, h, "/report?since="+fmt.Sprintf("%dd", n+1))
			get(t, h, "/api/v1/report?service="+strings.Repeat("x", n))
		}
	})
}

// TestReportsAreMadeOneAtATime asks for ten different reports at once: what waits is bounded, and
// other pages do not wait.
func TestReportsAreMadeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		h := w.handler()
		making, most := 0, 0
		h.Ready(web.Data{
			Statuses: func(time.Time) []alert.Status { return nil }, Store: &w.memory,
			ReadReport: func(_ context.Context, p report.Period, now time.Time) (report.Input, error) {
				making++
				most = max(most, making)
				time.Sleep(time.Second)
				making--
				return report.Input{Period: p, AsOf: now}, nil
			},
		})
		statuses := make(chan int, 10)
		for n := range 10 {
			go func() {
				r := httptest.NewRecorder()
				h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, []string{"/report", "/api/v1/report"}[n%2]+fmt.Sprintf("?since=%dd", n+1), nil))
				statuses <- r.Code
			}()
		}
		got := map[int]int{}
		for range 10 {
			got[<-statuses]++
		}
		if most != 1 || got[http.StatusOK] != 3 || got[http.StatusServiceUnavailable] != 7 {
			t.Errorf("%d were made at a time; statuses %v", most, got)
		}
	})
}

// TestReportPolicy lets a browser use the page's styles and nothing else, and names that are code
// stay text.
func TestReportPolicy(t *testing.T) {
	const evil = `</bdi></style><script>alert(1)</script>" onload='x' {{.}}` + "\u202e"
	synctest.Test(t, func(t *testing.T) {
		var asked []report.Period
		h := reported(evil, &asked)
		for _, path := range []string{"/report", "/report?output=html", "/report?service=<script>alert(1)</script>"} {
			r := httptest.NewRecorder()
			h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
			body, policy := r.Body.String(), r.Header().Get("Content-Security-Policy")
			styles := styled.FindAllStringSubmatch(body, -1)
			for _, found := range styles {
				digest := sha256.Sum256([]byte(found[1]))
				policy = strings.Replace(policy, " 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'", "", 1)
			}
			if !strings.HasPrefix(policy, "default-src 'none'; style-src; ") || len(styles) == 0 {
				t.Errorf("%s: the policy is %s", path, policy)
			}
			body = strings.Replace(plain(body), "<script></script>", "", 1) // postburn's own
			if strings.Contains(body, "<script") || strings.Contains(body, "\u202e") {
				t.Errorf("%s: %s", path, body)
			}
		}
		_, body := get(t, h, "/api/v1/report")
		if strings.Contains(body, "<script") || !json.Valid([]byte(body)) {
			t.Errorf("the API answers %s", body)
		}
	})
}

func TestReportUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		h := w.handler()
		h.Ready(web.Data{
			Statuses: func(time.Time) []alert.Status { return nil }, Store: &w.memory,
			ReadReport: func(context.Context, report.Period, time.Time) (report.Input, error) {
				return report.Input{}, errors.New("secret path")
			},
		})
		for _, path := range []string{"/report", "/api/v1/report"} {
			if status, got := get(t, h, path); status != http.StatusInternalServerError || strings.Contains(got, "secret") {
				t.Errorf("%s: status %d, %s", path, status, got)
			}
		}
	})
}
