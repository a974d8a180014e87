package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
)

// runCommand is the daemon. It is set up by the environment alone.
type runCommand struct{}

// Run runs the daemon until it is told to stop.
func (runCommand) Run(ctx context.Context, s surroundings) error {
	env, err := config.LoadEnvironment(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	definitions, problems := daemon.Load([]string{env.SLOPath}, env.Bounds())
	if config.Failed(problems) {
		show(s.stderr, problems)
		return fmt.Errorf("found %s", count(problems))
	}
	if _, given := s.lookuper.Lookup("GOGC"); !given {
		new(collector).run(ctx)
	}
	logger := newLogger(s.stderr, env)
	for _, p := range problems {
		logger.Warn("a problem in the SLO files", "problem", p.String())
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	return daemon.Run(ctx, daemon.Options{Build: buildLine(), Environment: env, Definitions: definitions, Logger: logger, Hangup: hangup})
}

func newLogger(w io.Writer, env config.Environment) *slog.Logger {
	options := &slog.HandlerOptions{Level: env.LogLevel}
	if env.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
