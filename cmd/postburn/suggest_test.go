package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/store/sqlite"
)

// TestSuggestThresholds tries the boundaries of a histogram. For 20 minutes a third of the requests
// take between 0.5 and 1 s; all others take less than 0.1 s.
func TestSuggestThresholds(t *testing.T) {
	t.Parallel()
	server := promtest.Start(t)
	const series = `
up{job="shop",instance="a"} 1x960
latency_seconds_bucket{job="shop",instance="a",le="0.1"} 0+150x480 72000+100x80 80000+150x400
latency_seconds_bucket{job="shop",instance="a",le="0.25"} 0+150x480 72000+100x80 80000+150x400
latency_seconds_bucket{job="shop",instance="a",le="0.5"} 0+150x480 72000+100x80 80000+150x400
latency_seconds_bucket{job="shop",instance="a",le="1"} 0+150x960
latency_seconds_bucket{job="shop",instance="a",le="+Inf"} 0+150x960
latency_seconds_count{job="shop",instance="a"} 0+150x960
`
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if err := server.Load(start, 15*time.Second, series); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "slos.yaml")
	const slos = `
slos:
  - name: shop-latency
    service: shop
    target: 99%
    window: 1d
    indicator: {latency: {histogram: 'latency_seconds{job="shop"}', threshold: 250ms}}
`
	if err := os.WriteFile(file, []byte(slos), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{
		"--prometheus=" + server.URL(), "suggest", "--slo=shop-latency", "--since=3h", "--end=" + start.Add(230*time.Minute).Format(time.RFC3339),
		"--incidents=0", "--output=json", "--no-cache", file,
	}
	if err := run(t.Context(), args, envconfig.MapLookuper(nil), &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	var answer suggested
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Threshold          string
		Incidents          int
		Current, Suggested bool
	}
	var got []row
	for _, v := range answer.Thresholds {
		got = append(got, row{*v.Threshold, v.Incidents, v.Current, v.Suggested})
	}
	want := []row{{"1s", 0, false, true}, {"500ms", 1, false, false}, {"250ms", 1, true, false}, {"100ms", 1, false, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("thresholds (-want +got):\n%s", diff)
	}
	for _, v := range answer.Targets {
		if v.Threshold != nil || v.Suggested != (v.Target == "0.9") {
			t.Errorf("target %+v", v)
		}
	}
}

// TestSuggestPast compares targets by what people made of past incidents. 1 % of the requests fail
// for 40 minutes, which was noise; a third do so for 20 minutes, which was real.
func TestSuggestPast(t *testing.T) {
	server := promtest.Start(t)
	const series = `
up{job="shop",instance="a"} 1x1440
requests_total{job="shop",instance="a",code="200"} 1000+150x1440
requests_total{job="shop",instance="a",code="500"} 0x359 0+1.5x160 240x319 240+75x80 6240x520
`
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if err := server.Load(start, 15*time.Second, series); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "slos.yaml")
	const slos = `
slos:
  - name: shop-availability
    service: shop
    target: 99.98%
    window: 1d
    indicator: {ratio: {bad: 'requests_total{job="shop",code="500"}', total: 'requests_total{job="shop"}'}}
`
	if err := os.WriteFile(file, []byte(slos), 0o600); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "postburn.db")
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	keepPast(t, db, map[string]issue.Triage{
		pastIncident("shop-availability", at(210), at(230)): issue.Completed,
		pastIncident("shop-availability", at(90), at(130)):  issue.Noise,
		pastIncident("shop-availability", at(270), at(280)): "",              // nobody has decided
		pastIncident("shop-availability", at(10), at(20)):   issue.Completed, // before
		pastIncident("another", at(90), at(130)):            issue.Completed,
	})
	suggest := func(more ...string) (stdout, stderr string) {
		var out, said bytes.Buffer
		args := append([]string{
			"--prometheus=" + server.URL(), "suggest", "--slo=shop-availability", "--since=4h",
			"--end=" + at(300).Format(time.RFC3339), "--no-cache",
		}, more...)
		if err := run(t.Context(), append(args, file), envconfig.MapLookuper(nil), &out, &said); err != nil {
			t.Fatal(err)
		}
		return out.String(), said.String()
	}
	stdout, _ := suggest("--store="+db, "--output=json")
	var answer suggested
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&pastView{Real: 1, Noise: 1, Undecided: 1}, answer.Past); diff != "" {
		t.Errorf("past (-want +got):\n%s", diff)
	}
	var got []string
	for _, v := range answer.Targets {
		got = append(got, fmt.Sprintf("%s: %d incidents, kept %d, dropped %d, %v", v.Target, v.Incidents, *v.RealKept, *v.NoiseDropped, v.Suggested))
	}
	want := []string{
		"0.9: 0 incidents, kept 0, dropped 1, false",
		"0.95: 1 incidents, kept 1, dropped 1, false",
		"0.98: 1 incidents, kept 1, dropped 1, false",
		"0.99: 1 incidents, kept 1, dropped 1, false",
		"0.995: 1 incidents, kept 1, dropped 1, true",
		"0.998: 2 incidents, kept 1, dropped 0, false",
		"0.999: 2 incidents, kept 1, dropped 0, false",
		"0.9995: 2 incidents, kept 1, dropped 0, false",
		"0.9998: 2 incidents, kept 1, dropped 0, false",
		"0.9999: 2 incidents, kept 1, dropped 0, false",
		"0.99995: 2 incidents, kept 1, dropped 0, false",
		"0.99999: 2 incidents, kept 1, dropped 0, false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	stdout, _ = suggest("--store=" + db)
	for _, line := range []string{
		"TARGET         INCIDENTS  SEVERITY 1  REAL KEPT  NOISE DROPPED  IN INCIDENT  BUDGET LEFT  WHEN\n",
		"\n<= 99.5 % keeps 1 of 1 real incident and drops 1 of 1 that were noise.\n",
		"\nReal: its issue was closed as completed; noise: closed as not planned. Nobody has decided on 1 incident yet.\n",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("there is no %q in\n%s", line, stdout)
		}
	}
	if stdout, _ = suggest("--store="+db, "--incidents=1"); !strings.Contains(stdout, "<= The tightest with at most 1 incident: 99.5 %") {
		t.Errorf("the wanted number does not count:\n%s", stdout)
	}
}

// TestSuggestWithoutStore says nothing of past incidents if there is no store: that is an error
// only if it was asked for by a flag.
func TestSuggestWithoutStore(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no.db")
	env := envconfig.MapLookuper(map[string]string{"POSTBURN_STORE": "sqlite:" + missing})
	var stderr bytes.Buffer
	span := slo.Span{Start: time.Unix(0, 0), End: time.Unix(1, 0)}
	if past, err := judgedIn(t.Context(), surroundings{env, nil, &stderr}, "", "x", span); past != nil || err != nil || !strings.Contains(stderr.String(), missing) {
		t.Errorf("got %v, %v; stderr %q", past, err, stderr.String())
	}
	if _, err := judgedIn(t.Context(), surroundings{env, nil, &stderr}, missing, "x", span); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, want an error that names the store", err)
	}
}

// pastIncident names an incident of one window, for keepPast.
func pastIncident(objective string, onset, ended time.Time) string {
	return fmt.Sprintf("%s %d %d", objective, onset.Unix(), ended.Unix())
}

// keepPast writes incidents to a store, and what people made of them; if nothing, they have no
// issue.
func keepPast(t *testing.T, path string, past map[string]issue.Triage) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := alert.Batch{Lane: "00", Fence: fence, Tick: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}
	var publications []issue.Publication
	for text, triage := range past {
		var w alert.Window
		var onset, ended int64
		if _, err := fmt.Sscan(text, &w.Objective.Name, &onset, &ended); err != nil {
			t.Fatal(err)
		}
		w.Kind, w.Onset, w.Detected, w.Ended = alert.Burn, time.Unix(onset, 0).UTC(), time.Unix(onset, 0).UTC(), time.Unix(ended, 0).UTC()
		i := alert.Incident{ID: strings.ReplaceAll(text, " ", "-"), Revision: 1, Group: w.Objective.Name, Windows: []alert.Window{w}}
		batch.Incidents = append(batch.Incidents, i)
		if p := issue.NewPublication(issue.Single, i); triage != "" {
			p.Triage = triage
			publications = append(publications, p)
		}
	}
	if err := s.Commit(t.Context(), []alert.Batch{batch}); err != nil {
		t.Fatal(err)
	}
	for _, p := range publications {
		if err := s.Save(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}
