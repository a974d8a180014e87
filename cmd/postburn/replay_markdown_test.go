package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestMarkdown puts hostile label values and far too many incidents into a comment. No value gets
// out of its cell, and the text fits.
func TestMarkdown(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	o := outcome{span: slo.Span{Start: start, End: start.Add(30 * 24 * time.Hour)}, interval: 30 * time.Second}
	for i := range 3000 {
		labels := slo.NewLabels(map[string]string{"path": fmt.Sprintf("/a|b`@acme/all #%d </details><img src=x> <!-- postburn -->\n| x |", i)})
		objective := slo.Objective{Name: "checkout", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 720 * time.Hour}, GroupBy: []string{"path"}}
		onset := start.Add(time.Duration(i) * 10 * time.Minute)
		w := alert.Window{
			Objective: objective, Labels: labels, Kind: alert.Burn, Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(5 * time.Minute),
			Caveats: []slo.Caveat{{Kind: slo.Dip, Count: 1, Events: float64(i)}},
		}
		o.Incidents = append(o.Incidents, alert.Incident{ID: fmt.Sprintf("checkout-%d", i), Group: "checkout", Windows: []alert.Window{w}})
		o.Statuses = append(o.Statuses, alert.Status{Objective: objective, Labels: labels, State: alert.OK})
	}
	for name, write := range map[string]func(*strings.Builder) error{
		"alone": func(b *strings.Builder) error { return printMarkdown(b, o) },
		"against": func(b *strings.Builder) error {
			return compareOutcomes(outcome{span: o.span, interval: o.interval}, o).printMarkdown(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			if len(text) > commentLimit+2000 {
				t.Errorf("%d bytes", len(text))
			}
			if strings.Contains(text, "@acme") || strings.Contains(text, "<img") || strings.Contains(text, "<!--") {
				t.Errorf("a value got out:\n%.3000s", text)
			}
			for _, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(line, "| x |") {
					t.Errorf("a forged row")
				}
			}
			if opened, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); opened == 0 || opened != closed {
				t.Errorf("%d details are opened, %d closed", opened, closed)
			}
			if !strings.Contains(text, "more are not shown here.") {
				t.Error("nothing says that there is more")
			}
		})
	}
}
