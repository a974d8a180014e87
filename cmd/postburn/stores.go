package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	reports "github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/store/postgres"
	"github.com/postburn/postburn/store/record"
	"github.com/postburn/postburn/store/sqlite"
)

// storeAt is a store that commands read, whichever the database. A daemon may go on writing to it.
type storeAt struct{ config.Store }

// findStore returns the store to use: a file or an address that was given, or that of the
// environment. The path of a file is absolute, for messages that can be read anywhere.
func findStore(ctx context.Context, s surroundings, given string) (at storeAt, err error) {
	switch {
	case config.IsDatabaseAddress(given):
		at.Store, _ = config.ParseStore(given)
	case strings.TrimPrefix(given, "sqlite:") != "":
		at.SQLite = strings.TrimPrefix(given, "sqlite:")
	default:
		if at.Store, err = config.LoadStore(ctx, s.lookuper); err != nil {
			return at, usageError{err}
		}
	}
	if !at.IsPostgres() {
		at.SQLite, err = filepath.Abs(at.SQLite)
	}
	return at, err
}

// name is what messages call it: the path, or the address without user and password.
func (at storeAt) name() string {
	if at.IsPostgres() {
		return at.Postgres.String()
	}
	return at.SQLite
}

// check reads all of the store.
func (at storeAt) check(ctx context.Context) (report record.Report, err error) {
	if !at.IsPostgres() {
		return sqlite.Check(ctx, at.SQLite, engine.CheckRecovery)
	}
	err = at.inspect(ctx, func(i *postgres.Inspector) error {
		report, err = i.Check(ctx, engine.CheckRecovery)
		return err
	})
	return report, err
}

// report reads what a report is made of.
func (at storeAt) report(ctx context.Context, p reports.Period, now time.Time) (in reports.Input, err error) {
	read := func(from daemon.RecordReader) error {
		in, err = daemon.ReadReport(ctx, from, p, now)
		return err
	}
	if at.IsPostgres() {
		err = at.inspect(ctx, func(i *postgres.Inspector) error { return read(i) })
	} else {
		err = sqlite.Inspect(ctx, at.SQLite, func(r sqlite.Recorder) error { return read(r) })
	}
	return in, err
}

// triaged reads the incidents with an onset or an end after `since`, newest onset first.
func (at storeAt) triaged(ctx context.Context, since time.Time) (all []record.Triaged, err error) {
	if !at.IsPostgres() {
		return sqlite.ReadTriage(ctx, at.SQLite, since)
	}
	err = at.inspect(ctx, func(i *postgres.Inspector) error {
		all, err = i.Triaged(ctx, since)
		return err
	})
	return all, err
}

func (at storeAt) inspect(ctx context.Context, do func(*postgres.Inspector) error) error {
	i, err := postgres.Inspect(ctx, at.Postgres.Reveal())
	if err != nil {
		return err
	}
	defer i.Close()
	return do(i)
}

// exportTo passes on all that the store holds.
func (at storeAt) exportTo(ctx context.Context, to record.Sink) error {
	if !at.IsPostgres() {
		return sqlite.Export(ctx, at.SQLite, to)
	}
	return at.inspect(ctx, func(i *postgres.Inspector) error { return i.Export(ctx, to) })
}

// importFrom fills the store, if it is empty.
func (at storeAt) importFrom(ctx context.Context, from func(record.Sink) error) error {
	if !at.IsPostgres() {
		return sqlite.Import(ctx, at.SQLite, from)
	}
	return postgres.Import(ctx, at.Postgres.Reveal(), from)
}
