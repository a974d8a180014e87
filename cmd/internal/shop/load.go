package shop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// customers is how many requests are under way at the same time at most, each on a connection that
// is kept alive.
const customers = 8

// Load is traffic for a shop.
type Load struct {
	URL    string        // the shop's
	Rate   float64       // requests a second, evenly spaced
	Count  int           // ends after that many requests; 0: no such end
	Length time.Duration // ends after that long; 0: no such end
}

// Run sends requests until its count or length is reached or ctx is done, which is no error.
// Failures that the shop answers with are no error either. It returns an error if the shop can't be
// reached. When it falls behind its schedule it catches up.
func (l Load) Run(ctx context.Context) error {
	if l.Length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Length)
		defer cancel()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: customers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	due := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(due)
		l.schedule(ctx, due)
		return nil
	})
	for range customers {
		g.Go(func() error {
			for range due {
				if err := checkout(ctx, client, l.URL); err != nil && ctx.Err() == nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// schedule sends on `due` when it is time for a request.
func (l Load) schedule(ctx context.Context, due chan<- struct{}) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; l.Count == 0 || i < l.Count; i++ {
		timer.Reset(time.Until(start.Add(time.Duration(float64(i) / l.Rate * float64(time.Second)))))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case <-ctx.Done():
			return
		case due <- struct{}{}:
		}
	}
}

func checkout(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+checkoutPath, http.NoBody)
	if err != nil {
		return fmt.Errorf("checking out: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("checking out: %w", err)
	}
	defer resp.Body.Close()
	// else the connection is not used again
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("checking out: %w", err)
	}
	return nil
}
