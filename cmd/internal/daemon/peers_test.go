package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// half is a source of an objective with two label sets, one of which fails; and of another one that
// can't be read.
func half(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i, o := range objectives {
		if o.Name == "unreadable" {
			readings[i].Err = fmt.Errorf("%w: no", slo.ErrRefused)
			continue
		}
		for n, region := range []string{"eu", "größe \"us\""} {
			s := slo.Series{Labels: slo.NewLabels(map[string]string{"region": region})}
			for t := range ticks.Len() {
				s.Samples = append(s.Samples, slo.Sample{Tick: ticks.At(t), Counts: slo.Counts{Total: 3000, Bad: float64(n) * 1000 / 3}})
			}
			readings[i].Series = append(readings[i].Series, s)
		}
	}
	return readings
}

// TestPeersAnswer has a replica answer what another one asks: that shows the same as the first.
func TestPeersAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var defs []alert.Definition
		for _, name := range []string{"checkout", "unreadable"} {
			window := 30 * 24 * time.Hour
			defs = append(defs, alert.Definition{
				Objective: slo.Objective{
					Name: name, Service: "shop", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: window}, GroupBy: []string{"region"},
					Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "bad_total", Total: "all_total"}},
				},
				Policy: alert.Policy{Rules: alert.DefaultRules(window), Budget: true, Group: "shop"},
			})
		}
		options := func() engine.Options {
			return engine.Options{
				Definitions: defs, Interval: 30 * time.Second, Source: half, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
			}
		}
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		running := options()
		running.Store = store
		first, second := engine.NewEngine(running), engine.NewEngine(options())
		if err := first.RecoverAll(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- first.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		synctest.Wait()

		p := &peers{folding: first, waiting: func() map[string]time.Time { return map[string]time.Time{"shop-1": time.Now()} }}
		ask := func(q question) (a answer) {
			t.Helper()
			asked, err := pack(q)
			if err != nil {
				t.Fatal(err)
			}
			answered, err := p.answer(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if err := unpack(answered, &a); err != nil {
				t.Fatal(err)
			}
			return a
		}
		all := ask(question{})
		second.Hear(all.Statuses)
		same := cmp.Options{cmpopts.EquateComparable(slo.Decimal{}), cmpopts.EquateEmpty()}
		if d := cmp.Diff(first.Statuses(time.Now()), second.Statuses(time.Now()), same); d != "" {
			t.Errorf("statuses (-own +told):\n%s", d)
		}
		if n := len(first.Statuses(time.Now())); n != 3 {
			t.Errorf("%d statuses", n)
		}
		if _, failing := first.Answers(); len(failing) != 1 || all.Failing["unreadable"] != failing["unreadable"].Error() || !errors.Is(failing["unreadable"], slo.ErrRefused) {
			t.Errorf("failing: %v, told %v", failing, all.Failing)
		}
		if !all.Waiting["shop-1"].Equal(time.Now()) {
			t.Errorf("waiting: %v", all.Waiting)
		}
		want, err := first.Details(t.Context(), "checkout", time.Hour, 60)
		if err != nil || len(want) != 2 {
			t.Fatalf("%d details, %v", len(want), err)
		}
		byLabels := cmpopts.SortSlices(func(a, b alert.Detail) bool { return a.Labels < b.Labels })
		if d := cmp.Diff(want, ask(question{"checkout", time.Hour, 60}).Details, same, byLabels); d != "" {
			t.Errorf("details (-own +told):\n%s", d)
		}

		time.Sleep(10 * time.Minute)
		second.Hear(nil) // nobody tells of it any more
		for _, s := range second.Statuses(time.Now()) {
			if s.State != alert.Blind {
				t.Errorf("%s%s is %s, though nothing was heard for ten minutes", s.Objective.Name, s.Labels, s.State)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
