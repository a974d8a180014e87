package prom_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/store/sqlite"
)

// lateWorld has scrapes that reach Prometheus after their ticks were read.
type lateWorld struct {
	name    string
	late    func(at time.Time) time.Duration
	caveats []slo.CaveatKind // of the incident
}

func lateWorlds() []lateWorld {
	return []lateWorld{
		{"data that always comes two minutes late", func(time.Time) time.Duration { return 2 * time.Minute }, nil},
		{"data that comes three minutes late from the middle of the incident on", func(at time.Time) time.Duration {
			if at.Before(worldBegin.Add(time.Hour)) {
				return 0
			}
			return 3 * time.Minute
		}, []slo.CaveatKind{slo.DataLate}},
	}
}

// row runs the engine for as long as the world lasts; it learns of late data by reading ticks
// again. Its counts are what it committed. The other ways count when all is there.
func (w lateWorld) row(t *testing.T) row {
	t.Helper()
	r := row{name: w.name}
	rnd := rand.New(rand.NewPCG(seed, 1))
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when the clock of a bubble begins
	ahead := worldBegin.Sub(epoch)
	var arriving []promtest.Sample
	for _, p := range eight(nil) {
		life := p.run(rnd, from, to)
		arriving = append(arriving, life.samples...)
		r.truth.add(life.counted)
	}
	arrives := func(s promtest.Sample) time.Time { return s.Time.Add(w.late(s.Time)) }
	slices.SortStableFunc(arriving, func(a, b promtest.Sample) int { return arrives(a).Compare(arrives(b)) })

	// Nothing of the bubble gets out of it but the time of a question, and ticks, which are put
	// into the world's time and back.
	type question struct {
		now        time.Time
		objectives []slo.Objective
		ticks      slo.Ticks
	}
	url, write := receiving(t)
	c := client(t, prom.Options{URL: url})
	questions, answers := make(chan question), make(chan []slo.Reading)
	t.Cleanup(func() { close(questions) })
	go func() {
		for q := range questions {
			n := 0
			for n < len(arriving) && !arrives(arriving[n]).After(q.now) {
				n++
			}
			if err := write(arriving[:n]...); err != nil {
				t.Error(err)
			}
			arriving = arriving[n:]
			answers <- c.Read(context.Background(), q.objectives, moved(q.ticks, ahead))
		}
	}()
	store := &recorder{t: t, row: &r, ahead: ahead, incidents: map[string]alert.Incident{}}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store.run(t, filepath.Join(dir, "postburn.db"), func(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			questions <- question{time.Now().Add(ahead), objectives, ticks}
			readings := <-answers
			for i := range readings {
				for j := range readings[i].Series {
					for k := range readings[i].Series[j].Samples {
						s := &readings[i].Series[j].Samples[k]
						s.Tick = s.Tick.Add(-ahead)
						for l := range s.Late {
							s.Late[l].From, s.Late[l].To = s.Late[l].From.Add(-ahead), s.Late[l].To.Add(-ahead)
						}
					}
				}
			}
			return readings
		})
	})
	store.addIncidents()
	r.ask(t, url, requests())
	return r
}

func moved(ticks slo.Ticks, by time.Duration) slo.Ticks {
	return slo.Ticks{First: ticks.First.Add(by), Last: ticks.Last.Add(by), Interval: ticks.Interval}
}

// recorder is a store that adds up commits: a history, now and then, and the samples after it.
type recorder struct {
	alert.Store
	t     *testing.T
	row   *row
	ahead time.Duration

	now       time.Time // the history's last tick, or a newer sample's
	incidents map[string]alert.Incident
}

func (r *recorder) Commit(ctx context.Context, batches []alert.Batch) error {
	if err := r.Store.Commit(ctx, batches); err != nil {
		return err
	}
	for _, b := range batches {
		for _, i := range b.Incidents {
			r.incidents[i.ID] = i
		}
		if err := r.addRow(b.Samples); err != nil {
			r.t.Error(err)
		}
		if c := b.Checkpoint; c != nil && len(c.History) > 0 {
			var h slo.History
			_, n := binary.Uvarint(c.History)
			if err := h.UnmarshalBinary(c.History[n:]); err != nil {
				r.t.Error(err)
			}
			counts := h.Between(from.Add(-r.ahead), to.Add(-r.ahead))
			r.row.postburn, r.now = count{counts.Total, counts.Bad}, h.Now()
		}
	}
	return nil
}

// addRow counts the samples of a row.
func (r *recorder) addRow(b []byte) error {
	var header struct{ Counts map[string]int }
	size, n := binary.Uvarint(b)
	if size > 0 {
		if err := json.Unmarshal(b[n:n+int(size)], &header); err != nil {
			return err
		}
	}
	samples, has := header.Counts["0"]
	if !has {
		samples = 1
	}
	for b = b[n+int(size):]; samples > 0; samples-- {
		r.now = r.now.Add(30 * time.Second)
		s, rest, err := slo.ReadSample(b, r.now)
		if err != nil {
			return err
		}
		r.add(s)
		b = rest
	}
	return nil
}

// add counts a sample's events in the measured stretch.
func (r *recorder) add(s slo.Sample) {
	begin, end := from.Add(-r.ahead), to.Add(-r.ahead)
	if s.Tick.After(begin) && !s.Tick.After(end) {
		r.row.postburn.add(count{s.Total, s.Bad})
	}
	for _, l := range s.Late {
		events := l.Until(end).Sub(l.Until(begin))
		r.row.postburn.add(count{events.Total, events.Bad})
	}
	r.row.caveats = slo.MergeCaveats(r.row.caveats, s.Caveats)
}

// addIncidents takes what incidents say about late data.
func (r *recorder) addIncidents() {
	for _, i := range r.incidents {
		for _, w := range i.Windows {
			for _, c := range w.Caveats {
				if c.Kind == slo.DataLate {
					r.row.caveats = slo.MergeCaveats(r.row.caveats, []slo.Caveat{c})
				}
			}
		}
	}
}

// run has an engine watch one objective for two and a half hours.
func (r *recorder) run(t *testing.T, path string, source engine.Source) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r.Store = db
	engine := engine.NewEngine(engine.Options{
		Definitions: []alert.Definition{{
			Objective: slo.Objective{
				Name: "shop", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}, Indicator: requests().indicator,
			},
			Policy: alert.Policy{Rules: alert.DefaultRules(30 * 24 * time.Hour), MinBadEvents: 10, Group: "shop"},
		}},
		Interval: 30 * time.Second, Delay: time.Minute, Source: source, Store: r,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err := engine.RecoverAll(ctx, db); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	time.Sleep(worldEnd.Sub(worldBegin) + 30*time.Minute)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
