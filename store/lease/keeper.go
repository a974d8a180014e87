package lease

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// defaultTTL is how long a replica may be silent before others take its leases. They notice
	// within a third of it, so a replica that dies is replaced after at most 20 s.
	defaultTTL = 15 * time.Second
	// mostRepeats bounds the requests that follow at once: others may be faster, and a lease that a
	// commit holds can't be had for a while.
	mostRepeats = 3
	// goodbye is how long a replica that ends may take to give up its leases.
	goodbye = 5 * time.Second
)

var errNotYet = errors.New("the leases have not been renewed yet")

// Options of a Keeper. Replica, Table and Follow are required.
type Options struct {
	Replica string // a name that no other process has ever had, such as its host's with a random number
	Table   Table
	TTL     time.Duration // 0: 15 s

	// Follow starts and stops what writes, so that it is what the claims allow. When it returns,
	// nothing is being written under other leases. It is called whenever the claims have changed,
	// one call after the other, and with none at the end. After an error Run ends with it.
	Follow func(ctx context.Context, claims Claims) error

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Keeper holds a replica's share of the leases.
type Keeper struct {
	Options
	metrics *metrics
	changed chan struct{} // has room for one: the claims have changed

	mu       sync.Mutex
	ledger   Ledger
	replicas int   // that lived at the last request
	problem  error // why it failed
}

// New makes a Keeper that holds nothing before Run.
func New(o Options) *Keeper {
	if o.TTL == 0 {
		o.TTL = defaultTTL
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{Options: o, changed: make(chan struct{}, 1), ledger: Ledger{Replica: o.Replica, TTL: o.TTL}}
	k.metrics = newMetrics(o.Registerer, k.held)
	return k
}

// held returns how many leases this replica holds for sure.
func (k *Keeper) held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ledger.Lasts(time.Now()) {
		return 0
	}
	return len(k.ledger.Claims)
}

// Run holds leases until ctx is done, and then gives them up.
func (k *Keeper) Run(ctx context.Context) error {
	asking, stop := context.WithCancel(context.WithoutCancel(ctx)) // leases live on while Follow stops what writes
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.ask(asking)
	}()
	err := k.follow(ctx)
	stop()
	<-done
	return err
}

// follow calls Follow whenever the claims have changed, until ctx is done; then with none.
func (k *Keeper) follow(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return k.Follow(context.WithoutCancel(ctx), Claims{})
		case <-k.changed:
		}
		if err := k.Follow(ctx, k.claims()); err != nil {
			return err
		}
	}
}

// ask renews the leases until ctx is done, and then gives them up. The first request only says that
// this replica is there: if several start together, none takes, and loads, what is for the others.
func (k *Keeper) ask(ctx context.Context) {
	for joined := false; ctx.Err() == nil; {
		more, err := k.renew(ctx)
		k.note(ctx, err)
		for repeats := 0; joined && more && repeats < mostRepeats; repeats++ {
			more, err = k.renew(ctx)
			k.note(ctx, err)
		}
		joined = joined || err == nil
		timer := time.NewTimer(k.TTL / 3)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if _, err := k.Table.Renew(ctx, Request{Replica: k.Replica, TTL: k.TTL, Leave: true}); err != nil {
		k.Logger.Warn("could not give up the leases; others take them once they have expired", "ttl", k.TTL, "err", err)
	}
}

// renew asks the table once. It reports whether there is more to ask for at once.
func (k *Keeper) renew(ctx context.Context) (more bool, err error) {
	k.mu.Lock()
	r := k.ledger.Next()
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, k.TTL/3)
	defer cancel()
	sent := time.Now()
	s, err := k.Table.Renew(ctx, r)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.ledger.Claims
	more = k.ledger.Note(s, sent)
	k.replicas = len(s.Replicas)
	k.metrics.replicas.Set(float64(k.replicas))
	if !maps.Equal(k.ledger.Claims, before) {
		k.Logger.Info("leases have changed hands", "held", len(k.ledger.Claims), "replicas", len(s.Replicas))
		ring(k.changed)
	}
	return more, nil
}

// note logs and counts a failure when it begins, and when it is over.
func (k *Keeper) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	before := k.problem
	k.problem = err
	k.mu.Unlock()
	switch {
	case err != nil && before == nil:
		k.Logger.Warn("renewing the leases", "err", err)
	case err == nil && before != nil:
		k.Logger.Info("the leases are renewed again")
	}
	if err != nil {
		k.metrics.failures.Inc()
	}
}

func (k *Keeper) claims() Claims {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ledger.Claims
}

// Lost tells that the store refused to write under a lease, as another replica has taken it.
func (k *Keeper) Lost(lease Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ledger.Lose(lease)
	ring(k.changed)
}

// Holds reports whether this replica holds a lease for sure: no other one can have taken it yet.
// The store need not be asked for that. It is for what no store can fence, such as requests to a
// tracker.
func (k *Keeper) Holds(lease Lease) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	fence, claimed := k.ledger.Claims[lease.Name]
	return claimed && fence == lease.Fence && k.ledger.Lasts(time.Now())
}

// Part returns how many replicas there are, as far as this one knows, and the leases that it holds.
func (k *Keeper) Part() (replicas int, claims Claims) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.replicas, k.ledger.Claims
}

// Problem returns why this replica takes no part: it has not been able to renew its leases for as
// long as they last. It returns nil while all is well.
func (k *Keeper) Problem() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ledger.Lasts(time.Now()) {
		return nil
	}
	if k.problem != nil {
		return k.problem
	}
	return errNotYet
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default: // somebody is about to look
	}
}
