package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func window() alert.Window {
	return alert.Window{
		Objective: slo.Objective{Name: "checkout-availability", Service: "checkout", Target: slo.MustDecimal("99.9%")},
		Kind:      alert.Burn,
		Rule:      &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
		Onset:     at, Detected: at.Add(time.Minute), PeakBurnRate: 500, Counts: slo.Counts{Total: 1000, Bad: 500}, BudgetSpent: 0.25,
		Phases:  []alert.Phase{{Kind: alert.Outage, Span: slo.Span{Start: at, End: at.Add(time.Minute)}}},
		Caveats: []slo.Caveat{{Kind: slo.NoData, Count: 3}},
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(r.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.Code, string(body)
}

func TestHandler(t *testing.T) {
	h := web.NewHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	for path, want := range map[string]int{
		"/-/healthy": 200, "/-/ready": 503, "/api/v1/slos": 503, "/api/v1/incidents": 503, "/api/v1/incidents/one": 503, "/metrics": 200, "/nothing": 404,
	} {
		if got, _ := get(t, h, path); got != want {
			t.Errorf("%s before it is ready: %d, want %d", path, got, want)
		}
	}
	burning, ended := window(), window()
	ended.Kind, ended.Rule, ended.Phases, ended.Caveats, ended.Ended = alert.Budget, nil, nil, nil, at.Add(time.Hour)
	ended.Labels = slo.NewLabels(map[string]string{"region": "eu"})
	var bad error
	store := &memory{
		incidents: []alert.Incident{{ID: "one", Group: "checkout", Windows: []alert.Window{burning}}, {ID: "two", Group: "b", Windows: []alert.Window{ended}}},
		publications: map[string]issue.Publication{
			"one": {Feedback: issue.Feedback{Triage: issue.Noise}, Writes: []issue.Write{{Ref: issue.Ref{URL: "postmortems/one.md"}}}},
		},
	}
	h.Ready(web.Data{
		Statuses: func(time.Time) []alert.Status {
			return []alert.Status{{Objective: burning.Objective, Window: slo.Counts{Total: 10, Bad: 1}, BudgetRemaining: -99, State: alert.Blind}}
		},
		Store:  store,
		Reload: func(context.Context) error { return bad },
	})
	for path, want := range map[string]string{
		"/-/ready": "postburn is ready.\n",
		"/api/v1/slos": `{"slos":[{"slo":"checkout-availability","labels":{},"target":0.999,"total_events":10,"bad_events":1,"estimated_events":0,"budget_remaining_ratio":-99,"state":"blind","blind_since":null,` +
			`"service":"checkout","window":"0s","as_of":null,"attained_ratio":0.9,"current_error_ratio":null,"current_burn_rate":null,"incident":"one"}]}` + "\n",
		"/api/v1/incidents": `{"incidents":[` +
			`{"id":"one","state":"burning","group":"checkout","onset":"2026-03-02T09:00:00Z","detected":"2026-03-02T09:01:00Z","ended":null,"issue_url":"postmortems/one.md","triage":"noise","windows":[` +
			`{"slo":"checkout-availability","labels":{},"kind":"burn","rule":{"rate":14.4,"long":"1h","short":"5m"},"onset":"2026-03-02T09:00:00Z","detected":"2026-03-02T09:01:00Z","ended":null,` +
			`"peak_burn_rate":500,"total_events":1000,"bad_events":500,"budget_spent_ratio":0.25,"phases":[{"kind":"outage","start":"2026-03-02T09:00:00Z","end":"2026-03-02T09:01:00Z"}],"caveats":["3 ticks without data left out"],` +
			`"service":"checkout","error_ratio":0.5}],"service":"checkout","impact":{"slo":"checkout-availability","labels":{},"total_events":1000,"bad_events":500,"error_ratio":0.5,"budget_spent_ratio":0.25}},` +
			`{"id":"two","state":"recovered","group":"b","onset":"2026-03-02T09:00:00Z","detected":"2026-03-02T09:01:00Z","ended":"2026-03-02T10:00:00Z","issue_url":null,"windows":[` +
			`{"slo":"checkout-availability","labels":{"region":"eu"},"kind":"budget","rule":null,"onset":"2026-03-02T09:00:00Z","detected":"2026-03-02T09:01:00Z","ended":"2026-03-02T10:00:00Z",` +
			`"peak_burn_rate":500,"total_events":1000,"bad_events":500,"budget_spent_ratio":0.25,"phases":[],"caveats":[],` +
			`"service":"checkout","error_ratio":0.5}],"service":"checkout","impact":{"slo":"checkout-availability","labels":{"region":"eu"},"total_events":1000,"bad_events":500,"error_ratio":0.5,"budget_spent_ratio":0.25}}]}` + "\n",
	} {
		code, got := get(t, h, path)
		if diff := cmp.Diff(want, got); code != 200 || diff != "" {
			t.Errorf("%s: %d (-want +got):\n%s", path, code, diff)
		}
	}
	for _, bad = range []error{nil, errors.New("slos.yaml:3:5: unknown key")} {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(http.MethodPost, "/-/reload", nil))
		if wrong := bad != nil; (r.Code != 200) != wrong || wrong != strings.Contains(r.Body.String(), "slos.yaml:3:5") {
			t.Errorf("reloading with %v: %d %s", bad, r.Code, r.Body)
		}
	}
	if code, _ := get(t, h, "/-/reload"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET /-/reload: %d", code)
	}
	store.failing = errors.New("disk I/O error at /secret/path")
	if code, body := get(t, h, "/api/v1/incidents"); code != 500 || body != `{"error":"the store can't be read"}`+"\n" {
		t.Errorf("with an unreadable store: %d %s", code, body)
	}
}

// TestObjectiveMeasuredOnceATick has the API say what the numbers of a sampled indicator are.
func TestObjectiveMeasuredOnceATick(t *testing.T) {
	s := alert.Status{Objective: window().Objective}
	s.Objective.Indicator = slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "ratio"}}
	want := []string{"measured once a tick: events are weighted by ticks, and what happens between two ticks is not seen"}
	if diff := cmp.Diff(want, web.ViewObjectives([]alert.Status{s})[0].Caveats); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
}
