package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/local"
)

const (
	// localSettles is how long a file that is not there is not believed to be missing: a folder acts at once or not at all.
	localSettles = time.Second
	checkTimeout = time.Minute
)

// tracker is where issues live, and how sure it is of what it did.
type tracker struct {
	issue.Tracker
	settle time.Duration               // issue.Options has it as Settle and LookEvery
	check  func(context.Context) error // whether it can be written to; nil where that needs no asking
}

func openTracker(env config.Environment, logger *slog.Logger, registry prometheus.Registerer) (tracker, error) {
	if env.Tracker == "github" {
		g, err := GitHub(env.GitHub, logger, registry)
		if err != nil {
			return tracker{}, fmt.Errorf("opening the github tracker: %w", err)
		}
		return tracker{Tracker: g, check: func(ctx context.Context) error { return g.Check(ctx) }}, nil
	}
	l, err := local.New(env.LocalDir)
	if err != nil {
		return tracker{}, fmt.Errorf("opening the local tracker: %w", err)
	}
	return tracker{Tracker: l, settle: localSettles}, nil
}

// GitHub makes the tracker that the environment describes. Logger and registry may be nil.
func GitHub(env config.GitHub, logger *slog.Logger, registry prometheus.Registerer) (*github.Tracker, error) {
	o := github.Options{
		Repository: env.Repository, URL: env.URL.Reveal(), Token: env.Token.Reveal(), TokenFile: env.TokenFile, Logger: logger, Registerer: registry,
	}
	if env.AppID != 0 {
		o.App = &github.App{ID: env.AppID, InstallationID: env.AppInstallationID, PrivateKeyFile: env.AppPrivateKeyFile}
	}
	return github.New(o)
}

// checkTracker says once, at the start, if the tracker can't be written to. The daemon goes on: what it has to publish is kept.
func checkTracker(ctx context.Context, t tracker, logger *slog.Logger) error {
	if t.check == nil {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := t.check(call); err != nil && ctx.Err() == nil {
		logger.Error("post-mortems can't be written yet", "err", err)
	}
	return nil
}
