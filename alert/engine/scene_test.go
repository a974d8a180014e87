package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// scene is a source. Past events never change; how much of them can be read does.
type scene struct {
	roles map[string]*role // by objective

	mu    sync.Mutex
	reads map[string]int // by objective
	asked map[string]int // ticks, by objective
}

// role is one objective's story. It has 50 events a second from each of its sources.
type role struct {
	faults  []slo.Span // all events are bad
	sources []source   // none: one that is never late
	late    string     // the faults are of source 1 only, if it is "only"
	fail    func(ctx context.Context, ticks slo.Ticks) error
	silent  slo.Span      // queries in this time are answered without any data
	regions []string      // one series each; the faults are in the first
	keeps   time.Duration // for how long Prometheus keeps data; 0: for ever
}

// source is one sender of data.
type source struct {
	lag    time.Duration
	during slo.Span // the data are late in this time, and then all there
}

// seen returns up to when the data are there.
func (s source) seen(now time.Time) time.Time {
	if now.Before(s.during.Start) || !now.Before(s.during.End) {
		return now
	}
	if seen := now.Add(-s.lag); seen.After(s.during.Start) {
		return seen
	}
	return s.during.Start
}

// staleAfter is how long after the last scrape Prometheus takes a series as gone.
const staleAfter = 5 * time.Minute

func (s *scene) read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	var wg sync.WaitGroup
	for i, o := range objectives {
		s.note(o.Name, ticks)
		r := *s.roles[o.Name]
		wg.Go(func() {
			if r.fail != nil {
				if readings[i].Err = r.fail(ctx, ticks); readings[i].Err != nil {
					return
				}
			}
			readings[i].Series = r.series(ticks)
		})
	}
	wg.Wait()
	return readings
}

func (s *scene) note(name string, ticks slo.Ticks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads == nil {
		s.reads, s.asked = map[string]int{}, map[string]int{}
	}
	s.reads[name]++
	s.asked[name] += ticks.Len()
}

// forget starts counting reads anew.
func (s *scene) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads, s.asked = nil, nil
}

func (s *scene) counted(name string) (reads, ticks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[name], s.asked[name]
}

// reach returns an objective's newest sample's time.
func (s *scene) reach(_ context.Context, o slo.Objective) (newest time.Time, err error) {
	for _, from := range s.roles[o.Name].all() {
		if seen := from.seen(time.Now()); seen.After(newest) {
			newest = seen
		}
	}
	return newest, nil
}

func (r *role) all() []source {
	if len(r.sources) == 0 {
		return []source{{}}
	}
	return r.sources
}

// series has only series with data, as in Prometheus.
func (r *role) series(ticks slo.Ticks) (all []slo.Series) {
	if len(r.regions) == 0 {
		return []slo.Series{{Samples: r.samples(ticks)}}
	}
	faults := r.faults
	for i, name := range r.regions {
		if r.faults = nil; i == 0 {
			r.faults = faults
		}
		samples := r.samples(ticks)
		if slices.ContainsFunc(samples, func(s slo.Sample) bool { return !s.Blind }) {
			all = append(all, slo.Series{Labels: slo.NewLabels(map[string]string{"region": name}), Samples: samples})
		}
	}
	r.faults = faults
	return all
}

func (r *role) samples(ticks slo.Ticks) []slo.Sample {
	now := time.Now()
	all := make([]slo.Sample, ticks.Len())
	for t := range all {
		at := ticks.At(t)
		all[t] = slo.Sample{Tick: at, Blind: true}
		if within(r.silent) || r.keeps > 0 && now.Sub(at) > r.keeps {
			continue
		}
		for n, from := range r.all() {
			seen := from.seen(now)
			all[t].Blind = all[t].Blind && at.Sub(seen) > staleAfter
			tick := slo.Span{Start: slo.Earlier(at.Add(-ticks.Interval), seen), End: slo.Earlier(at, seen)}
			all[t].Total += 50 * tick.End.Sub(tick.Start).Seconds()
			if r.late == "only" && n != 1 {
				continue
			}
			for _, f := range r.faults {
				all[t].Bad += 50 * f.Overlap(tick).Seconds()
			}
		}
	}
	return all
}

// span is a stretch of time, in minutes after another one.
func span(after time.Time, start, end float64) slo.Span {
	return slo.Span{Start: after.Add(minutes(start)), End: after.Add(minutes(end))}
}

// within is true in a stretch of time.
func within(s slo.Span) bool { return !time.Now().Before(s.Start) && time.Now().Before(s.End) }

// newScene makes a process that watches these objectives as one group.
func newScene(t *testing.T, s *scene, names ...string) *process {
	p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), source: s.read, reach: s.reach}
	for _, name := range names {
		p.defs = append(p.defs, definition(name))
	}
	return p
}

// live lets time pass; the process may be killed every few minutes, up to ten before the end.
func (p *process) live(d time.Duration, killed bool) {
	for end := time.Now().Add(d - minutes(10)); killed && time.Now().Before(end); {
		time.Sleep(7*time.Minute + 13*time.Second)
		synctest.Wait()
		p.kill()
		p.start()
		d -= 7*time.Minute + 13*time.Second
	}
	time.Sleep(d)
	synctest.Wait()
}

// theNow is the last tick due.
func theNow() time.Time { return time.Now().Add(-time.Minute).Truncate(30 * time.Second).UTC() }

// sameIncidents compares recorded incidents with a replay's. It compares Detected and Revision only
// if asked.
func (p *process) sameIncidents(started time.Time, exactly bool) []alert.Incident {
	p.t.Helper()
	got := p.incidents()
	want := p.replayed(started)
	options := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{})}
	if !exactly {
		options = append(options, cmpopts.IgnoreFields(alert.Window{}, "Detected"), cmpopts.IgnoreFields(alert.Incident{}, "Revision"))
	}
	if diff := cmp.Diff(want, withoutLate(got), options); diff != "" {
		p.t.Errorf("(-replay +daemon):\n%s", diff)
	}
	return got
}

// replayed returns a replay's result up to the process's tick.
func (p *process) replayed(started time.Time) []alert.Incident {
	p.t.Helper()
	end := started
	for _, s := range p.engine.Statuses(time.Now()) {
		end = slo.Later(end, s.Tick)
	}
	replayed, err := engine.Replay(p.t.Context(), p.source, p.defs, 30*time.Second, started, end, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return replayed.Incidents
}

// windowsOf returns an objective's windows.
func windowsOf(all []alert.Incident, name string) (windows []alert.Window) {
	for _, i := range all {
		for _, w := range i.Windows {
			if w.Objective.Name == name {
				windows = append(windows, w)
			}
		}
	}
	return windows
}

// describe returns a short text on incidents.
func describe(all []alert.Incident) (text string) {
	for _, i := range all {
		text += fmt.Sprintf("%s revision %d\n", i.ID, i.Revision)
		for _, w := range i.Windows {
			text += fmt.Sprintf("  %s %s: %s to %s, detected %s, %v of %v bad, %v\n", w.ID(), w.Kind,
				w.Onset.Format(time.TimeOnly), w.Ended.Format(time.TimeOnly), w.Detected.Format(time.TimeOnly), w.Bad, w.Total, w.Caveats)
		}
	}
	return text
}

// withoutLate returns a copy without caveats on late data.
func withoutLate(all []alert.Incident) (others []alert.Incident) {
	for _, i := range all {
		i.Windows = slices.Clone(i.Windows)
		for n := range i.Windows {
			i.Windows[n].Caveats = slices.DeleteFunc(slices.Clone(i.Windows[n].Caveats), func(c slo.Caveat) bool { return c.Kind == slo.DataLate })
		}
		others = append(others, i)
	}
	return others
}
