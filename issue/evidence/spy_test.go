package evidence

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// spy is a Prometheus that notes how it is asked. Unless told otherwise, it has one series for each
// query, and fails each reading of events with all queries that it may take.
type spy struct {
	series func(query string) []slo.Trace
	events func(slo.Ticks) slo.Reading // nil: too many queries

	opened  []int           // how many queries each part may take
	sources []string        // that the parts ask
	left    []time.Duration // how long each part may take
	traced  []string        // queries
	ticks   []slo.Ticks     // of those queries
	read    []slo.Ticks     // of the events
}

var errTooMany = errors.New("too many queries")

func (s *spy) open(source string, queries int) Prometheus {
	s.sources = append(s.sources, source)
	s.opened = append(s.opened, queries)
	return &spied{spy: s, queries: queries}
}

// spied answers one part.
type spied struct {
	*spy
	queries, asked int
}

func (s *spied) noteTime(ctx context.Context) {
	if deadline, ok := ctx.Deadline(); ok {
		s.left = append(s.left, time.Until(deadline))
	}
}

func (s *spied) Read(ctx context.Context, _ []slo.Objective, ticks slo.Ticks) []slo.Reading {
	s.noteTime(ctx)
	s.spy.read = append(s.spy.read, ticks)
	if s.events != nil {
		return []slo.Reading{s.events(ticks)}
	}
	s.asked = s.queries
	return []slo.Reading{{Err: errTooMany}}
}

func (s *spied) Traces(ctx context.Context, query string, ticks slo.Ticks) ([]slo.Trace, error) {
	s.noteTime(ctx)
	s.traced, s.spy.ticks = append(s.traced, query), append(s.spy.ticks, ticks)
	if s.spy.series != nil {
		return s.spy.series(query), nil
	}
	values := make([]float64, ticks.Len())
	for i := range values {
		values[i] = 1
	}
	return []slo.Trace{{Labels: map[string]string{"job": "store", "instance": "a", "route": "/"}, Values: values}}, nil
}

func (s *spied) Quantiles(ctx context.Context, _ slo.Objective, _ slo.Labels, ticks slo.Ticks, _ ...float64) ([]slo.Quantile, error) {
	s.noteTime(ctx)
	return nil, nil
}

func (s *spied) Asked() int { return s.asked }

// constant is a trace with one value at all of so many ticks.
func constant(v float64, n int) slo.Trace {
	t := slo.Trace{Labels: map[string]string{"job": "store"}}
	for range n {
		t.Values = append(t.Values, v)
	}
	return t
}

// gone is no value.
var gone = math.NaN()

// burn is a breach window of a ratio from noon on, with a tenth of 1,000 events bad.
func burn(name string, length time.Duration) alert.Window {
	return alert.Window{
		Kind: alert.Burn, Onset: noon, Detected: noon.Add(length / 2), Ended: noon.Add(length), Counts: slo.Counts{Total: 1000, Bad: 100},
		Objective: slo.Objective{Name: name, Service: "store", Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad: `http_requests_total{job="store",code=~"5.."}`, Total: `http_requests_total{job="store"}`,
		}}},
	}
}

// around is the scope of a breach window, with a grid of half a minute, when all is final.
func around(w alert.Window) scope {
	return scope{incident: alert.Incident{ID: "a", Windows: []alert.Window{w}}, worst: w, interval: 30 * time.Second, newest: w.Ended.Add(time.Hour)}
}
