package postmortem

import (
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// TestSubjectOfAQuotedLabel has a label whose name PromQL quotes.
func TestSubjectOfAQuotedLabel(t *testing.T) {
	w := alert.Window{Objective: slo.Objective{Service: "shop"}, Labels: slo.NewLabels(map[string]string{"service.name": "cart"})}
	if got, want := Escape(subject(w)), `shop ("service.name"="cart")`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSummaryAndTitleOfPhases has phases of half a minute each, in which so many of 100 events were
// bad.
func TestSummaryAndTitleOfPhases(t *testing.T) {
	requests := slo.Indicator{Ratio: &slo.Ratio{Total: "requests_total"}}
	slow := slo.Indicator{Latency: &slo.Latency{Histogram: "request_seconds", Threshold: time.Second}}
	check := slo.Indicator{Bool: "up == 1"}
	for _, tc := range []struct {
		name           string
		indicator      slo.Indicator
		bad            []float64
		open           bool
		summary, title string
	}{
		{"most", requests, []float64{60}, false, "shop failed most requests for 30 seconds", "shop failed most requests for 30 seconds on 2026-10-14"},
		{"most and some", requests, []float64{60, 10}, false, "shop failed most requests for 30 seconds, and some for another 30 seconds", "shop failed most requests for 30 seconds on 2026-10-14"},
		{"nearly all and some", requests, []float64{95, 10, 10}, false, "shop was unavailable for 30 seconds, and failed some requests for another 1 minute", "shop was unavailable for 30 seconds on 2026-10-14"},
		{"some", requests, []float64{10}, false, "shop failed some requests for 30 seconds", "shop failed some requests for 30 seconds on 2026-10-14"},
		{"some now", requests, []float64{60, 10}, true, "shop failed most requests for 30 seconds, and has failed some for another 30 seconds so far", "shop is failing most requests (since 2026-10-14 10:41 UTC)"},
		{"most now", requests, []float64{10, 60}, true, "shop failed some requests for 30 seconds, and has failed most for another 30 seconds so far", "shop is failing most requests (since 2026-10-14 10:41 UTC)"},
		{"nearly all now", requests, []float64{10, 95}, true, "shop failed some requests for 30 seconds, and has been unavailable for another 30 seconds so far", "shop is unavailable (since 2026-10-14 10:41 UTC)"},
		{"slow for most and some", slow, []float64{60, 10}, false, "shop was too slow for most requests for 30 seconds, and for some for another 30 seconds", "shop was too slow for most requests for 30 seconds on 2026-10-14"},
		{"slow for nearly all", slow, []float64{95}, true, "shop has been too slow for nearly all requests for 30 seconds so far", "shop is too slow for nearly all requests (since 2026-10-14 10:41 UTC)"},
		{"a check", check, []float64{95, 10}, false, "shop failed nearly all checks for 30 seconds, and failed some checks for another 30 seconds", "shop failed nearly all checks for 30 seconds on 2026-10-14"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at := time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
			w := alert.Window{Objective: slo.Objective{Service: "shop", Target: slo.MustDecimal("99.9%"), Indicator: tc.indicator}, Kind: alert.Burn, Onset: at}
			for _, bad := range tc.bad {
				p := alert.Phase{Kind: alert.Degraded, Span: slo.Span{Start: at, End: at.Add(30 * time.Second)}, Counts: slo.Counts{Total: 100, Bad: bad}}
				if bad >= 50 {
					p.Kind = alert.Outage
				}
				w.Phases, at = append(w.Phases, p), p.End
			}
			if !tc.open {
				w.Ended = at
			}
			if got, _, _ := strings.Cut(summary(w, humanize.Clock{}), ":"); got != tc.summary {
				t.Errorf("summary\n got %s\nwant %s", got, tc.summary)
			}
			if got := title(w); got != tc.title {
				t.Errorf("title\n got %s\nwant %s", got, tc.title)
			}
		})
	}
}

// TestOnDate has incidents that end on the day on which they began, and later.
func TestOnDate(t *testing.T) {
	onset := time.Date(2026, 10, 14, 23, 0, 0, 0, time.UTC)
	if got := onDate(onset, onset.Add(time.Minute)); got != "on 2026-10-14" {
		t.Error(got)
	}
	if got := onDate(onset, onset.Add(time.Hour)); got != "from 2026-10-14" {
		t.Error(got)
	}
}
