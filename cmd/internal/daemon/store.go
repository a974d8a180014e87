package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/postgres"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/web"
)

// Store is what the daemon keeps its state in, whichever the database.
type Store interface {
	alert.Store
	issue.Store
	web.Store
	RecordReader
	upkeep
}

// upkeep is what the daemon does with a store beside folding and publishing.
type upkeep interface {
	past
	// DropIncidents is a store.Dropper.
	DropIncidents(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error)
	// SaveDays and DropDays are those of store.DayOptions.
	SaveDays(ctx context.Context, all []alert.Days) error
	DropDays(ctx context.Context, before time.Time) error
	opened
}

// past is what is read at the start.
type past interface {
	// Authors returns all accounts that posted publications.
	Authors(ctx context.Context) ([]string, error)
	// ExcludedIncidents returns the incidents that people excluded, oldest onset first.
	ExcludedIncidents(ctx context.Context) ([]alert.Incident, error)
}

// opened is a store that was opened.
type opened interface {
	// Probe is that of store.WatchOptions.
	Probe(ctx context.Context) error
	// Explain turns an error into one that says what is wrong with the store, if it is about that.
	Explain(err error) error
	Close() error
}

// OpenStore opens the store that the environment names.
func OpenStore(ctx context.Context, at config.Store) (Store, error) {
	if at.IsPostgres() {
		return asStore(postgres.Open(ctx, at.Postgres.Reveal()))
	}
	return asStore(sqlite.Open(ctx, at.SQLite, sqlite.Options{}))
}

// asStore keeps an error from coming with a Store that is not nil.
func asStore[S Store](opened S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// scanner is a store that looks for damage itself, and can be put back. A server looks after its
// own pages.
type scanner interface {
	Scan(ctx context.Context) error
	Restored() int
}

func newStoreWatcher(database Store, logger *slog.Logger, registry prometheus.Registerer) *store.Watcher {
	options := store.WatchOptions{Probe: database.Probe, Logger: logger, Registerer: registry}
	if s, ok := database.(scanner); ok {
		options.Scan, options.Restored = s.Scan, s.Restored
	}
	return store.NewWatcher(options)
}

func closeStore(database Store, logger *slog.Logger) {
	if err := database.Close(); err != nil {
		logger.Error("closing the store", "err", err)
	}
}
