package evidence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestTicksOf has windows of all lengths read in bounded numbers of ticks. One ends at the onset.
func TestTicksOf(t *testing.T) {
	for _, test := range []struct {
		name          string
		interval      time.Duration
		length        time.Duration
		wanted        int
		newest        time.Duration // after the onset
		step          time.Duration
		before, after time.Duration // how much of the time around the onset is read
	}{
		{"as fine as the grid", 30 * time.Second, 40 * time.Minute, 240, time.Hour, 30 * time.Second, time.Hour, 50 * time.Minute},
		{"few ticks", 30 * time.Second, 40 * time.Minute, 24, time.Hour, 5 * time.Minute, time.Hour, 50 * time.Minute},
		{"a long window", 30 * time.Second, 9 * time.Hour, 240, 20 * time.Hour, 5 * time.Minute, 6 * time.Hour, 11*time.Hour + 15*time.Minute},
		{"two days", 30 * time.Second, 47 * time.Hour, 240, 72 * time.Hour, 30 * time.Minute, 23*time.Hour + 30*time.Minute, 59 * time.Hour},
		{"a window shorter than a step", 30 * time.Second, 2 * time.Minute, 24, time.Hour, 2 * time.Minute, time.Hour, 6 * time.Minute},
		{"what is not final is not read", 30 * time.Second, 40 * time.Minute, 240, 41 * time.Minute, 30 * time.Second, time.Hour, 41 * time.Minute},
		{"the end of a short window, just over", time.Second, 25 * time.Second, 240, 31 * time.Second, 13 * time.Second, time.Hour + time.Second, 26 * time.Second},
		{"the end of a short window, long over", time.Second, 23 * time.Second, 240, time.Hour, 12 * time.Second, time.Hour, 36 * time.Second},
		{"the end of one that goes on, in few ticks", 30 * time.Second, 7 * time.Minute, 24, 7 * time.Minute, 210 * time.Second, 63 * time.Minute, 7 * time.Minute},
		{"no step ends with it", 30 * time.Second, 330 * time.Second, 24, 330 * time.Second, 5 * time.Minute, time.Hour, 5 * time.Minute},
		{"an odd interval", 7 * time.Second, 700 * time.Second, 240, time.Hour, 21 * time.Second, 60*time.Minute + 12*time.Second, 882 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &reader{scope{interval: test.interval, newest: noon.Add(test.newest)}}
			ticks := r.ticksOf(alert.Window{Onset: noon, Ended: noon.Add(test.length)}, test.wanted)
			got := []time.Duration{ticks.Interval, noon.Sub(ticks.First.Add(-ticks.Interval)), ticks.Last.Sub(noon)}
			if diff := cmp.Diff([]time.Duration{test.step, test.before, test.after}, got); diff != "" {
				t.Errorf("step, before and after (-want +got):\n%s", diff)
			}
			if noon.Sub(ticks.First)%ticks.Interval != 0 {
				t.Error("no tick ends at the onset")
			}
		})
	}
}

// TestBetween regroups a reading: what came late counts when it happened, and what a stretch has a
// part of is prorated.
func TestBetween(t *testing.T) {
	sample := func(minute int, total, bad float64, late ...slo.Late) slo.Sample {
		return slo.Sample{Tick: noon.Add(time.Duration(minute) * time.Minute), Counts: slo.Counts{Total: total, Bad: bad}, Late: late}
	}
	blind := sample(4, 0, 0)
	blind.Blind = true
	r := &reading{
		ticks: slo.Ticks{First: noon.Add(2 * time.Minute), Last: noon.Add(6 * time.Minute), Interval: 2 * time.Minute},
		series: []labelled{
			{map[string]string{"route": "/a", "pod": "x"}, []slo.Sample{sample(2, 10, 1), blind, sample(6, 30, 3,
				slo.Late{From: noon.Add(2 * time.Minute), To: noon.Add(4 * time.Minute), Counts: slo.Counts{Total: 8, Bad: 4}})}},
			{map[string]string{"route": "/a", "pod": "y"}, []slo.Sample{sample(2, 100, 0), blind, sample(6, 100, 0)}},
			{map[string]string{"route": "/b", "pod": "y"}, []slo.Sample{sample(2, 1000, 0), blind, sample(6, 1000, 0)}},
		},
	}
	a, b := slo.NewLabels(map[string]string{"route": "/a"}), slo.NewLabels(map[string]string{"route": "/b"})
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	for _, test := range []struct {
		name     string
		from, to time.Time
		want     map[slo.Labels]slo.Counts
		seen     time.Duration
	}{
		{"all", at(0), at(6), map[slo.Labels]slo.Counts{a: {Total: 248, Bad: 8}, b: {Total: 2000}}, 4 * time.Minute},
		{"half of a late stretch", at(2), at(3), map[slo.Labels]slo.Counts{a: {Total: 4, Bad: 2}, b: {}}, 0},
		{"half of a tick", at(0), at(1), map[slo.Labels]slo.Counts{a: {Total: 55, Bad: 0.5}, b: {Total: 500}}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, r.between(test.from, test.to, []string{"route"})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := r.seen(test.from, test.to); got != test.seen {
				t.Errorf("data for %s, want %s", got, test.seen)
			}
		})
	}
}
