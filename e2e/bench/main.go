// Command bench measures what watching objectives costs: the multi-window recording rules of the
// SRE Workbook and postburn, in one run, on one real Prometheus that holds the same counters for
// both. It also measures how long a postburn that was down takes to catch up, and checks that it
// finds the same incidents then, and what a replay of 30 days takes. `-what replicas` measures many
// objectives over several replicas, with a simulated Prometheus. With -beside, an older
// postburn is measured in the same run; replays of both have to find the same incidents.
//
// It prints Markdown tables, and exits with 1 if an expectation that docs/cost.md states is not
// met. `make bench` and `make bench-replicas` run it.
//
// It needs Linux (it reads /proc), the Go toolchain, which builds postburn, and a Prometheus or
// PostgreSQL.
// The tests and `make accuracy` check what is counted.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// run measures everything, and prints the tables.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == simulateCommand {
		return simulate(ctx, args[1], stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "postburn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
	}
	binary, err := build(ctx, dir)
	if err != nil {
		return err
	}
	var missed []error
	var version string
	var results []result
	for _, together := range onePrometheus {
		b := bench{options: o, postburn: binary, say: say}
		if b.what = slices.DeleteFunc(slices.Clone(together), func(what string) bool { return !o.measures(what) }); len(b.what) == 0 {
			continue
		}
		b.dir = filepath.Join(dir, b.what[0])
		more, err := b.measureCosts(ctx)
		if err != nil {
			return err
		}
		version, results = b.prometheus.version, append(results, more...)
	}
	if len(results) > 0 {
		printMachine(stdout, version)
		missed = printTables(stdout, results)
	}
	for _, part := range []struct {
		name   string
		report func(*bench, context.Context, io.Writer) (missed error, err error)
	}{{catchingUp, (*bench).reportCatchUp}, {replaying, (*bench).reportReplays}, {replicating, (*bench).reportReplicas}} {
		if !o.measures(part.name) {
			continue
		}
		b := bench{options: o, dir: filepath.Join(dir, part.name), postburn: binary, say: say}
		more, err := part.report(&b, ctx, stdout)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", part.name, err)
		}
		missed = append(missed, more)
	}
	return errors.Join(missed...)
}

// reportCatchUp measures catching up, prints it, and returns what is not as promised.
func (b *bench) reportCatchUp(ctx context.Context, w io.Writer) (missed, err error) {
	c, err := b.measureCatchUp(ctx, min(b.most, promisedFor))
	if err != nil {
		return nil, err
	}
	printMachine(w, b.prometheus.version)
	printCatchUp(w, c)
	return c[0].missed(), nil
}

// reportReplays does the same with replays.
func (b *bench) reportReplays(ctx context.Context, w io.Writer) (missed, err error) {
	all, err := b.measureReplays(ctx)
	if err != nil {
		return nil, err
	}
	printMachine(w, b.prometheus.version)
	printReplays(w, all)
	for _, r := range all {
		missed = errors.Join(missed, r.missed())
	}
	return missed, nil
}

// reportReplicas does the same with replicas. What was measured before a failure is printed.
func (b *bench) reportReplicas(ctx context.Context, w io.Writer) (missed, err error) {
	all, err := b.measureReplicas(ctx)
	if len(all) > 0 {
		printMachine(w, "simulated")
		printReplicas(w, all)
	}
	for _, c := range all {
		missed = errors.Join(missed, c.missed())
	}
	return missed, err
}

// bench is what is measured on one Prometheus.
type bench struct {
	options
	dir        string
	postburn   string // the binary
	prometheus *server
	churn      *churn    // what restarts in a bad hour; nil: it is none
	end        time.Time // of the data
	idle       float64   // Prometheus' CPU seconds a second while it is asked nothing
	rows       int       // of postburn, so far
	say        func(format string, args ...any)
}

// start starts a Prometheus on a history.
func (b *bench) start(ctx context.Context, write func(data string) error) (err error) {
	if err := os.Mkdir(b.dir, 0o777); err != nil {
		return err
	}
	if err := write(filepath.Join(b.dir, "data")); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	b.prometheus, err = startPrometheus(ctx, b.dir, b.program)
	return err
}

// measureCosts measures rules and postburn side by side.
func (b *bench) measureCosts(ctx context.Context) ([]result, error) {
	b.say("writing the history of %d services", b.most)
	now := time.Now()
	b.end = recently(now).Add(shortPast + future*time.Duration(len(b.versions())))
	err := b.start(ctx, func(data string) error {
		if b.measures(string(badHour)) {
			b.churn = newChurn(b.most, now, b.end)
			return b.churn.write(ctx, data, b.most)
		}
		return writeHistory(ctx, data, b.most, now, b.end)
	})
	if err != nil {
		return nil, err
	}
	defer b.prometheus.kill()
	return b.measureAll(ctx)
}

func (b *bench) measureAll(ctx context.Context) (results []result, err error) {
	if b.idle, err = b.measureIdle(ctx); err != nil {
		return nil, err
	}
	measure := func(what string, n int, measure func() (result, error)) error {
		b.say("%s, %d objectives", what, n)
		r, err := measure()
		if err != nil {
			return fmt.Errorf("measuring %s with %d objectives: %w", what, n, err)
		}
		b.say("  an objective: %s samples, %s of Prometheus' CPU, %s of postburn's", whole(r.samples/float64(n)), seconds(r.prometheus/float64(n)), seconds(r.postburn/float64(n)))
		results = append(results, r)
		return nil
	}
	if b.measures(recordingRules) {
		for _, n := range sizes[:2] {
			if err := measure("recording rules", n, func() (result, error) { return b.measureRules(ctx, n) }); err != nil {
				return nil, err
			}
		}
		if err := b.prometheus.load(ctx, nil); err != nil {
			return nil, err
		}
	}
	if b.measures(string(separate)) && b.least == 1 {
		if err := measure("a query of nothing", 1, func() (result, error) { return b.measureNothing(ctx) }); err != nil {
			return nil, err
		}
	}
	for _, k := range []kind{separate, grouped, badHour, standard} {
		for _, n := range b.sizesOf(k) {
			for _, v := range b.versions() {
				err := measure("postburn, "+string(k)+v.suffix(), n, func() (result, error) { return b.measurePostburn(ctx, n, k, v) })
				if err != nil {
					return nil, err
				}
			}
			b.rows++
			slices.SortStableFunc(results[len(results)-len(b.versions()):], func(x, y result) int { return cmp.Compare(x.version, y.version) })
		}
	}
	return results, nil
}

// pause waits, and returns an error if ctx was done first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
