package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/postburn/postburn/store/record"
)

// storeCopyCommand moves an install from one store to another.
type storeCopyCommand struct {
	From string `arg:"" help:"The store to copy: its file, or its address like postgres://user@host/database. A daemon may go on writing to it."`
	To   string `arg:"" help:"An empty store: a file that does not exist, or a database or schema without tables of postburn."`
}

// Run copies a store as it is at one time, reads the copy, and prints what both hold.
func (c storeCopyCommand) Run(ctx context.Context, s surroundings) error {
	from, err := findStore(ctx, s, c.From)
	if err != nil {
		return err
	}
	to, err := findStore(ctx, s, c.To)
	if err != nil {
		return err
	}
	var written, read record.Copy
	err = to.importFrom(ctx, func(sink record.Sink) error {
		written.To = sink
		return from.exportTo(ctx, &written)
	})
	if err != nil {
		return fmt.Errorf("nothing was copied: %w", err)
	}
	if err := to.exportTo(ctx, &read); err != nil {
		return fmt.Errorf("comparing the copy: %w", err)
	}
	fmt.Fprintf(s.stdout, "copied store %s to %s\n", from.name(), to.name())
	for _, line := range written.Lines() {
		fmt.Fprintln(s.stdout, line)
	}
	if want, got := written.Lines(), read.Lines(); !slices.Equal(want, got) {
		for _, line := range got {
			fmt.Fprintln(s.stderr, "the copy has "+line)
		}
		return fmt.Errorf("store %s does not hold what was copied to it: don't use it", to.name())
	}
	_, err = fmt.Fprintln(s.stdout, "the copy was read again and is equal; stop the daemon, and start it with POSTBURN_STORE set to the copy")
	return err
}
