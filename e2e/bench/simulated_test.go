package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestSimulated has postburn's client ask the simulated Prometheus and a real engine over the same
// counters, tick by tick, in long stretches and in long steps: all answers are the same.
func TestSimulated(t *testing.T) {
	const services = 45 // more than are asked at once
	end := time.Now().Truncate(time.Hour).UTC()
	real := promtest.Start(t)
	if err := real.Append(simulatedSamples(services, end.Add(-3*time.Hour), end.Add(time.Minute))...); err != nil {
		t.Fatal(err)
	}
	s := newSimulated(slog.New(slog.DiscardHandler))
	compared := atomic.Int64{}
	client, err := prom.New(prom.Options{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		want := answerOf(t, real.URL()+r.URL.Path, string(body))
		simulated := httptest.NewRecorder()
		again := httptest.NewRequest(http.MethodPost, r.URL.Path, strings.NewReader(string(body)))
		again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.handler().ServeHTTP(simulated, again)
		if diff := cmp.Diff(decoded(t, want), decoded(t, simulated.Body.Bytes())); diff != "" {
			t.Errorf("%s (-Prometheus +simulated):\n%s", body, diff)
		}
		compared.Add(1)
		_, _ = w.Write(want)
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	objectives := simulatedObjectives(services)
	for _, ticks := range []slo.Ticks{
		{First: end.Add(-time.Minute), Last: end.Add(-time.Minute), Interval: 30 * time.Second},
		{First: end.Add(-30 * time.Second), Last: end.Add(-30 * time.Second), Interval: 30 * time.Second}, // nothing happened before it
		{First: end, Last: end, Interval: 30 * time.Second},
		{First: end.Add(-29 * time.Minute), Last: end, Interval: 30 * time.Second},
		{First: end.Add(-2 * time.Hour), Last: end, Interval: 5 * time.Minute, Each: 30 * time.Second},
	} {
		for i, r := range client.Read(t.Context(), objectives, ticks) {
			if r.Err != nil {
				t.Fatalf("%s: %v", objectives[i].Name, r.Err)
			}
		}
	}
	if n := compared.Load(); n < services { // long stretches are asked for each objective
		t.Errorf("%d answers were compared", n)
	}
}

// TestSimulatedRefuses asks what the simulated Prometheus can't answer as a real one would.
func TestSimulatedRefuses(t *testing.T) {
	s := newSimulated(slog.New(slog.DiscardHandler))
	for _, query := range []string{
		`up`,
		`label_replace(sum by (code) (rate(http_requests_total{service="s0001"}[5m]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service="s0001"}[2m:30s]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service="s0001"}[30s1ms:30s] offset 1m) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service=~"s.*"}[30s1ms:30s]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service=~"s0001|s0002"}[30s1ms:30s]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service="s0001",region="eu"}[30s1ms:30s]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta((http_requests_total{service="s0001"} > 5)[30s1ms:30s]) + 1), "__postburn__", "0/total/0/packed", "", "")`,
		`label_replace(sum by (code) (idelta(http_requests_total{service="s0001"}[30s1ms:30s]) + 1), "__postburn__", "$1", "code", "(.*)")`,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/api/v1/query", strings.NewReader(url.Values{"query": {query}, "time": {"1767614400"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.handler().ServeHTTP(w, r)
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d\n%s", query, w.Code, w.Body)
		}
	}
}

// simulatedSamples are what a Prometheus has scraped of the simulated services.
func simulatedSamples(services int, from, to time.Time) (all []promtest.Sample) {
	add := func(name, service, code string, instance int64, at time.Time, v float64) {
		set := map[string]string{"__name__": name, "job": service, "instance": fmt.Sprint("i", instance)}
		if code != "" {
			set["code"], set["service"] = code, service
		}
		all = append(all, promtest.Sample{Labels: set, Time: at, Value: v})
	}
	for i := range services {
		for k := range int64(simulatedInstances) {
			for at := from.Truncate(scrape).Add(time.Duration(k) * scrape / simulatedInstances); at.Before(to); at = at.Add(scrape) {
				for code, name := range simulatedCodes {
					add(metric, serviceName(i), name, k, at, countedBy(uint64(i), code, k, at.UnixMilli()))
				}
				add(startMetric, serviceName(i), "", k, at, 1.5e9)
			}
		}
	}
	return all
}

func simulatedObjectives(services int) (all []slo.Objective) {
	for i := range services {
		matcher := fmt.Sprintf("{service=%q", serviceName(i))
		all = append(all, slo.Objective{
			Name: serviceName(i), Service: groupName(i), Target: slo.MustDecimal("0.99"), Window: slo.Window{Rolling: time.Hour},
			Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: metric + matcher + `,code=~"5.."}`, Total: metric + matcher + "}"}},
		})
	}
	return all
}

func serve(t *testing.T, handle http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// answerOf asks the real engine.
func answerOf(t *testing.T, address, form string) []byte {
	resp, err := http.Post(address, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return body
}

// decoded are the points of an answer's series, by the series' labels and the kind of the answer. A
// Prometheus writes numbers in more than one way.
func decoded(t *testing.T, body []byte) map[string][]string {
	var answer struct {
		Status string
		Data   struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Value  []any
				Values [][]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		t.Errorf("%v: %.200s", err, body)
	}
	all := map[string][]string{"": {answer.Data.ResultType}}
	for _, s := range answer.Data.Result {
		points := s.Values
		if s.Value != nil {
			points = append(points, s.Value)
		}
		for _, p := range points {
			v, err := strconv.ParseFloat(p[1].(string), 64)
			if err != nil {
				t.Error(err)
			}
			all[fmt.Sprint(s.Metric)] = append(all[fmt.Sprint(s.Metric)], fmt.Sprint(p[0], " ", v))
		}
	}
	return all
}
