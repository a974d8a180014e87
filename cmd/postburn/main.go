package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendar windows have time zones, which an image FROM scratch does not

	"github.com/sethvargo/go-envconfig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	stdout, stderr := printable(os.Stdout), printable(os.Stderr)
	err := run(ctx, os.Args[1:], envconfig.OsLookuper(), stdout, stderr)
	stop()
	if err != nil {
		fmt.Fprintf(stderr, "postburn: %v\n", err)
	}
	os.Exit(exitCode(err))
}

// usageError is the error of a command that was called wrongly.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitCode is 0 for fine, 1 for something wrong that was found, and 2 for wrong usage.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return 2
	}
	return 1
}
