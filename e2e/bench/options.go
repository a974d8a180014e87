package main

import (
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sizes are the numbers of objectives that postburn is measured with.
var sizes = [...]int{1, 10, 100, 1_000, 10_000}

// options say what is measured, and with which programs.
type options struct {
	program     string   // Prometheus
	beside      string   // an older postburn that is measured as well, if any
	what        []string // of everything
	least, most int      // objectives
	ticks       int      // of each row; 0: as many as pace says
	compared    int
	objectives  int  // over ...
	replicas    int  // ... so many; they are ...
	replicated  kind // ... separate or standard
}

// What can be measured, besides the kinds of objectives.
const (
	recordingRules = "rules"
	catchingUp     = "catchup"
	replaying      = "replay"
	replicating    = "replicas"
)

// everything is what can be measured, and unless a flag says otherwise all but the last is.
var everything = [...]string{recordingRules, string(separate), string(grouped), string(badHour), string(standard), catchingUp, replaying, replicating}

// onePrometheus is what is measured on the same Prometheus.
var onePrometheus = [...][]string{{recordingRules, string(separate), string(grouped)}, {string(badHour)}, {string(standard)}}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.beside, "beside", "", "an older postburn, measured as well; its rows and the ratios are printed")
	flags.IntVar(&o.compared, "compared", 0, "how many objectives that have caught up are watched tick by tick as well, at least")
	flags.IntVar(&o.least, "least", 1, "leave out smaller numbers of objectives")
	flags.IntVar(&o.most, "most", sizes[len(sizes)-1], "leave out larger numbers of objectives")
	flags.IntVar(&o.objectives, "objectives", 100_000, "of several replicas")
	defaults := flags.Bool("defaults", false, "objectives of several replicas have the default rules and a window of 30d, whose past takes long to read")
	flags.IntVar(&o.replicas, "replicas", 4, "how many replicas share the objectives")
	flags.StringVar(&o.program, "prometheus", "prometheus", "the program to measure with")
	flags.IntVar(&o.ticks, "ticks", 0, "measure so many ticks of each row, which is quicker and less exact; 0: as many as docs/benchmarks.md says")
	what := flags.String("what", strings.Join(everything[:len(everything)-1], ","), "what is measured: some of "+strings.Join(everything[:], ","))
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.replicated = separate; *defaults {
		o.replicated = standard
	}
	o.what = strings.Split(*what, ",")
	for _, w := range o.what {
		if !slices.Contains(everything[:], w) {
			return o, fmt.Errorf("-what: %q is none of %s", w, strings.Join(everything[:], ", "))
		}
	}
	if o.beside != "" {
		if o.beside, err = exec.LookPath(o.beside); err != nil {
			return o, fmt.Errorf("-beside: %w", err)
		}
		o.beside, err = filepath.Abs(o.beside)
	}
	return o, err
}

// measures reports whether something is to be measured.
func (o options) measures(what string) bool { return slices.Contains(o.what, what) }

// sizesOf returns the numbers of objectives of a kind that are measured.
func (o options) sizesOf(k kind) (all []int) {
	for _, n := range sizes {
		few := n == 1 && (k == grouped || k == badHour) || k == standard && 10*n <= o.most
		many := k == badHour && n > manyServices
		if n >= o.least && n <= o.most && !few && !many && o.measures(string(k)) {
			all = append(all, n)
		}
	}
	return all
}

// pace returns the interval of a row's ticks and how many are measured, which a flag can change.
func (o options) pace(n int, k kind) (interval time.Duration, ticks int) {
	interval, ticks = pace(n, k)
	if o.ticks > 0 {
		ticks = o.ticks
	}
	return interval, ticks
}

// idleFor returns how long an idle Prometheus is measured: as long as the longest row, if the rows
// are short.
func (o options) idleFor() time.Duration {
	const most = 40 * time.Second
	if o.ticks == 0 || o.measures(recordingRules) {
		return most
	}
	longest, _ := pace(o.most, separate)
	return min(most, time.Duration(o.ticks)*longest)
}
