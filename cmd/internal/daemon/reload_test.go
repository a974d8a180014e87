package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

const file = `
slos:
  - name: NAME
    service: shop
    target: 99%
    indicator: {ratio: {bad: 'errors_total', total: 'requests_total'}}
`

// mount is a folder as Kubernetes mounts a ConfigMap: the file is a link to a folder that is a link.
type mount struct {
	t   *testing.T
	dir string
	n   int
}

func (m *mount) swap(text string) {
	m.t.Helper()
	m.n++
	version := filepath.Join(m.dir, "..version"+string(rune('0'+m.n)))
	must := func(err error) {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
	}
	must(os.Mkdir(version, 0o755))
	must(os.WriteFile(filepath.Join(version, "slos.yaml"), []byte(text), 0o644))
	must(os.Symlink(version, filepath.Join(m.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
	if m.n == 1 {
		must(os.Symlink(filepath.Join("..data", "slos.yaml"), filepath.Join(m.dir, "slos.yaml")))
	}
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mount{t: t, dir: t.TempDir()}
		m.swap(strings.ReplaceAll(file, "NAME", "first"))
		definitions, problems := config.Load([]string{m.dir})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		ctx, stop := context.WithCancel(t.Context())
		store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		logger, registry := slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry()
		engine := engine.NewEngine(engine.Options{
			Definitions: alertDefinitions(definitions, ""), Interval: 30 * time.Second, Delay: time.Minute, Source: nothing, Store: store,
			Logger: logger, Registerer: registry,
		})
		if err := engine.Recover(ctx); err != nil {
			t.Fatal(err)
		}
		hangup := make(chan os.Signal)
		r := newReloader(Options{Environment: config.Environment{SLOPath: m.dir}, Definitions: definitions, Logger: logger, Hangup: hangup}, registry)
		ended := make(chan error, 2)
		go func() { ended <- engine.Run(ctx) }()
		go func() { ended <- r.run(ctx, engine) }()
		watched := func() string {
			synctest.Wait()
			var names []string
			for _, s := range engine.Statuses(time.Now()) {
				names = append(names, s.Objective.Name)
			}
			return strings.Join(names, " ")
		}

		m.swap(strings.ReplaceAll(file, "NAME", "second"))
		time.Sleep(lookEvery)
		if got := watched(); got != "second" {
			t.Errorf("after the swap %q is watched", got)
		}
		m.swap(strings.ReplaceAll(file, "NAME", "Third!"))
		time.Sleep(lookEvery)
		if got := watched(); got != "second" {
			t.Errorf("after a bad file %q is watched", got)
		}
		if got := testutil.ToFloat64(r.successful); got != 0 {
			t.Errorf("the last reload was successful: %v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "can't be used"); n != 1 {
			t.Errorf("%d lines about one bad file:\n%s", n, log.String())
		}
		if err := r.reload(ctx); err == nil || !strings.Contains(err.Error(), "slos.yaml:3:11") {
			t.Errorf("asked to reload a bad file: %v", err)
		}
		m.swap(strings.ReplaceAll(file, "NAME", "fourth"))
		if err := r.reload(ctx); err != nil {
			t.Errorf("asked to reload: %v", err)
		}
		if got := watched(); got != "fourth" || testutil.ToFloat64(r.successful) != 1 {
			t.Errorf("after a good file %q is watched", got)
		}
		m.swap(strings.ReplaceAll(file, "NAME", "fifth"))
		hangup <- os.Interrupt
		if got := watched(); got != "fifth" {
			t.Errorf("after the signal %q is watched", got)
		}
		stop()
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// nothing is a source without data.
func nothing(_ context.Context, objectives []slo.Objective, _ slo.Ticks) []slo.Reading {
	return make([]slo.Reading, len(objectives))
}
