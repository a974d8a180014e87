// Package daemon wires postburn: it makes the parts that the environment asks for, runs them, and takes them down in order. It is used
// by `postburn run` and by the demo.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/web"
)

// shutdown is how long requests that are under way may take when the daemon stops.
const shutdown = 5 * time.Second

// Options of a daemon. Logger and Environment are required.
type Options struct {
	Environment config.Environment
	Definitions []config.Definition
	Logger      *slog.Logger
	Listening   func(net.Addr)   // is told the address, once it is bound; may be nil
	Hangup      <-chan os.Signal // has the SLO files read again; may be nil
}

// Run runs the daemon until ctx is done, and returns an error where it can't start or can't go on. It starts, and stays up, while
// Prometheus is down.
func Run(ctx context.Context, opts Options) error {
	env, logger := opts.Environment, opts.Logger
	registry := newRegistry()
	client, err := prom.New(prom.Options{
		URL: env.PrometheusURL.Reveal(), ConfigFile: env.PrometheusConfigFile, Logger: logger, Registerer: registry,
	})
	if err != nil {
		return fmt.Errorf("setting up the Prometheus client: %w", err)
	}
	defer client.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", env.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", env.Listen, err)
	}
	if opts.Listening != nil {
		opts.Listening(listener.Addr())
	}
	handler := web.NewHandler(logger, registry)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, listener, handler, env.WebConfigFile, logger) })
	g.Go(func() error { return watch(ctx, opts, client, handler, registry) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	logger.Info("stopped")
	return nil
}

// watch opens the store, makes the handler ready, and folds and publishes until ctx is done.
func watch(ctx context.Context, opts Options, client *prom.Client, handler *web.Handler, registry *prometheus.Registry) error {
	env, logger := opts.Environment, opts.Logger
	database, err := sqlite.Open(ctx, env.SQLite, sqlite.Options{})
	if err != nil {
		return err
	}
	defer closeStore(database, logger)
	tracker, err := openTracker(ctx, env, database, logger, registry)
	if err != nil {
		return err
	}
	reloader := newReloader(opts, registry)
	newest := func() time.Time { return time.Now().Add(-env.Delay) }
	collectors := []issue.Collector{Evidence(client, env.Interval, newest, reloader.settings), issue.People(database, tracker.reader), reloader.redefined.changes}
	if tracker.github != nil {
		collectors = append(collectors, tracker.github.Changes(reloader.settings))
	}
	publisher := issue.NewPublisher(issue.Options{
		Store: database, Tracker: tracker.Tracker, Render: postmortem.Render, Logger: logger, Registerer: registry,
		Interval: env.Interval, ExternalURL: env.ExternalURL.Reveal(), Settings: reloader.settings, List: tracker.list, Settle: tracker.settle, LookEvery: tracker.settle,
		Collectors: collectors,
	})
	engine := engine.NewEngine(engine.Options{
		Definitions: alertDefinitions(opts.Definitions, env.GitHub.Repository), Interval: env.Interval, Delay: env.Delay, Source: client.Read, Reach: client.Reach, Store: database,
		Logger: logger, Registerer: registry, Committed: publisher.Notify,
	})
	retention := store.NewRetention(store.Options{Keep: env.Retention, Drop: database.DropIncidents, Logger: logger, Registerer: registry})
	if err := engine.Recover(ctx); err != nil {
		return err
	}
	handler.Ready(web.Data{Statuses: engine.Statuses, Store: database, Reload: reloader.reload})
	logger.Info("watching", "objectives", len(opts.Definitions), "prometheus", env.PrometheusURL.String(), "interval", env.Interval)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return engine.Run(ctx) })
	g.Go(func() error { return publisher.Run(ctx) })
	g.Go(func() error { return retention.Run(ctx) })
	g.Go(func() error { return tracker.check(ctx, reloader.repositories, logger) })
	g.Go(func() error { return reloader.run(ctx, engine) })
	return g.Wait()
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

// serve serves on the listener until ctx is done.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, configFile string, logger *slog.Logger) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- toolkit.Serve(listener, server, &toolkit.FlagConfig{WebConfigFile: &configFile}, logger)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		logger.Warn("requests were cut off", "err", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

func closeStore(database *sqlite.Store, logger *slog.Logger) {
	if err := database.Close(); err != nil {
		logger.Error("closing the store", "err", err)
	}
}

// alertDefinitions are what the fold works with. A repository that is the default one goes without a name, so that incidents of
// objectives that name it and those that do not belong together.
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
