package engine_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// lateness says how an outage's data are late. Times are minutes after the start.
type lateness struct {
	fault   [2]float64 // minutes after the start
	lag     float64    // minutes
	during  [2]float64
	silent  [2]float64 // Prometheus has no series at all
	partly  bool       // one of two sources is late, and the outage is its own
	both    bool       // one of two sources is late, and the outage is of both
	until   float64    // when it is looked at
	noReach bool
	killed  bool // every few minutes
}

// TestLagging has data of an outage reach Prometheus late.
func TestLagging(t *testing.T) {
	for name, tc := range map[string]lateness{
		"ten minutes, killed":           {fault: [2]float64{60, 80}, lag: 10, during: [2]float64{50, 100}, until: 180, killed: true},
		"an hour, killed":               {fault: [2]float64{60, 80}, lag: 60, during: [2]float64{50, 170}, until: 300, killed: true},
		"half by five minutes, killed":  {fault: [2]float64{60, 80}, lag: 5, during: [2]float64{50, 100}, both: true, until: 240, killed: true},
		"half by fifty minutes, killed": {fault: [2]float64{60, 80}, lag: 50, during: [2]float64{50, 140}, partly: true, until: 600, killed: true},
		"ten minutes":                   {fault: [2]float64{60, 80}, lag: 10, during: [2]float64{50, 100}, until: 180},
		"ten minutes, not asked":        {fault: [2]float64{60, 80}, lag: 10, during: [2]float64{50, 100}, until: 180, noReach: true},
		"an hour":                       {fault: [2]float64{60, 80}, lag: 60, during: [2]float64{50, 170}, until: 300},
		"ten minutes before the start":  {fault: [2]float64{3, 15}, lag: 10, during: [2]float64{-300, 100}, until: 60},
		"an hour, until it is there":    {fault: [2]float64{60, 80}, lag: 60, during: [2]float64{50, 100}, until: 240},
		"less than the look-back":       {fault: [2]float64{60, 80}, lag: 4, during: [2]float64{50, 100}, until: 180},
		"no series in the outage":       {fault: [2]float64{60, 80}, silent: [2]float64{55, 77.5}, until: 180},
		"no series after it has begun":  {fault: [2]float64{60, 80}, silent: [2]float64{65, 87.5}, until: 180},
		"half of it by five minutes":    {fault: [2]float64{60, 80}, lag: 5, during: [2]float64{50, 100}, both: true, until: 240},
		"half of it by fifty minutes":   {fault: [2]float64{60, 80}, lag: 50, during: [2]float64{50, 140}, both: true, until: 600},
		"all that fails, five minutes":  {fault: [2]float64{60, 80}, lag: 5, during: [2]float64{50, 100}, partly: true, until: 240},
		"all that fails, fifty minutes": {fault: [2]float64{60, 80}, lag: 50, during: [2]float64{50, 140}, partly: true, until: 600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tc.run)
		})
	}
}

func (tc lateness) run(t *testing.T) {
	begin := time.Now()
	late := source{lag: minutes(tc.lag), during: span(begin, tc.during[0], tc.during[1])}
	r := &role{faults: []slo.Span{span(begin, tc.fault[0], tc.fault[1])}, sources: []source{late}, silent: span(begin, tc.silent[0], tc.silent[1])}
	if tc.partly || tc.both {
		r.sources = []source{{}, late}
	}
	if tc.partly {
		r.late = "only"
	}
	p := newScene(t, &scene{roles: map[string]*role{"checkout": r}}, "checkout")
	if tc.noReach {
		p.reach = nil
	}
	started := theNow()
	p.start()
	p.live(minutes(tc.until), tc.killed)
	got := p.sameIncidents(started, false)
	p.kill()
	if len(got) != 1 || got[0].IsOpen() {
		t.Fatalf("want one incident that is over, got\n%s", describe(got))
	}
	sized := slices.ContainsFunc(got[0].Windows[0].Caveats, func(c slo.Caveat) bool { return c.Kind == slo.DataLate && c.Events > 0 })
	if sized != (tc.partly || tc.both) {
		t.Errorf("caveats %v", got[0].Windows[0].Caveats)
	}
	if t.Failed() {
		t.Log(describe(got))
		t.Log(p.log.String())
	}
}

// TestAlwaysLate has data always ten minutes late: they are read once there, and asked for little
// more often than data in time.
func TestAlwaysLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		fault := span(begin, 180, 200)
		late := source{lag: minutes(10), during: span(begin, -1e5, 1e5)}
		s := &scene{roles: map[string]*role{
			"late": {faults: []slo.Span{fault}, sources: []source{late}}, "fine": {faults: []slo.Span{fault}},
		}}
		p := newScene(t, s, "fine", "late")
		started := theNow()
		p.start()
		time.Sleep(minutes(120))
		s.forget()
		time.Sleep(minutes(62))
		synctest.Wait()
		if got := windowsOf(p.incidents(), "fine"); len(got) != 1 {
			t.Errorf("the outage of what is in time is not found")
		}
		time.Sleep(minutes(13))
		synctest.Wait()
		got := windowsOf(p.incidents(), "late")
		if len(got) != 1 || !got[0].Onset.Equal(fault.Start) || got[0].Detected.Sub(fault.Start) > minutes(2) {
			t.Errorf("a quarter of an hour after it has begun, the outage is %s", describe(p.incidents()))
		}
		inTime, _ := s.counted("fine")
		reads, ticks := s.counted("late")
		if reads > 3*inTime || ticks > 6*inTime {
			t.Errorf("%d reads of %d ticks, where what is in time has %d", reads, ticks, inTime)
		}
		if got := p.states(); got["fine"] != alert.Burning {
			t.Errorf("states %v", got)
		}
		time.Sleep(minutes(60))
		synctest.Wait()
		p.sameIncidents(started, false)
		p.kill()
		if n := strings.Count(p.log.String(), "\n"); n > 30 {
			t.Errorf("%d lines in the log:\n%s", n, p.log.String())
		}
	})
}
