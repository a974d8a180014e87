package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/store/sqlite"
)

// past is a postburn in the past: the product's own engine, store and Prometheus client, with
// another clock.
type past struct {
	definitions []alert.Definition
	store       string
	url         string // of Prometheus
	interval    time.Duration
	atTheTime   bool // each tick alone when it is due; else as many at once as are due

	known atomic.Bool // the past is read

	mu  sync.Mutex
	now time.Time
}

// run watches from one tick to another, and returns the incidents. Before the first tick it reads
// what a new objective's rules need.
func (p *past) run(ctx context.Context, from, to time.Time) ([]alert.Incident, error) {
	db, err := sqlite.Open(ctx, p.store, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	client, err := prom.New(prom.Options{URL: p.url})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	source := func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		readings := client.Read(ctx, objectives, ticks)
		if p.atTheTime && ticks.Len() == 1 && p.known.Load() {
			p.turn(ticks.Last.Add(p.interval), to)
		}
		return readings
	}
	p.now = from.Add(delay)
	registry := prometheus.NewRegistry()
	engine := engine.NewEngine(engine.Options{
		Definitions: p.definitions, Interval: p.interval, Delay: delay, Source: source, Store: db, Logger: slog.New(slog.DiscardHandler),
		Registerer: registry, Now: p.clock,
	})
	if err := engine.RecoverAll(ctx, db); err != nil {
		return nil, err
	}
	p.turn(from.Add(p.interval), to)
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(running) }()
	for last := from; last.Before(to); {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the engine ended: %w", cmp.Or(err, ctx.Err()))
		case <-time.After(10 * time.Millisecond):
		}
		last = to
		for _, s := range engine.Statuses(to) {
			if s.Tick.Before(last) {
				last = s.Tick
			}
		}
		if !p.known.Load() && last.After(from) && unread(registry) == 0 {
			p.known.Store(true)
			if p.turn(last.Add(p.interval), to); !p.atTheTime {
				p.turn(to, to)
			}
		}
	}
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	return db.Incidents(ctx, time.Time{})
}

// unread is how much of the past an engine has still to read, in seconds.
func unread(registry *prometheus.Registry) (seconds float64) {
	families, err := registry.Gather()
	if err != nil {
		return math.Inf(1)
	}
	for _, f := range families {
		if f.GetName() == "postburn_backfill_remaining_seconds" {
			seconds += f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return seconds
}

func (p *past) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// turn sets the clock to when a tick is due, but not back, and not beyond the last one.
func (p *past) turn(tick, last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if tick.After(last) {
		tick = last
	}
	if at := tick.Add(delay); at.After(p.now) {
		p.now = at
	}
}

// definitionsOf are those of an SLO file.
func definitionsOf(file string) (all []alert.Definition, err error) {
	definitions, problems := config.Load([]string{file})
	for _, p := range problems {
		err = errors.Join(err, errors.New(p.String()))
	}
	for _, d := range definitions {
		all = append(all, d.Alert())
	}
	return all, err
}
