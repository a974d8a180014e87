package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sethvargo/go-envconfig"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/cmd/internal/shop"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/prom/promtest"
)

//go:embed slos.yaml
var sloFile []byte

const (
	rate     = 50          // checkouts a second
	interval = time.Second // of scrapes and of postburn's ticks
)

var (
	errDone        = errors.New("the demo is over")
	errInterrupted = errors.New("interrupted")
)

// stage holds the parts of the demo: the shop, Prometheus and postburn.
type stage struct {
	dir        string // all files of the demo are in it
	shop       *shop.Shop
	prometheus *promtest.Server
	postburn   *client
	screen     *screen
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// run sets the stage in an empty folder, plays the acts, and returns when the post-mortem is
// complete. The folder stays.
func run(ctx context.Context, dir string, acts []act, stdout io.Writer) (err error) {
	s := &stage{dir: dir, screen: &screen{out: stdout}}
	if err := os.WriteFile(s.path("slos.yaml"), sloFile, 0o666); err != nil {
		return fmt.Errorf("writing the SLO file: %w", err)
	}
	if s.shop, err = shop.Open(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.shop.Close()) }()
	if s.prometheus, err = promtest.New(s.path("prometheus")); err != nil {
		return fmt.Errorf("starting Prometheus: %w", err)
	}
	defer func() { err = errors.Join(err, s.prometheus.Close()) }()

	err = s.runAll(ctx, acts)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w; what there is so far is in %s", errInterrupted, dir)
	case errors.Is(err, errDone):
		return nil
	}
	return fmt.Errorf("%w; postburn's log is %s", err, s.path("postburn.log"))
}

// runAll runs the parts side by side until one of them ends with an error; errDone if it was the
// play.
func (s *stage) runAll(ctx context.Context, acts []act) error {
	log, err := os.Create(s.path("postburn.log"))
	if err != nil {
		return fmt.Errorf("creating a log: %w", err)
	}
	defer log.Close()
	options, err := s.daemonOptions(ctx, log)
	if err != nil {
		return err
	}
	listening := make(chan net.Addr, 1)
	options.Listening = func(at net.Addr) { listening <- at }
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.prometheus.Scrape(ctx, "shop", s.shop.MetricsURL(), interval) })
	g.Go(func() error { return daemon.Run(ctx, options) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case at := <-listening:
			s.postburn = &client{url: "http://" + at.String()}
		}
		s.introduce()
		g.Go(func() error { return s.play(ctx, acts) })
		g.Go(func() error { return shop.Load{URL: s.shop.URL(), Rate: rate}.Run(ctx) })
		return s.watch(ctx)
	})
	return g.Wait()
}

// daemonOptions are what `postburn run` would make of its environment.
func (s *stage) daemonOptions(ctx context.Context, log io.Writer) (daemon.Options, error) {
	env, err := config.LoadEnvironment(ctx, envconfig.MapLookuper(map[string]string{
		"POSTBURN_PROMETHEUS_URL": s.prometheus.URL(),
		"POSTBURN_SLO_PATH":       s.path("slos.yaml"),
		"POSTBURN_INTERVAL":       "1s",
		"POSTBURN_DELAY":          "2s",
		"POSTBURN_STORE":          "sqlite:" + s.path("postburn.db"),
		"POSTBURN_LOCAL_DIR":      s.path("postmortems"),
		"POSTBURN_LISTEN":         "127.0.0.1:0",
	}))
	if err != nil {
		return daemon.Options{}, err
	}
	definitions, problems := config.Load([]string{env.SLOPath})
	if len(problems) > 0 {
		return daemon.Options{}, fmt.Errorf("reading the SLO file: %s", problems[0])
	}
	return daemon.Options{Environment: env, Definitions: definitions, Logger: slog.New(slog.NewTextHandler(log, nil))}, nil
}
