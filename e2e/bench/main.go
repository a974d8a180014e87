// Command bench measures what watching objectives costs: the multi-window recording rules of the SRE Workbook and postburn, in one run, on one
// real Prometheus that holds the same counters for both; and how long a postburn that was down takes to catch up, and whether it finds the same
// then. It prints Markdown tables, and exits with 1 where an expectation that docs/engine.md states is not met. `make bench` runs it.
//
// It needs Linux (it reads /proc), the Go toolchain, which builds postburn, and a Prometheus.
// What is counted at all is what the tests and `make accuracy` are for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
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

// sizes are the numbers of objectives that postburn is measured with.
var sizes = [...]int{1, 10, 100, 1_000, 10_000}

// run measures everything, and prints the tables.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	least := flags.Int("least", 1, "leave out smaller numbers of objectives")
	name := flags.String("prometheus", "prometheus", "the program to measure with")
	what := flags.String("what", "rules,separate,group_by,defaults,catchup", "what is measured")
	compared := flags.Int("compared", 0, "how many objectives that have caught up are watched tick by tick as well, at least")
	most := flags.Int("most", sizes[len(sizes)-1], "leave out larger numbers of objectives")
	if err := flags.Parse(args); err != nil {
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
	for _, together := range [][]string{{"rules", string(separate), string(grouped)}, {string(standard)}} { // of data for so long
		together = slices.DeleteFunc(together, func(kind string) bool { return !strings.Contains(*what, kind) })
		if len(together) == 0 {
			continue
		}
		b := bench{dir: filepath.Join(dir, together[0]), postburn: binary, say: say}
		more, err := b.measureCosts(ctx, *name, strings.Join(together, ","), *least, *most)
		if err != nil {
			return err
		}
		version, results = b.prometheus.version, append(results, more...)
	}
	if len(results) > 0 {
		printMachine(stdout, version)
		missed = printTables(stdout, results)
	}
	if strings.Contains(*what, "catchup") {
		b := bench{dir: filepath.Join(dir, "catchup"), postburn: binary, say: say}
		c, err := b.measureCatchUp(ctx, *name, min(*most, promisedFor), *compared)
		if err != nil {
			return fmt.Errorf("catching up: %w", err)
		}
		printMachine(stdout, b.prometheus.version)
		c.print(stdout)
		missed = append(missed, c.missed())
	}
	return errors.Join(missed...)
}

// bench is one run.
type bench struct {
	dir        string
	postburn   string // the binary
	prometheus *server
	idle       float64 // Prometheus' CPU seconds a second while it is asked nothing
	say        func(format string, args ...any)
}

// start starts a Prometheus on a history.
func (b *bench) start(ctx context.Context, name string, write func(data string) error) (err error) {
	if err := os.Mkdir(b.dir, 0o777); err != nil {
		return err
	}
	if err := write(filepath.Join(b.dir, "data")); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	b.prometheus, err = startPrometheus(ctx, b.dir, name)
	return err
}

// measureCosts measures rules and postburn side by side.
func (b *bench) measureCosts(ctx context.Context, name, what string, least, most int) ([]result, error) {
	b.say("writing the history of %d services", most)
	if err := b.start(ctx, name, func(data string) error { return writeHistory(ctx, data, most, time.Now()) }); err != nil {
		return nil, err
	}
	defer b.prometheus.kill()
	return b.measureAll(ctx, what, least, most)
}

func (b *bench) measureAll(ctx context.Context, what string, least, most int) (results []result, err error) {
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
	if strings.Contains(what, "rules") {
		for _, n := range sizes[:2] {
			if err := measure("recording rules", n, func() (result, error) { return b.measureRules(ctx, n) }); err != nil {
				return nil, err
			}
		}
		if err := b.prometheus.load(ctx, nil); err != nil {
			return nil, err
		}
	}
	if strings.Contains(what, "separate") && least == 1 {
		if err := measure("a query of nothing", 1, func() (result, error) { return b.measureNothing(ctx) }); err != nil {
			return nil, err
		}
	}
	for _, k := range []kind{separate, grouped, standard} {
		for _, n := range sizes {
			few := n == 1 && k == grouped || k == standard && 10*n <= most
			if n < least || n > most || few || !strings.Contains(what, string(k)) {
				continue
			}
			if err := measure("postburn, "+string(k), n, func() (result, error) { return b.measurePostburn(ctx, n, k) }); err != nil {
				return nil, err
			}
		}
	}
	return results, nil
}

// pause waits, and returns an error where ctx was done first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
