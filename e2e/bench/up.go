package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/store/sqlite"
)

// past is a postburn in a time that is over: the product's own engine, store and client of Prometheus, with another clock.
type past struct {
	definitions []alert.Definition
	store       string
	url         string // of Prometheus
	interval    time.Duration
	atTheTime   bool // each tick is read alone, when it is due, by an instant query; else as many at a time as are due

	mu  sync.Mutex
	now time.Time
}

// run watches from a tick on up to another, and returns the incidents. What is read before the first is what a new objective's rules need.
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
		if p.atTheTime && ticks.Len() == 1 {
			p.turn(ticks.Last.Add(p.interval), to)
		}
		return readings
	}
	p.now = from.Add(delay)
	engine := engine.NewEngine(engine.Options{
		Definitions: p.definitions, Interval: p.interval, Delay: delay, Source: source, Store: db, Logger: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry(), Now: p.clock,
	})
	if err := engine.Recover(ctx); err != nil {
		return nil, err
	}
	if p.turn(from.Add(p.interval), to); !p.atTheTime {
		p.turn(to, to)
	}
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
	}
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	return db.Incidents(ctx, time.Time{})
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
