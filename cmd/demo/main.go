// Command demo shows postburn at work, in one process and with nothing installed: a small shop with
// real traffic that breaks on a schedule, a Prometheus in the process that scrapes it, and the
// daemon, unchanged, that watches. It tells on the terminal what happens, and ends when the
// post-mortem is complete. It is not part of the product.
//
// Start reading at run in stage.go. The files:
//
//	stage.go   starts the shop, Prometheus and the daemon, and stops them
//	play.go    the schedule: when the shop breaks, and when it is well again
//	watch.go   follows the daemon's API until the post-mortem is complete
//	client.go  the daemon's API
//	screen.go  what is printed
//	slos.yaml  what the shop promises
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it as usual
	dir, err := os.MkdirTemp("", "postburn-demo-")
	if err == nil {
		err = run(ctx, dir, schedule(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}
