package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo/humanize"
	"github.com/postburn/postburn/store/postgres"
	"github.com/postburn/postburn/store/record"
	"github.com/postburn/postburn/store/sqlite"
)

// storeCommand looks after what the daemon keeps its state in. All commands work while the daemon
// runs, and write nothing to its store.
type storeCommand struct {
	Check  storeCheckCommand  `cmd:"" help:"Read all of a store and say what is damaged in it. Works while the daemon runs."`
	Backup storeBackupCommand `cmd:"" help:"Copy the store of SQLite to a file, checked, while the daemon may go on writing to it."`
	Copy   storeCopyCommand   `cmd:"" help:"Copy a store into an empty one, as from SQLite to PostgreSQL, and compare both."`
}

// storeCheckCommand says whether a store is fine.
type storeCheckCommand struct {
	Store string `arg:"" optional:"" help:"The store's file, or its address like postgres://user@host/database; default: $$POSTBURN_STORE."`
}

// Run prints what the store holds. Each thing that is wrong is a line on stderr.
func (c storeCheckCommand) Run(ctx context.Context, s surroundings) error {
	at, err := findStore(ctx, s, c.Store)
	if err != nil {
		return err
	}
	report, err := at.check(ctx)
	if err != nil {
		return err
	}
	if err := wrongs(s, at, report); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "store %s is fine: %s\n", at.name(), holds(report))
	return err
}

// storeBackupCommand writes a copy of the store.
type storeBackupCommand struct {
	Dest  string `arg:"" help:"The file to write, with mode 0600."`
	Force bool   `help:"Replace DEST if it is there."`
}

// Run prints what the copy holds. It is written as a whole or not at all.
func (c storeBackupCommand) Run(ctx context.Context, s surroundings) error {
	at, err := findStore(ctx, s, "")
	if err != nil {
		return err
	}
	if at.IsPostgres() {
		return usageError{fmt.Errorf("store %s is backed up by PostgreSQL's own programs: pg_dump, or pg_basebackup with archived WAL", at.name())}
	}
	report, err := sqlite.Backup(ctx, at.SQLite, c.Dest, c.Force, engine.CheckRecovery)
	if errors.Is(err, sqlite.ErrExists) {
		return usageError{fmt.Errorf("%w; --force replaces it", err)}
	}
	if err != nil {
		return err
	}
	if err := wrongs(s, at, report); err != nil {
		return fmt.Errorf("%w; no backup was written", err)
	}
	_, err = fmt.Fprintf(s.stdout, "backed up store %s to %s: %s\n", at.name(), c.Dest, holds(report))
	return err
}

// wrongs prints what is wrong with a store, and returns an error if anything is.
func wrongs(s surroundings, at storeAt, r record.Report) error {
	for _, line := range r.Wrong {
		fmt.Fprintf(s.stderr, "store %s: %s\n", at.name(), line)
	}
	if len(r.Wrong) == 0 {
		return nil
	}
	repair := postgres.Repair
	if !at.IsPostgres() {
		repair = sqlite.Repair(at.SQLite)
	}
	return fmt.Errorf("found %s in store %s: %s", humanize.Plural(len(r.Wrong), "problem"), at.name(), repair)
}

// holds is what is in a store.
func holds(r record.Report) string {
	text := fmt.Sprintf("schema version %d, %s, %s, %s", r.Version, humanize.Plural(r.Lanes, "lane"), humanize.Plural(r.Incidents, "incident"), humanize.Plural(r.Publications, "publication"))
	if r.Version < r.Newest {
		text += fmt.Sprintf("; postburn brings it to version %d when it starts", r.Newest)
	}
	return text
}
