// Command server runs a shop as a process of its own, for the end-to-end tests. Its first line of
// output is JSON with the addresses of the shop and its control. It sends itself traffic once it is
// asked to, and runs until it is told to stop.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/cmd/internal/shop"
)

func main() {
	rate := flag.Float64("rate", 60, "requests a second, once POST /traffic asked for them")
	address := flag.String("address", "127.0.0.1:0", "where the shop itself is opened")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address, *rate, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "shop: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string, rate float64, stdout io.Writer) (err error) {
	s, err := shop.Open(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening the control: %w", err)
	}
	asked := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.Handle("/", s.Control())
	mux.HandleFunc("POST /traffic", func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default: // once is enough
		}
	})
	if err := json.NewEncoder(stdout).Encode(map[string]string{"shop": s.URL(), "control": "http://" + listener.Addr().String()}); err != nil {
		return fmt.Errorf("saying where the shop is: %w", err)
	}
	control := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := control.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving the control: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return control.Close()
	})
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
			return shop.Load{URL: s.URL(), Rate: rate}.Run(ctx)
		}
	})
	return g.Wait()
}
