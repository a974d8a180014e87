package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	filesOf         = 1_000            // objectives in an SLO file
	replicaInterval = 30 * time.Second // of ticks, the default
	replicaTicks    = checkEvery       // that are measured: of so many, one is read a second time
	settling        = 2                // ticks after the past was read, before those
	besideSQLite    = 10_000           // objectives at which PostgreSQL is measured beside SQLite
)

// Metrics of the simulated Prometheus.
const (
	rangeQueries   = "simulated_range_queries_total"
	instantValues  = "simulated_instant_values_total"
	refusedQueries = "simulated_queries_refused_total"
)

// replicas is how a row of replicas is run.
type replicas struct {
	objectives, count int
	postgres          bool // else SQLite, of one replica
}

// replicasCost is what the ticks of a row cost.
type replicasCost struct {
	replicas
	ticks      int
	took, most time.Duration // from when a tick is due until its last lane is committed: on average, and at most
	cpu        []float64     // s of a tick, each replica's
	memory     []float64     // bytes at the end, and ...
	peak       []float64     // ... at most since the start
	prometheus float64       // s of CPU a tick, of the simulated Prometheus
	scrape     time.Duration // of a replica's metrics, after the ticks: the longest
	replaced   time.Duration // from when a replica is killed until the others have committed the newest tick of all lanes
	databaseUse
}

// measureReplicas measures many objectives over several replicas, and PostgreSQL beside SQLite with
// fewer and one.
func (b *bench) measureReplicas(ctx context.Context) (all []replicasCost, err error) {
	few := min(besideSQLite, b.objectives)
	rows := []replicas{{few, 1, false}, {few, 1, true}, {b.objectives, b.replicas, true}}
	for _, r := range slices.Compact(rows) {
		if r.objectives < b.least {
			continue
		}
		b.say("%d objectives, %s, %d replicas", r.objectives, r.store(), r.count)
		c, err := b.measureReplicasOf(ctx, r)
		if err != nil {
			return all, fmt.Errorf("measuring %d objectives with %s and %d replicas: %w", r.objectives, r.store(), r.count, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (r replicas) store() string {
	if r.postgres {
		return "PostgreSQL"
	}
	return "SQLite"
}

// cluster is what runs while a row is measured.
type cluster struct {
	prometheus *process // simulated
	url        string   // its
	database   database
	replicas   []*replica
}

// replica is one postburn of several.
type replica struct {
	*process
	url string
}

func (c *cluster) end() {
	for _, r := range c.replicas {
		r.kill()
	}
	if c.prometheus != nil {
		c.prometheus.kill()
	}
	if c.database != nil {
		_ = c.database.Close() // its folder goes anyway
	}
}

func (b *bench) measureReplicasOf(ctx context.Context, r replicas) (cost replicasCost, err error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", r.store(), r.count))
	c := &cluster{}
	defer c.end()
	if err := b.startCluster(ctx, c, dir, r); err != nil {
		return cost, err
	}
	begun := time.Now()
	if err := c.awaitPast(ctx, r.objectives); err != nil {
		return cost, fmt.Errorf("reading the past: %w", err)
	}
	used, err := c.usages()
	if err != nil {
		return cost, err
	}
	b.say("  the past is read, in %s; the first replica took %.1f s of CPU and at most %.0f MiB, Prometheus %.1f s",
		time.Since(begun).Round(time.Second), used[0].cpu, used[0].peak/(1<<20), used[r.count].cpu)
	for range settling {
		if _, err := c.awaitTick(ctx); err != nil {
			return cost, err
		}
	}
	if cost, err = b.measureReplicaTicks(ctx, c, r); err != nil {
		return cost, err
	}
	if cost.scrape, err = c.scrape(ctx); err != nil {
		return cost, err
	}
	if r.count > 1 {
		cost.replaced, err = c.replace(ctx)
	}
	return cost, errors.Join(err, c.verify(ctx))
}

// startCluster starts the simulated Prometheus, the database, and then all replicas at once.
func (b *bench) startCluster(ctx context.Context, c *cluster, dir string, r replicas) (err error) {
	if err := b.writeSLOFiles(filepath.Join(dir, "slos"), r.objectives); err != nil {
		return err
	}
	if c.prometheus, c.url, err = startSimulated(ctx, dir); err != nil {
		return err
	}
	if c.database, err = startDatabase(ctx, dir, r.postgres); err != nil {
		return err
	}
	for i := range r.count {
		started, err := b.startReplica(c, dir, i)
		if err != nil {
			return err
		}
		c.replicas = append(c.replicas, started)
	}
	return nil
}

// writeSLOFiles writes objectives, ten to a service.
func (b *bench) writeSLOFiles(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for first := 0; first < n; first += filesOf {
		var text strings.Builder
		text.WriteString(defaultsOf(b.replicated))
		for i := first; i < min(first+filesOf, n); i++ {
			writeSLO(&text, serviceName(i), groupName(i), fmt.Sprintf("service=%q", serviceName(i)))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.yaml", first)), []byte(text.String()), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// startSimulated runs the simulated Prometheus in a process of its own, on one CPU.
func startSimulated(ctx context.Context, dir string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	p, err := start(filepath.Join(dir, "prometheus.log"), []string{"GOMAXPROCS=1"}, self, simulateCommand, address)
	if err != nil {
		return nil, "", err
	}
	url := "http://" + address
	return p, url, p.await(ctx, time.Minute, 10*time.Millisecond, func() error { _, err := get(ctx, url+"/-/ready"); return err })
}

func (b *bench) startReplica(c *cluster, dir string, i int) (*replica, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := start(filepath.Join(dir, fmt.Sprintf("replica-%d.log", i)), []string{
		"POSTBURN_PROMETHEUS_URL=" + c.url,
		"POSTBURN_SLO_PATH=" + filepath.Join(dir, "slos"),
		"POSTBURN_INTERVAL=" + replicaInterval.String(),
		"POSTBURN_DELAY=" + delay.String(),
		"POSTBURN_STORE=" + c.database.address(),
		"POSTBURN_TRACKER=local",
		"POSTBURN_LOCAL_DIR=" + filepath.Join(dir, "postmortems"),
		"POSTBURN_LISTEN=" + address,
	}, b.postburn, "run")
	return &replica{p, "http://" + address}, err
}

// alive returns an error if something that should run has ended.
func (c *cluster) alive() error {
	all := []error{c.prometheus.alive()}
	for _, r := range c.replicas {
		all = append(all, r.alive())
	}
	return errors.Join(all...)
}

// awaitPast waits until all objectives were asked about in two intervals, and nothing of the past
// was: then all of that is read, and no lane is behind. Replicas are not asked, as a scrape of many
// objectives takes long.
func (c *cluster) awaitPast(ctx context.Context, objectives int) error {
	const values = 3 // of an objective and tick: what was counted by code, and the number of series
	before, err := c.asked(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*replicaInterval); err != nil {
		return err
	}
	return c.prometheus.await(ctx, fillLimit, 2*replicaInterval, func() error { // of two ticks, one is whole
		now, err := c.asked(ctx)
		if err == nil {
			err = c.alive()
		}
		if err != nil {
			return err
		}
		past, ticks := now[rangeQueries]-before[rangeQueries], now[instantValues]-before[instantValues]
		if before = now; past > 0 || ticks < float64(values*objectives) {
			return fmt.Errorf("%.0f queries about the past, and %.0f of %d objectives were asked about in two intervals", past, ticks/values, objectives)
		}
		return nil
	})
}

// asked returns how much the simulated Prometheus was asked.
func (c *cluster) asked(ctx context.Context) (map[string]float64, error) {
	body, err := get(ctx, c.url+"/metrics")
	if err != nil {
		return nil, err
	}
	return sumMetrics(body)
}

// awaitTick waits for the next tick, and returns how long after it was due all lanes had committed
// it.
func (c *cluster) awaitTick(ctx context.Context) (time.Duration, error) {
	tick := time.Now().Add(-delay).Truncate(replicaInterval).Add(replicaInterval)
	due := tick.Add(delay)
	if err := pause(ctx, time.Until(due)); err != nil {
		return 0, err
	}
	err := c.prometheus.await(ctx, 5*time.Minute, 20*time.Millisecond, func() error {
		cursor, err := c.database.cursor(ctx)
		if err == nil && cursor.Before(tick) {
			err = errors.Join(c.alive(), fmt.Errorf("a lane is %s behind", tick.Sub(cursor)))
		}
		return err
	})
	return time.Since(due), err
}

// measureReplicaTicks measures the next ticks.
func (b *bench) measureReplicaTicks(ctx context.Context, c *cluster, r replicas) (cost replicasCost, err error) {
	cost.replicas, cost.ticks = r, replicaTicks
	if b.ticks > 0 {
		cost.ticks = b.ticks
	}
	if err := c.database.begin(ctx); err != nil {
		return cost, err
	}
	before, err := c.usages()
	if err != nil {
		return cost, err
	}
	for range cost.ticks {
		took, err := c.awaitTick(ctx)
		if err != nil {
			return cost, err
		}
		cost.took += took / time.Duration(cost.ticks)
		cost.most = max(cost.most, took)
	}
	now, err := c.usages()
	if err != nil {
		return cost, err
	}
	if cost.databaseUse, err = c.database.used(ctx, cost.ticks); err != nil {
		return cost, err
	}
	for i, u := range now {
		cpu := (u.cpu - before[i].cpu) / float64(cost.ticks)
		if i == len(c.replicas) {
			cost.prometheus = cpu
			break
		}
		cost.cpu, cost.memory, cost.peak = append(cost.cpu, cpu), append(cost.memory, u.memory), append(cost.peak, u.peak)
		if !r.postgres {
			cost.written += (u.written - before[i].written) / float64(cost.ticks)
		}
	}
	return cost, nil
}

// scrape asks each replica for its metrics, and returns how long the slowest took.
func (c *cluster) scrape(ctx context.Context) (most time.Duration, err error) {
	for _, r := range c.replicas {
		begun := time.Now()
		if _, err := get(ctx, r.url+"/metrics"); err != nil {
			return most, err
		}
		most = max(most, time.Since(begun))
	}
	return most, nil
}

// replace kills a replica, and returns how long it takes until the others have committed the newest
// tick that is due, of all lanes.
func (c *cluster) replace(ctx context.Context) (time.Duration, error) {
	if _, err := c.awaitTick(ctx); err != nil {
		return 0, err
	}
	c.replicas[0].kill()
	c.replicas = c.replicas[1:]
	begun := time.Now()
	err := pause(ctx, replicaInterval) // a tick becomes due that the lanes of the dead one lack
	if err == nil {
		err = c.prometheus.await(ctx, 5*time.Minute, 100*time.Millisecond, func() error {
			newest := time.Now().Add(-delay).Truncate(replicaInterval)
			cursor, err := c.database.cursor(ctx)
			if err == nil && cursor.Before(newest) {
				err = errors.Join(c.alive(), fmt.Errorf("a lane is %s behind", newest.Sub(cursor)))
			}
			return err
		})
	}
	return time.Since(begun), err
}

// usages are those of the replicas, and of the simulated Prometheus at the end.
func (c *cluster) usages() (all []usage, err error) {
	for _, r := range c.replicas {
		u, err := r.usage()
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	u, err := c.prometheus.usage()
	return append(all, u), err
}

// verify returns an error if what was measured is not what it should have been.
func (c *cluster) verify(ctx context.Context) error {
	m, err := c.asked(ctx)
	if err != nil {
		return err
	}
	if n := m[refusedQueries]; n > 0 {
		return fmt.Errorf("the simulated Prometheus can't answer %.0f queries: see its log", n)
	}
	return nil
}
