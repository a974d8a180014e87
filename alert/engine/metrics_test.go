package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// collectors keeps registered collectors.
type collectors struct {
	*prometheus.Registry
	all []prometheus.Collector
}

func (c *collectors) MustRegister(all ...prometheus.Collector) { c.all = append(c.all, all...) }

// write returns a metric as client_golang writes it.
func write[T any](m interface{ Write(*T) error }) (*T, error) {
	written := new(T)
	return written, m.Write(written)
}

// TestMetricsCollectedInOrder checks that the objectives' metrics are already sorted for a
// registry.
func TestMetricsCollectedInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var defs []alert.Definition
		for n := range 6 {
			d := definition(fmt.Sprint("objective-", n))
			d.Objective.Service, d.Objective.GroupBy = fmt.Sprint("service-", (n*5)%3), []string{"region"}
			d.Objective.Window = slo.Window{Rolling: 24 * time.Hour}
			d.Policy.Rules = []alert.Rule{
				{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute}, {Rate: slo.MustDecimal("6"), Long: 6 * time.Hour, Short: 30 * time.Minute},
			}
			defs = append(defs, d)
		}
		registered := &collectors{Registry: prometheus.NewRegistry()}
		e := engine.NewEngine(engine.Options{
			Definitions: defs, Interval: 30 * time.Second, Source: twoRegions, Store: store, Logger: slog.New(slog.DiscardHandler), Registerer: registered,
		})
		if err := e.RecoverAll(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(time.Minute)
		families := map[string][]string{} // the values of the labels, by the description
		for _, c := range registered.all {
			metrics := make(chan prometheus.Metric)
			go func() { c.Collect(metrics); close(metrics) }()
			for m := range metrics {
				written, err := write(m)
				if err != nil {
					t.Fatal(err)
				}
				var values []string
				for _, l := range written.Label { // sorted by name
					values = append(values, l.GetValue())
				}
				families[m.Desc().String()] = append(families[m.Desc().String()], strings.Join(values, "\x00"))
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		most := 0
		for desc, values := range families {
			most = max(most, len(values))
			if !slices.IsSorted(values) && !strings.Contains(desc, "breach_windows") {
				t.Errorf("%s is collected in the order %q", desc, values)
			}
		}
		if want := 6 * 2 * 4; most != want { // objectives, regions, windows
			t.Errorf("%d metrics of one name, want %d", most, want)
		}
	})
}

func twoRegions(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i := range readings {
		for _, region := range []string{"us", "eu"} {
			s := slo.Series{Labels: slo.NewLabels(map[string]string{"region": region})}
			for n := range ticks.Len() {
				s.Samples = append(s.Samples, slo.Sample{Tick: ticks.At(n), Counts: slo.Counts{Total: 100, Bad: 1}})
			}
			readings[i].Series = append(readings[i].Series, s)
		}
	}
	return readings
}
