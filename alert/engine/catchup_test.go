//go:build e2e

package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// bubbleStart is when every synctest bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	warmedUp = 40 * time.Minute // that the process is up before it is killed
	downtime = 6 * time.Hour
	after    = 10 * time.Minute // that it is up again
)

// TestCatchUp has one process that is up all the time and one that is down for six hours, and finds
// the same incidents in both stores, byte for byte.
func TestCatchUp(t *testing.T) {
	for _, tc := range []struct {
		name       string
		objectives int
		source     func(t *testing.T, objectives []string) engine.Source
		atLeast    int // breach windows
	}{
		{"1,000 objectives of made-up samples", 1000, madeUp, 300},
		{"objectives in a TSDB, asked by instant and by range queries", 8, stored, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var defs []alert.Definition
			var names []string
			for i := range tc.objectives {
				def := definition(fmt.Sprintf("o%04d", i))
				def.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{
					Bad: fmt.Sprintf(`http_requests_total{route="o%04d",code=~"5.."}`, i), Total: fmt.Sprintf(`http_requests_total{route="o%04d"}`, i),
				}}
				def.Policy.Rules = def.Policy.Rules[:1]
				def.Policy.Group = fmt.Sprintf("service-%d", i/125)
				defs, names = append(defs, def), append(names, def.Objective.Name)
			}
			out := newOutside(t, tc.source(t, names))
			up, _ := incidentsOf(t, out, defs, false)
			down, took := incidentsOf(t, out, defs, true)
			if diff := cmp.Diff(up, down); diff != "" {
				t.Errorf("(-up all the time +caught up):\n%s", diff)
			}
			windows := 0
			for _, text := range up {
				var i alert.Incident
				if err := json.Unmarshal([]byte(text), &i); err != nil {
					t.Fatal(err)
				}
				windows += len(i.Windows)
			}
			if windows < tc.atLeast {
				t.Errorf("only %d breach windows", windows)
			}
			t.Logf("%d objectives caught up %s in %s; %d breach windows", tc.objectives, downtime, took.Round(time.Millisecond), windows)
		})
	}
}

// incidentsOf runs a process, and returns its incidents' JSON by their ID, and how long catching up
// took.
func incidentsOf(t *testing.T, out *outside, defs []alert.Definition, killed bool) (texts map[string]string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: &service{}, source: out.read, defs: defs}
		p.start()
		time.Sleep(warmedUp + time.Second)
		if killed {
			p.kill()
		}
		time.Sleep(downtime)
		if killed {
			begun := out.now()
			p.start()
			synctest.Wait()
			took = out.now().Sub(begun)
			p.kill()
			p.start()
		}
		time.Sleep(after)
		synctest.Wait()
		texts = map[string]string{}
		for _, i := range p.incidents() {
			text, err := json.Marshal(i)
			if err != nil {
				t.Fatal(err)
			}
			texts[i.ID] = string(text)
		}
		p.kill()
	})
	return texts, took
}

// madeUp is a source whose samples depend only on objective and tick: varying traffic, and faults
// of many lengths and depths.
func madeUp(_ *testing.T, objectives []string) engine.Source {
	shares := map[string]func(time.Time) float64{}
	for i, name := range objectives {
		shares[name] = faults(i)
	}
	return func(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		readings := make([]slo.Reading, len(objectives))
		for i, o := range objectives {
			series := slo.Series{Samples: make([]slo.Sample, ticks.Len())}
			for t := range series.Samples {
				at := ticks.At(t)
				if at.Before(bubbleStart.Add(-time.Hour)) { // else the numbers would show how much of the past is filled, and when
					series.Samples[t] = slo.Sample{Tick: at, Blind: true}
					continue
				}
				total := float64(500 + (at.Unix()/30*7+int64(len(o.Name)))%100)
				series.Samples[t] = slo.Sample{Tick: at, Counts: slo.Counts{Total: total, Bad: slo.Quantize(total * shares[o.Name](at))}}
			}
			readings[i].Series = []slo.Series{series}
		}
		return readings
	}
}

// stored is a source that asks a real TSDB, of a service with a route for each objective. Its pods
// restart now and then, and have a series of failures from the first one on.
func stored(t *testing.T, objectives []string) engine.Source {
	server := promtest.Start(t)
	end := bubbleStart.Add(warmedUp + downtime + after + time.Minute)
	v := promtest.Service{
		Job: "shop", Start: bubbleStart.Add(-time.Hour), End: end, Scrape: 15 * time.Second,
		Routes: map[string]float64{}, Random: rand.New(rand.NewPCG(1, 2)),
	}
	shares := map[string]func(time.Time) float64{}
	for i, name := range objectives {
		v.Routes[name], shares[name] = 3, faults(i)
	}
	v.Fails = func(at time.Time, _ promtest.Target, route string) float64 { return shares[route](at) }
	for i := range 2 {
		pod := promtest.Target{Instance: fmt.Sprintf("pod-%d", i)}
		for at := bubbleStart.Add(time.Duration(20+10*i) * time.Minute); at.Before(end); at = at.Add(47 * time.Minute) {
			pod.Restarts = append(pod.Restarts, promtest.Restart{At: at})
		}
		v.Targets = append(v.Targets, pod)
	}
	if err := server.LoadService(v); err != nil {
		t.Fatal(err)
	}
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client.Read
}

// TestCatchUpWithAPast fills a new objective from a real TSDB, mostly in steps, and compares all
// windows of its rules with a watch that was given every tick. Without restarts they are the same.
// With restarts, steps lose more of a process's last counts than ticks.
func TestCatchUpWithAPast(t *testing.T) {
	const length, requests = 30 * time.Hour, 3.0 // a second and pod
	end := bubbleStart.Add(length)
	for _, tc := range []struct {
		name     string
		restarts int
	}{{"no restarts", 0}, {"restarts", 12}} {
		t.Run(tc.name, func(t *testing.T) {
			v := promtest.Service{
				Job: "shop", Start: bubbleStart, End: end, Scrape: 15 * time.Second, Routes: map[string]float64{"o0000": requests},
				Random: rand.New(rand.NewPCG(7, 8)), Fails: func(time.Time, promtest.Target, string) float64 { return 0.001 },
			}
			for i := range 2 {
				pod := promtest.Target{Instance: fmt.Sprintf("pod-%d", i)}
				for n := range tc.restarts {
					pod.Restarts = append(pod.Restarts, promtest.Restart{At: end.Add(-time.Duration(100*n+17*i+400) * time.Minute)})
				}
				slices.Reverse(pod.Restarts)
				v.Targets = append(v.Targets, pod)
			}
			server := promtest.Start(t)
			if err := server.LoadService(v); err != nil {
				t.Fatal(err)
			}
			client, err := prom.New(prom.Options{URL: server.URL()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			def := definition("o0000")
			def.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `http_requests_total{code=~"5.."}`, Total: "http_requests_total"}}
			def.Policy.Rules = alert.DefaultRules(10 * day)
			l := engine.NewLane("00", interval, end)
			l.Redefine([]alert.Definition{def}, end)
			if err := l.FillFrom(t.Context(), client.Read); err != nil {
				t.Fatal(err)
			}
			filled := l.Watches()[0].History
			up := fold.NewWatch(def, "", interval, filled.Origin(), end)
			readings := client.Read(t.Context(), []slo.Objective{def.Objective}, slo.Ticks{First: filled.Origin().Add(interval), Last: end, Interval: interval})
			for _, s := range readings[0].Series[0].Samples {
				up.Step(s)
			}
			lost := float64(2*tc.restarts) * requests * (2 * time.Minute).Seconds() // a step's
			for length := interval; length <= day; length += 7 * interval {
				got, want := filled.Last(length), up.History.Last(length)
				if tc.restarts == 0 && got != want || got.Total > want.Total+1 || got.Total < want.Total-lost {
					t.Fatalf("the last %s are %v, want %v", length, got, want)
				}
			}
			t.Logf("%v of %v", filled.Last(day), up.History.Last(day))
		})
	}
}

// faults is the share of requests of the i-th objective that fail. Faults begin before the
// downtime, in it, and near its end.
func faults(i int) func(time.Time) float64 {
	random := rand.New(rand.NewPCG(3, uint64(i)))
	type fault struct {
		slo.Span
		share float64
	}
	var all []fault
	for range random.IntN(2) + (i+1)%2 {
		from := bubbleStart.Add(time.Duration(random.IntN(int((warmedUp + downtime).Seconds()))) * time.Second)
		length := time.Duration(3+random.IntN(40)) * time.Minute
		all = append(all, fault{slo.Span{Start: from, End: from.Add(length)}, []float64{0.02, 0.1, 0.5, 1}[random.IntN(4)]})
	}
	return func(at time.Time) float64 {
		for _, f := range all {
			if at.After(f.Start) && !at.After(f.End) {
				return f.share
			}
		}
		return 0
	}
}

// outside asks a source from outside the engine's bubble: a connection waiting for its next request
// would stop the bubble's clock.
type outside struct {
	free, asked chan *question
}

type question struct {
	objectives []slo.Objective
	ticks      slo.Ticks
	readings   []slo.Reading
	time       time.Time
	answered   chan struct{}
}

func newOutside(t *testing.T, source engine.Source) *outside {
	const atOnce = 8
	o := &outside{make(chan *question, atOnce), make(chan *question)}
	for range atOnce {
		o.free <- &question{answered: make(chan struct{})}
		go func() {
			for q := range o.asked {
				q.readings, q.time = source(t.Context(), q.objectives, q.ticks), time.Now()
				q.answered <- struct{}{}
			}
		}()
	}
	t.Cleanup(func() { close(o.asked) })
	return o
}

func (o *outside) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	q := <-o.free
	q.objectives, q.ticks = objectives, ticks
	o.asked <- q
	<-q.answered
	readings := q.readings
	o.free <- q
	return readings
}

// now is the real time.
func (o *outside) now() time.Time {
	q := <-o.free
	q.objectives = nil
	o.asked <- q
	<-q.answered
	at := q.time
	o.free <- q
	return at
}
