package prom

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/slo"
)

// leastQueries is how many queries at a time each of many sources has at least.
const leastQueries = 2

// Sources are the clients of several Prometheus servers, or tenants of one. Each objective is read
// from its own source. All are asked at the same time, and each has queries of its own: one that
// hangs holds up no other. Their answers share one budget of memory.
type Sources struct {
	clients map[string]*Client
}

// NewSources makes a client for each source, by name; the default one has none. Their Concurrency
// is divided evenly. Logger and Registerer, which may be nil, are for all; if there are several
// sources, metrics have a label with the name.
func NewSources(all map[string]Options, logger *slog.Logger, registerer prometheus.Registerer) (*Sources, error) {
	s := &Sources{clients: map[string]*Client{}}
	shared := newLargePart()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		o := all[name]
		o.Logger, o.Registerer = logger, registerer
		if len(all) > 1 && registerer != nil {
			o.Registerer = prometheus.WrapRegistererWith(prometheus.Labels{"source": name}, registerer)
		}
		if name != "" && logger != nil {
			o.Logger = logger.With("source", name)
		}
		c, err := New(o)
		if err != nil {
			s.Close()
			if name != "" {
				err = fmt.Errorf("source %s: %w", name, err)
			}
			return nil, err
		}
		c.share(len(all), shared)
		s.clients[name] = c
	}
	return s, nil
}

// share makes a client one of several that share what one alone may use.
func (c *Client) share(clients int, large *largePart) {
	together := max(cap(c.slots), 1)
	queries := max(leastQueries, together/clients)
	if clients == 1 {
		queries = together
	}
	c.slots = make(chan struct{}, queries)
	c.runs = make(chan struct{}, max(1, maxRuns/clients))
	c.budget.small = min(c.budget.small, int64(together)*smallAnswer/int64(queries*clients))
	c.budget.shared = large
}

// Close gives up idle connections.
func (s *Sources) Close() {
	for _, c := range s.clients {
		c.Close()
	}
}

// Of returns the client of a source, by name. That of a source that is not there answers no query:
// an incident may be of one that was there before.
func (s *Sources) Of(source string) *Client {
	if c := s.clients[source]; c != nil {
		return c
	}
	return &Client{
		querier: &querier{
			missing: fmt.Errorf("%w: there is no source %s any more", slo.ErrRefused, cmp.Or(source, slo.DefaultSource)),
			slots:   make(chan struct{}, 1), metrics: newMetrics(nil), sender: sender{server: &server{}},
		},
		plans: &plans{}, batch: maxBatch, raws: maxRaw, runs: make(chan struct{}, 1),
	}
}

// Names returns the names of all sources, sorted; the default one's is empty.
func (s *Sources) Names() []string { return slices.Sorted(maps.Keys(s.clients)) }

// Read takes the samples of all objectives as Client.Read does, each from its source.
func (s *Sources) Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	places := map[string][]int{} // by source
	for i, o := range objectives {
		places[o.Source] = append(places[o.Source], i)
	}
	readings := make([]slo.Reading, len(objectives))
	var all sync.WaitGroup
	for source, at := range places {
		all.Go(func() {
			some := make([]slo.Objective, len(at))
			for n, i := range at {
				some[n] = objectives[i]
			}
			for n, r := range s.Of(source).Read(ctx, some, ticks) {
				readings[at[n]] = r
			}
		})
	}
	all.Wait()
	return readings
}

// Reach is Client.Reach of the objective's source.
func (s *Sources) Reach(ctx context.Context, o slo.Objective) (time.Time, error) {
	return s.Of(o.Source).Reach(ctx, o)
}
