package fold_test

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const day = 24 * time.Hour

var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func objective(target string) slo.Objective {
	return slo.Objective{
		Name: "checkout-availability", Service: "checkout", Target: slo.MustDecimal(target), Window: slo.Window{Rolling: 30 * day},
	}
}

func policy(rules ...alert.Rule) alert.Policy {
	return alert.Policy{Rules: rules, MergeGap: 30 * time.Minute, Group: "checkout"}
}

// TestWorkbookTable checks the step function against SRE Workbook, chapter 5: with a constant error
// ratio after an error-free history, a rule fires at the first tick after long x threshold / ratio,
// and resets at the first at or after short x (1 - threshold / ratio).
func TestWorkbookTable(t *testing.T) {
	const (
		interval = 30 * time.Second
		events   = 60_000 // a tick, so that every ratio in the table gives whole bad events
	)
	rules := alert.DefaultRules(30 * day)
	never := -1.0
	for _, tc := range []struct {
		ratio string // of bad events
		rule  int
		// seconds from the first error to detection, and from the last to the reset
		detect, reset float64
	}{
		{"1", 0, 51.8, 295.7}, {"1", 1, 129.6, 1789.2}, {"1", 2, 259.2, 21578.4},
		{"0.1", 0, 518.4, 256.8}, {"0.1", 1, 1296, 1692}, {"0.1", 2, 2592, 21384},
		{"0.01", 0, never, 0}, {"0.01", 1, 12960, 720}, {"0.01", 2, 25920, 19440},
		{"0.0015", 0, never, 0}, {"0.0015", 1, never, 0}, {"0.0015", 2, 172800, 7200},
		{"0.001", 0, never, 0}, {"0.001", 1, never, 0}, {"0.001", 2, never, 0},
	} {
		rule := rules[tc.rule]
		t.Run(tc.ratio+" of events bad, rule "+rule.Rate.String(), func(t *testing.T) {
			p := policy(rule)
			p.Hold = 1000 * time.Hour
			w := fold.NewWatch(alert.Definition{Objective: objective("0.999"), Policy: p}, "", interval, epoch, epoch)
			good := slo.Sample{Counts: slo.Counts{Total: events}}
			for range rule.Long/interval + 1 {
				if e := w.Step(good); e != nil {
					t.Fatalf("event without errors: %+v", e)
				}
			}
			first := rule.Long + interval
			bad := good
			bad.Bad = slo.MustDecimal(tc.ratio).Float() * events
			limit := 4 * rule.Long / 3 // after one length of the rule nothing changes any more
			if tc.detect == never {
				for range limit / interval {
					if e := w.Step(bad); e != nil {
						t.Fatalf("fired after %s", e[0].Tick.Sub(epoch.Add(first)))
					}
				}
				return
			}
			var detected time.Duration
			for detected == 0 && limit > 0 {
				if e := w.Step(bad); e != nil {
					detected = e[0].Tick.Sub(epoch.Add(first))
					if onset := e[0].Window.Onset; !onset.Equal(epoch.Add(first)) {
						t.Errorf("onset %s, want %s", onset, epoch.Add(first))
					}
				}
				limit -= interval
			}
			// The first tick strictly after: at equality the rule does not fire.
			exact := time.Duration(tc.detect*10) * 100 * time.Millisecond
			if want := exact.Truncate(interval) + interval; detected != want {
				t.Errorf("detected after %s, want %s", detected, want)
			}
			for range (rule.Long - detected) / interval {
				w.Step(bad) // until both windows hold nothing else
			}
			var reset time.Duration
			for step := 1; reset == 0 && step < 10_000; step++ {
				w.Step(good)
				if !w.Fires(0) {
					reset = time.Duration(step) * interval
				}
			}
			exact = time.Duration(tc.reset*10) * 100 * time.Millisecond
			if want := (exact + interval - 1).Truncate(interval); reset != want {
				t.Errorf("reset after %s, want %s", reset, want)
			}
		})
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	w := fold.NewWatch(definitionOf("0.999"), "", interval, epoch, epoch)
	s := slo.Sample{Counts: slo.Counts{Total: 10_000, Bad: 1}}
	if n := testing.AllocsPerRun(1000, func() { w.Step(s) }); n > 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

func BenchmarkStep(b *testing.B) {
	w := fold.NewWatch(definitionOf("0.999"), "", interval, epoch, epoch)
	s := slo.Sample{Counts: slo.Counts{Total: 10_000, Bad: 1}}
	b.ReportAllocs()
	for b.Loop() {
		w.Step(s)
	}
}

func definitionOf(target string) alert.Definition {
	return alert.Definition{Objective: objective(target), Policy: policy(alert.DefaultRules(30 * day)...)}
}
