package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func TestBlindWindow(t *testing.T) {
	def := definition("checkout")
	def.Policy.Blind = alert.BlindPolicy{After: minutes(15), Issue: true}
	quiet := def
	quiet.Policy.Blind.Issue = false
	noData := slo.Sample{Blind: true}
	type stretch struct {
		minutes float64
		sample  slo.Sample
	}
	type window struct{ Onset, Detected, Ended float64 } // in minutes; Ended -1: it goes on
	for name, tc := range map[string]struct {
		def       alert.Definition
		stretches []stretch
		want      []window
		caveats   []slo.Caveat
	}{
		"not as long as that":            {def, []stretch{{14.5, noData}, {30, good(10)}, {14.5, noData}, {1, good(10)}}, nil, nil},
		"from its first tick to its end": {def, []stretch{{5, good(10)}, {20, noData}, {1, good(10)}}, []window{{5, 20, 25}}, nil},
		"it goes on":                     {def, []stretch{{15, noData}}, []window{{0, 15, -1}}, nil},
		"it comes back":                  {def, []stretch{{20, noData}, {1, good(10)}, {20, noData}, {1, good(10)}}, []window{{0, 15, 20}, {21, 36, 41}}, nil},
		"no traffic is data":             {def, []stretch{{60, good(0)}}, nil, nil},
		"nobody asked for it":            {quiet, []stretch{{60, noData}}, nil, nil},
		"no data in planned work":        {def, []stretch{{60, inPlan(noData)}, {14, noData}, {1, good(10)}}, nil, nil},
		"planned work does not end it":   {def, []stretch{{20, noData}, {10, inPlan(noData)}, {1, noData}, {1, good(10)}}, []window{{0, 15, 31}}, nil},
		"the query kept failing": {def, []stretch{{5, noData}, {15, slo.Sample{Blind: true, Caveats: []slo.Caveat{{Kind: slo.QueryFailed, Count: 1}}}}},
			[]window{{0, 15, -1}}, []slo.Caveat{{Kind: slo.QueryFailed, Count: 20}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t, "00", interval, epoch.Add(-day), tc.def)
			for range day / interval {
				m.step(good(10))
			}
			for _, s := range tc.stretches {
				m.kill()
				for range minutes(s.minutes) / interval {
					m.step(s.sample)
				}
			}
			var got []window
			for _, w := range m.windows() {
				if w.Kind != alert.Blindness {
					t.Fatalf("a window of kind %s", w.Kind)
				}
				at := window{w.Onset.Sub(epoch).Minutes(), w.Detected.Sub(epoch).Minutes(), -1}
				if !w.IsOpen() {
					at.Ended = w.Ended.Sub(epoch).Minutes()
				}
				got = append(got, at)
				if diff := cmp.Diff(tc.caveats, w.Caveats); diff != "" {
					t.Errorf("caveats (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("windows (-want +got):\n%s", diff)
			}
			if len(m.order) > 1 {
				t.Errorf("%d incidents, and they are within the merge gap", len(m.order))
			}
		})
	}
}

// TestBlindIncident has all objectives of two services fail, then lose data at once: that makes one
// incident per group.
func TestBlindIncident(t *testing.T) {
	var defs []alert.Definition
	for _, name := range []string{"a", "b", "c"} {
		d := definition(name)
		d.Policy.Blind = alert.BlindPolicy{After: time.Minute, Issue: true}
		defs = append(defs, d)
	}
	defs[2].Policy.Group = "search"
	m := newMemory(t, "00", interval, epoch, defs...)
	step := func(n int, s slo.Sample) {
		for range n {
			m.step(s, s, s)
		}
	}
	step(2880, good(1000))
	step(10, bad(1000, 1000))
	step(10, slo.Sample{Blind: true})
	late := good(1000)
	late.Late = []slo.Late{{From: m.lane.Cursor().Add(-10 * interval), To: m.lane.Cursor(), Counts: slo.Counts{Total: 900, Bad: 90}}}
	step(1, late)
	got := map[string]int{}
	for _, i := range m.incidents {
		for _, w := range i.Windows {
			got[i.Group+" "+string(w.Kind)]++
			if w.Kind == alert.Blindness && (w.Total != 900 || w.Bad != 90 || w.Ended.IsZero()) {
				t.Errorf("%s has %v of %v, ended %s", w.ID(), w.Bad, w.Total, w.Ended)
			}
		}
	}
	want := map[string]int{"checkout burn": 2, "search burn": 1, "checkout blind": 2, "search blind": 1}
	if len(m.incidents) != 2 {
		t.Errorf("%d incidents, want one for each service", len(m.incidents))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows by group (-want +got):\n%s", diff)
	}
}

func TestBlindStatus(t *testing.T) {
	m := newMemory(t, "00", interval, epoch, definition("checkout"))
	since := func() time.Time { return m.lane.Watches()[0].Status().BlindSince }
	m.step(slo.Sample{Blind: true})
	if !since().IsZero() {
		t.Errorf("blind since %s, and there never was any data", since())
	}
	m.step(good(1))
	if !since().IsZero() {
		t.Errorf("blind since %s with data", since())
	}
	from := m.lane.Cursor()
	for range 3 {
		m.step(slo.Sample{Blind: true})
	}
	m.kill()
	if !since().Equal(from) {
		t.Errorf("blind since %s, want %s", since(), from)
	}
}
