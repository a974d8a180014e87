package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// result is what a tick, or an evaluation of the rules, costs for n objectives.
type result struct {
	rules      bool
	nothing    bool // a query that reads nothing
	kind       kind // of postburn's objectives
	version    version
	n          int
	ticks      float64 // how many were measured; 0: it is extrapolated
	samples    float64
	prometheus float64 // s of CPU
	postburn   float64 // s of CPU
	memory     float64 // resident, bytes
	peak       float64 // at most, since the start
	written    float64 // bytes
	took       time.Duration
	disturbed  float64 // in a bad hour: the share of ticks in which counters began, ended or fell
}

// What docs/cost.md promises.
const (
	samplesShare = 1.0 / 1000 // of the rules', an objective
	cpuShare     = 1.0 / 100
	fewest       = 10        // objectives for which that is promised: being asked at all has a price, too
	mostMemory   = 512 << 20 // of all objectives together
	mostCPU      = 30.0      // s a tick of 30 s: one core
)

func printMachine(w io.Writer, version string) {
	model := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	fmt.Fprintf(w, "%d cores of %s; Prometheus %s; %s\n\n", runtime.NumCPU(), model, version, runtime.Version())
}

// printTables prints the results, and returns what is not as promised.
func printTables(w io.Writer, results []result) (missed []error) {
	var rules result // of the most objectives that were measured
	for _, r := range results {
		if r.rules {
			rules = r
		}
	}
	var rows []result
	for i, r := range results {
		rows = append(rows, r)
		if r.rules && (i+1 == len(results) || !results[i+1].rules) {
			for _, n := range sizes {
				if n > r.n {
					rows = append(rows, r.times(n))
				}
			}
		}
	}
	fmt.Fprintln(w, "| a tick of | objectives | samples read | Prometheus' CPU | postburn's CPU | its memory | at most | written | takes |")
	fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name(), whole(float64(r.n)), whole(r.samples), seconds(r.prometheus),
			r.ofPostburn(seconds(r.postburn)), r.ofPostburn(size(r.memory)), r.ofPostburn(size(r.peak)), r.ofPostburn(size(r.written)), r.time())
	}
	printDisturbed(w, results)
	printComparison(w, results)
	if rules.n == 0 {
		return nil
	}
	fmt.Fprintln(w, "\n| an objective of | objectives | samples read | Prometheus' CPU | postburn's CPU | its memory | samples: of the rules' | Prometheus' CPU: of the rules' |")
	fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, r := range results {
		n := float64(r.n)
		samples, cpu := r.samples/n*float64(rules.n)/rules.samples, r.prometheus/n*float64(rules.n)/rules.prometheus
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name(), whole(n), whole(r.samples/n), seconds(r.prometheus/n),
			r.ofPostburn(seconds(r.postburn/n)), r.ofPostburn(size(r.memory/n)), r.ofPostburn(share(samples)), r.shareOfCPU(cpu))
		if !r.rules && !r.nothing && r.version == present {
			missed = append(missed, r.missed(samples, cpu)...)
		}
	}
	return missed
}

// printDisturbed says how bad the bad hours were.
func printDisturbed(w io.Writer, results []result) {
	for _, r := range results {
		if r.kind == badHour {
			fmt.Fprintf(w, "\n%s, %s objectives: %.1f %% of their ticks saw counters begin, end or fall.\n", r.name(), whole(float64(r.n)), 100*r.disturbed)
		}
	}
}

// missed are the promises that a result does not keep.
func (r result) missed(samples, cpu float64) (missed []error) {
	miss := func(format string, args ...any) {
		missed = append(missed, fmt.Errorf("%s, %d objectives: "+format, append([]any{r.name(), r.n}, args...)...))
	}
	more := r.kind == standard || r.kind == badHour // the past is read as well, or raw samples
	if samples > samplesShare && !more {
		miss("reads %s of the samples of the rules", share(samples))
	}
	if cpu > cpuShare && r.n >= fewest && !more {
		miss("takes %s of Prometheus' CPU for the rules", share(cpu))
	}
	if r.peak > mostMemory {
		miss("takes up to %s of memory", size(r.peak))
	}
	if r.postburn > mostCPU {
		miss("takes %s of its own CPU", seconds(r.postburn))
	}
	return missed
}

// times is what n objectives would cost, if each costs the same.
func (r result) times(n int) result {
	by := float64(n) / float64(r.n)
	return result{rules: r.rules, n: n, samples: r.samples * by, prometheus: r.prometheus * by}
}

func (r result) name() string {
	switch {
	case r.rules && r.ticks == 0:
		return "rules, extrapolated"
	case r.rules:
		return "rules"
	case r.nothing:
		return "a query of nothing"
	case r.kind == badHour:
		return "postburn, a bad hour" + r.version.suffix()
	case r.kind != separate:
		return "postburn, " + string(r.kind) + r.version.suffix()
	}
	return "postburn" + r.version.suffix()
}

// ofPostburn is a cell that only postburn's rows have.
func (r result) ofPostburn(cell string) string {
	if r.rules || r.nothing {
		return ""
	}
	return cell
}

func (r result) shareOfCPU(cpu float64) string {
	if r.rules {
		return ""
	}
	return share(cpu)
}

func (r result) time() string {
	if r.ticks == 0 || r.nothing {
		return ""
	}
	return seconds(r.took.Seconds())
}

// whole is a number with separators, rounded to three digits.
func whole(x float64) string {
	text := fmt.Sprintf("%.0f", x)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(s float64) string {
	switch {
	case s >= 100:
		return fmt.Sprintf("%.0f s", s)
	case s >= 1:
		return fmt.Sprintf("%.1f s", s)
	case s >= 0.1:
		return fmt.Sprintf("%.0f ms", s*1e3)
	}
	return fmt.Sprintf("%.2g ms", s*1e3)
}

func size(n float64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%.0f MiB", n/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", n/(1<<10))
}

func share(x float64) string { return fmt.Sprintf("1/%.0f", 1/x) }
