package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/humanize"
	"github.com/postburn/postburn/store/sqlite"
)

// storeCommand looks after the file that the daemon keeps its state in. Both commands work while
// the daemon runs, and write nothing to the store.
type storeCommand struct {
	Check  storeCheckCommand  `cmd:"" help:"Read all of a store and say what is damaged in it. Works while the daemon runs."`
	Backup storeBackupCommand `cmd:"" help:"Copy the store to a file, checked, while the daemon may go on writing to it."`
}

// storeCheckCommand says whether a store is fine.
type storeCheckCommand struct {
	Path string `arg:"" optional:"" help:"The store's file; default: that of $$POSTBURN_STORE."`
}

// Run prints what the store holds. Each thing that is wrong is a line on stderr.
func (c storeCheckCommand) Run(ctx context.Context, s surroundings) error {
	path, err := storePath(ctx, s, c.Path)
	if err != nil {
		return err
	}
	report, err := sqlite.Check(ctx, path, engine.CheckRecovery)
	if err != nil {
		return err
	}
	if err := wrongs(s, path, report); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "store %s is fine: %s\n", path, holds(report))
	return err
}

// storeBackupCommand writes a copy of the store.
type storeBackupCommand struct {
	Dest  string `arg:"" help:"The file to write, with mode 0600."`
	Force bool   `help:"Replace DEST if it is there."`
}

// Run prints what the copy holds. It is written as a whole or not at all.
func (c storeBackupCommand) Run(ctx context.Context, s surroundings) error {
	path, err := storePath(ctx, s, "")
	if err != nil {
		return err
	}
	report, err := sqlite.Backup(ctx, path, c.Dest, c.Force, engine.CheckRecovery)
	if errors.Is(err, sqlite.ErrExists) {
		return usageError{fmt.Errorf("%w; --force replaces it", err)}
	}
	if err != nil {
		return err
	}
	if err := wrongs(s, path, report); err != nil {
		return fmt.Errorf("%w; no backup was written", err)
	}
	_, err = fmt.Fprintf(s.stdout, "backed up store %s to %s: %s\n", path, c.Dest, holds(report))
	return err
}

// storePath is the absolute path of the store to use, for messages that can be read anywhere.
func storePath(ctx context.Context, s surroundings, given string) (string, error) {
	path := strings.TrimPrefix(given, "sqlite:")
	if path == "" {
		var err error
		if path, err = config.LoadStore(ctx, s.lookuper); err != nil {
			return "", usageError{err}
		}
	}
	return filepath.Abs(path)
}

// wrongs prints what is wrong with a store, and returns an error if anything is.
func wrongs(s surroundings, path string, r sqlite.Report) error {
	for _, line := range r.Wrong {
		fmt.Fprintf(s.stderr, "store %s: %s\n", path, line)
	}
	if len(r.Wrong) == 0 {
		return nil
	}
	return fmt.Errorf("found %s in store %s: %s", humanize.Plural(len(r.Wrong), "problem"), path, sqlite.Repair(path))
}

// holds is what is in a store.
func holds(r sqlite.Report) string {
	text := fmt.Sprintf("schema version %d, %s, %s, %s", r.Version, humanize.Plural(r.Lanes, "lane"), humanize.Plural(r.Incidents, "incident"), humanize.Plural(r.Publications, "publication"))
	if r.Version < r.Newest {
		text += fmt.Sprintf("; postburn brings it to version %d when it starts", r.Newest)
	}
	return text
}
