package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

// mount is a folder as Kubernetes mounts a ConfigMap: the file is a link to a folder that is a
// link.
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

// reloading is a reloader at work in a synctest bubble.
type reloading struct {
	*reloader
	log   LockedBuffer
	names func() string // of the objectives that are watched
}

// reloads starts an engine and a reloader with the SLO files of a folder, and stops them when the
// test ends.
func reloads(t *testing.T, dir string, hangup <-chan os.Signal) *reloading {
	t.Helper()
	definitions, problems := Load([]string{dir}, config.Bounds{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ctx, stop := context.WithCancel(t.Context())
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &reloading{}
	logger, registry := slog.New(slog.NewTextHandler(&r.log, nil)), prometheus.NewRegistry()
	engine := engine.NewEngine(engine.Options{
		Definitions: alertDefinitions(definitions, ""), Interval: 30 * time.Second, Delay: time.Minute, Source: nothing, Store: store,
		Logger: logger, Registerer: registry,
	})
	if err := engine.RecoverAll(ctx, store); err != nil {
		t.Fatal(err)
	}
	r.reloader = newReloader(Options{Environment: config.Environment{SLOPath: dir}, Definitions: definitions, Logger: logger, Hangup: hangup}, alertDefinitions(definitions, ""), registry)
	ended := make(chan error, 2)
	go func() { ended <- engine.Run(ctx) }()
	go func() { ended <- r.run(ctx, engine) }()
	r.names = func() string {
		synctest.Wait()
		var names []string
		for _, s := range engine.Statuses(time.Now()) {
			names = append(names, s.Objective.Name)
		}
		return strings.Join(names, " ")
	}
	t.Cleanup(func() {
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
	return r
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mount{t: t, dir: t.TempDir()}
		m.swap(strings.ReplaceAll(file, "NAME", "first"))
		hangup := make(chan os.Signal)
		r := reloads(t, m.dir, hangup)
		watched, log := r.names, &r.log

		m.swap(strings.ReplaceAll(file, "NAME", "second"))
		time.Sleep(lookEvery)
		synctest.Wait() // the reload is at the same time
		if got := watched(); got != "second" {
			t.Errorf("after the swap %q is watched", got)
		}
		if said := r.files(); !slices.Equal(said.Changes, []string{"first is gone", "second is new"}) || !said.Changed.Equal(time.Now()) {
			t.Errorf("pages tell of %q at %s", said.Changes, said.Changed)
		}
		if !strings.Contains(log.String(), `objectives=1 changed=2 changes="first is gone | second is new"`) {
			t.Errorf("the log does not tell of the changes:\n%s", log.String())
		}
		m.swap(strings.ReplaceAll(file, "NAME", "Third!"))
		time.Sleep(lookEvery)
		synctest.Wait() // the reload is at the same time
		if said := r.files(); !strings.Contains(said.Refused, "slos.yaml:3:11: name must be") {
			t.Errorf("pages say of a bad file %q", said.Refused)
		}
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
		if err := r.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "slos.yaml:3:11") {
			t.Errorf("asked to reload a bad file: %v", err)
		}
		m.swap(strings.ReplaceAll(file, "NAME", "fourth"))
		if err := r.reload(t.Context()); err != nil {
			t.Errorf("asked to reload: %v", err)
		}
		if got := r.files().Refused; got != "" {
			t.Errorf("after a good file it is said %q", got)
		}
		m.swap(strings.ReplaceAll(strings.ReplaceAll(file, "NAME", "fourth"), "99%", "99.9%"))
		if err := r.reload(t.Context()); err != nil || !slices.Equal(r.files().Changes, []string{"fourth: target 99 % → 99.9 %"}) {
			t.Errorf("another target: %v, and pages tell of %q", err, r.files().Changes)
		}
		if got := watched(); got != "fourth" || testutil.ToFloat64(r.successful) != 1 {
			t.Errorf("after a good file %q is watched", got)
		}
		m.swap(strings.ReplaceAll(file, "NAME", "fifth"))
		hangup <- os.Interrupt
		if got := watched(); got != "fifth" {
			t.Errorf("after the signal %q is watched", got)
		}
	})
}

// TestReloadTemplate has a template that changes be taken up, as it is in use or as it would be:
// one that can't be used is refused, and the last good one stays.
func TestReloadTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		slos := strings.ReplaceAll(file, "NAME", "first") + "    issue: {template: own.tmpl}\n"
		write("slos.yaml", slos)
		write("own.tmpl", "{{.Summary}} one")
		r := reloads(t, dir, nil)
		for _, step := range []struct {
			name   string
			change func()
			used   string // template
			good   float64
			logged string
		}{
			{"it changes", func() { write("own.tmpl", "{{.Summary}} two") }, "{{.Summary}} two", 1, ""},
			{"it is bad", func() { write("own.tmpl", "\n{{.Sumary}}") }, "{{.Summary}} two", 0, "own.tmpl:2:3: <.Sumary>: can't evaluate"},
			{"it is good again", func() { write("own.tmpl", "{{.Summary}} three") }, "{{.Summary}} three", 1, ""},
			{"it is gone", func() { _ = os.Remove(filepath.Join(dir, "own.tmpl")) }, "{{.Summary}} three", 0, "slos.yaml:7:23: issue.template: "},
			{"another one is named, and not there", func() { write("slos.yaml", strings.ReplaceAll(slos, "own.tmpl", "new.tmpl")) }, "{{.Summary}} three", 0, "new.tmpl"},
			{"it is there", func() { write("new.tmpl", "{{.Summary}} four") }, "{{.Summary}} four", 1, ""},
		} {
			step.change()
			before := len(r.log.String())
			time.Sleep(lookEvery)
			synctest.Wait() // the reload is at the same time
			r.names()
			logged := r.log.String()[before:]
			if used := r.settings("first").Template.Text; used != step.used || testutil.ToFloat64(r.successful) != step.good || !strings.Contains(logged, step.logged) {
				t.Errorf("%s: %q is used, the reload is %v:\n%s", step.name, used, testutil.ToFloat64(r.successful), logged)
			}
			time.Sleep(time.Minute)
			r.names()
			if n := strings.Count(r.log.String()[before:], "\n"); n > 3 {
				t.Errorf("%s: %d lines are logged of it:\n%s", step.name, n, r.log.String()[before:])
			}
		}
	})
}

// nothing is a source without data.
func nothing(_ context.Context, objectives []slo.Objective, _ slo.Ticks) []slo.Reading {
	return make([]slo.Reading, len(objectives))
}
