// Package daemon wires postburn: it makes the parts that the environment asks for, runs them, and
// takes them down in order. It is used by `postburn run` and by the demo.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/people"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/promql"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/web"
)

// Options of a daemon. Logger and Environment are required.
type Options struct {
	Build       string // version, commit, Go
	Environment config.Environment
	Definitions []config.Definition
	Logger      *slog.Logger
	Listening   func(net.Addr)   // is told the address of pages, once it is bound; may be nil
	Probing     func(net.Addr)   // is told that of probes alone, if there is one; may be nil
	Hangup      <-chan os.Signal // has the SLO files read again; may be nil
}

// Run runs the daemon until ctx is done, and returns an error if it can't start or can't continue.
// It starts, and stays up, while Prometheus is down.
func Run(ctx context.Context, opts Options) error {
	env, logger := opts.Environment, opts.Logger
	registry := newRegistry()
	sources, err := OpenSources(env.Servers(), logger, registry)
	if err != nil {
		return fmt.Errorf("setting up the Prometheus client: %w", err)
	}
	defer sources.Close()
	handler := web.NewHandler(logger, registry)
	servers, err := listen(ctx, opts, handler, registry)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		g.Go(func() error { return s.serve(ctx, logger) })
	}
	g.Go(func() error { return watch(ctx, opts, sources, handler, registry) })
	if err := waitFor(ctx, patience, g.Wait); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	logger.Info("stopped")
	return nil
}

// watch opens the store, makes the handler ready, and folds and publishes until ctx is done.
func watch(ctx context.Context, opts Options, sources *prom.Sources, handler *web.Handler, registry *prometheus.Registry) error {
	env, logger := opts.Environment, opts.Logger
	database, err := OpenStore(ctx, env.Store)
	if err != nil {
		return err
	}
	defer closeStore(database, logger)
	tracker, err := openTracker(ctx, env, database, logger, registry)
	if err != nil {
		return err
	}
	role := newRole(database, env.Interval, logger, registry)
	tracker = tracker.heldBy(role.publishes)
	alerts := alertDefinitions(opts.Definitions, env.GitHub.Repository)
	reloader := newReloader(opts, alerts, registry)
	newest := func() time.Time { return time.Now().Add(-env.Delay) }
	collectors := []issue.Collector{Evidence(sources, env.Interval, newest, reloader.settings), people.Collector(database, tracker.reader), reloader.redefined.changes}
	if tracker.github != nil {
		collectors = append(collectors, tracker.github.Changes(reloader.settings))
	}
	places := placesOf(env)
	var folding *engine.Engine
	reports := reports{database, reloader}
	publisher := publish.New(publish.Options{
		Store: database, Tracker: tracker.Tracker, Render: postmortem.Render, Queries: evidence.Queries(func(source string) string { return places[source].PrometheusURL }), Logger: logger, Registerer: registry,
		Interval: env.Interval, ExternalURL: env.ExternalURL.Reveal(), Settings: reloader.settings, List: tracker.list, Settle: tracker.settle, LookEvery: tracker.settle,
		Collectors: collectors, Lint: lintPostMortem, Tasks: learn.Tasks, Reader: tracker.reader, State: tracker.state, Nest: tracker.nest,
		ListMarked: tracker.marked, Corrected: func(ctx context.Context) error { return folding.Correct(ctx) },
		Reports: issue.Reporter{Repositories: reloader.reporting, Write: reports.write},
	})
	folding = engine.NewEngine(engine.Options{
		Definitions: alerts, Interval: env.Interval, Delay: env.Delay, Source: sources.Read, Reach: sources.Reach, Store: database, Excluded: database.ExcludedIncidents,
		Logger: logger, Registerer: registry, Committed: publisher.Notify, Lost: role.lost(),
	})
	retention := store.NewRetention(store.Options{Keep: env.Retention, Drop: database.DropIncidents, Logger: logger, Registerer: registry})
	days := store.NewDayKeeper(store.DayOptions{Keep: env.Retention, Take: folding.TakeDays, Save: database.SaveDays, Drop: ifHeld(role, database.DropDays), Logger: logger})
	watcher := newStoreWatcher(database, logger, registry)
	publishing := func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return publisher.Run(ctx) })
		g.Go(func() error { return retention.Run(ctx) })
		return g.Wait()
	}
	if err := role.recover(ctx, writers{folding, publishing, publisher.Forget, publisher.Waiting}); err != nil {
		return database.Explain(err)
	}
	handler.Ready(web.Data{
		Statuses: role.statuses, Details: role.details, Graph: promql.Graph, Places: places,
		Durations: durations(sources, env.Interval), Changes: reloader.redefined.of,
		Store: database, StoreProblem: watcher.Problem, NotReady: role.problem, Reload: reloader.reload, SLOFiles: reloader.files, ReadReport: reports.read,
		PostMortem: tracker.text(), About: newAbout(opts, reloader, folding, publisher, role),
	})
	watching := []any{"objectives", len(alerts), "prometheus", env.PrometheusURL.String(), "interval", env.Interval}
	if len(env.Named) > 0 {
		watching = append(watching, "sources", env.SourceNames())
	}
	logger.Info("watching", watching...)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return folding.Run(ctx) })
	g.Go(func() error { return role.run(ctx) })
	g.Go(func() error { return days.Run(ctx) })
	g.Go(func() error { return watcher.Run(ctx) })
	g.Go(func() error { return tracker.check(ctx, reloader.repositories, logger) })
	g.Go(func() error { return reloader.run(ctx, folding) })
	return database.Explain(g.Wait())
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		version.NewCollector("postburn"),
	)
	return registry
}

// alertDefinitions are what the fold works with. A repository that is the default one goes without
// a name, so that incidents of objectives that name it and those that do not belong together.
func alertDefinitions(all []config.Definition, repository string) []alert.Definition {
	defs := make([]alert.Definition, 0, len(all))
	for _, d := range all {
		def := d.Alert()
		if strings.EqualFold(def.Policy.Repository, repository) {
			def.Policy.Repository = ""
		}
		defs = append(defs, def)
	}
	return defs
}
