//go:build e2e

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postburn/postburn/internal/seed"
)

const (
	soakObjectives = 1000        // 200 SLOs, and 100 label sets each of eight more
	soakInterval   = time.Second // 2,880 ticks, a day of 30 s each, are 48 minutes
	soakLimit      = 128 << 20   // bytes of memory that the daemon may have
	soakShort      = time.Minute // unless SOAK says how long
)

// TestSoak watches 1,000 objectives under a hard limit of memory while services fail now and then.
// What the daemon holds has to stay as it is: memory, goroutines, file descriptors and what a tick
// adds to the store. It takes a minute, or as long as SOAK says: `make soak`.
func TestSoak(t *testing.T) {
	lasting, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), soakShort.String()))
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	fleet := newFleet(t)
	prometheus := newPrometheus(t, strings.TrimPrefix(fleet.URL, "http://"))
	prometheus.configure(fmt.Sprintf("global: {scrape_interval: %s}\nscrape_configs:\n  - job_name: fleet\n    static_configs: [{targets: [%q]}]\n",
		soakInterval, strings.TrimPrefix(fleet.URL, "http://")))
	prometheus.start()
	prometheus.awaitResult(`count(http_requests_total) > 1000`)
	p := newPostburn(t, prometheus.url(), fleet.slos(), "POSTBURN_INTERVAL="+soakInterval.String(), "POSTBURN_DELAY=3s",
		fmt.Sprintf("GOMEMLIMIT=%d", soakLimit*9/10))
	p.start(underLimit(t, soakLimit)...)
	await(t, 10*time.Minute, "all objectives to be watched", func() error {
		behind, err := p.metric("postburn_backfill_remaining_seconds")
		if err == nil && behind > 0 {
			err = fmt.Errorf("%v s of the past to read", behind)
		}
		return errors.Join(err, p.alive())
	})
	var all []footprint
	for began := time.Now(); time.Since(began) < lasting; pass(max(time.Second, lasting/500)) {
		switch found, err := p.footprint(t); {
		case err == nil:
			all = append(all, found)
		case p.alive() != nil:
			t.Fatal(p.alive())
		default:
			t.Log("not measured: ", err) // this machine has other work
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d measurements", len(all))
	}
	middle, last := all[len(all)/3:2*len(all)/3], all[2*len(all)/3:]
	t.Logf("after %d measurements: %s; then %s; peak %d MiB; %d post-mortems", len(all)/3, meanOf(middle), meanOf(last), p.memory(t, peak)>>20, len(p.postMortems()))
	if most := p.memory(t, peak); most > soakLimit {
		t.Errorf("it had %d MiB", most>>20)
	}
	flat(t, middle, last, "MiB of memory", 1.1, 4, func(f footprint) float64 { return f.memory / (1 << 20) })
	flat(t, middle, last, "goroutines", 1.1, 10, func(f footprint) float64 { return f.goroutines })
	flat(t, middle, last, "file descriptors", 1, 4, func(f footprint) float64 { return f.descriptors })
	flat(t, middle, last, "KiB of the store", 1.1, soakTick*lasting.Seconds()/3/soakInterval.Seconds(), func(f footprint) float64 { return f.store / 1024 })
	if len(p.postMortems()) == 0 {
		t.Error("no service failed")
	}
	if code := p.stop(10 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// soakTick is what a tick of 1,000 objectives may add to the store, in KiB, until it is compacted.
const soakTick = 40

// footprint is what the daemon holds at one time.
type footprint struct{ memory, goroutines, descriptors, store float64 }

func (f footprint) String() string {
	return fmt.Sprintf("%.1f MiB, %.0f goroutines, %.0f file descriptors, store %.0f KiB", f.memory/(1<<20), f.goroutines, f.descriptors, f.store/1024)
}

func (p *postburn) footprint(t *testing.T) (f footprint, err error) {
	t.Helper()
	goroutines, err := p.metric("go_goroutines")
	if err != nil {
		return f, err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		return f, err
	}
	names, err := filepath.Glob(p.path("postburn.db*"))
	if err != nil {
		return f, err
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil { // else it was there a moment ago
			f.store += float64(info.Size())
		}
	}
	f.memory, f.goroutines, f.descriptors = float64(p.memory(t, "VmRSS")), goroutines, float64(len(open))
	return f, nil
}

func meanOf(all []footprint) (mean footprint) {
	n := float64(len(all))
	for _, f := range all {
		mean.memory += f.memory / n
		mean.goroutines += f.goroutines / n
		mean.descriptors += f.descriptors / n
		mean.store += f.store / n
	}
	return mean
}

// flat compares the medians of a quantity in two stretches. The later one may be so many times the
// earlier one, and a little more.
func flat(t *testing.T, earlier, later []footprint, what string, times, more float64, of func(footprint) float64) {
	t.Helper()
	median := func(all []footprint) float64 {
		values := make([]float64, len(all))
		for i, f := range all {
			values[i] = of(f)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	if a, b := median(earlier), median(later); b > a*times+more {
		t.Errorf("%s grew from %.1f to %.1f", what, a, b)
	}
}

// groups counts the control groups of this run.
var groups atomic.Int32

// underLimit is the beginning of a command line that runs a program under a hard limit of memory,
// if this machine lets control groups be made. Else the program's memory is only measured.
func underLimit(t *testing.T, limit int) []string {
	t.Helper()
	name := fmt.Sprintf("postburn-%d-%d", os.Getpid(), groups.Add(1))
	for _, tc := range []struct{ dir, limit, file string }{
		{filepath.Join("/sys/fs/cgroup/memory", name), "memory.limit_in_bytes", "cgroup.procs"}, // version 1
		{filepath.Join("/sys/fs/cgroup", name), "memory.max", "cgroup.procs"},                   // version 2
	} {
		if err := os.Mkdir(tc.dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() {
			await(t, patience, "the control group to be empty", func() error { return os.Remove(tc.dir) })
		})
		if err := os.WriteFile(filepath.Join(tc.dir, tc.limit), []byte(strconv.Itoa(limit)), 0o644); err != nil {
			continue
		}
		return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(tc.dir, tc.file)}
	}
	return nil
}

// fleet is many services in one process. Now and then some of them fail for a while.
type fleet struct {
	*httptest.Server
	mu       sync.Mutex
	random   *rand.Rand
	counted  time.Time
	services [soakObjectives]struct {
		good, bad float64
		failing   time.Time // until when
	}
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{random: rand.New(rand.NewPCG(seed.Of(t), 0)), counted: time.Now()}
	f.Server = httptest.NewServer(http.HandlerFunc(f.scrape))
	t.Cleanup(f.Close)
	return f
}

// scrape counts 50 requests a second of each service since the last scrape. Each second about one
// service in 1,000 begins to fail, for half a minute at most.
func (f *fleet) scrape(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	seconds := now.Sub(f.counted).Seconds()
	f.counted = now
	var text strings.Builder
	text.WriteString("# TYPE http_requests_total counter\n")
	for i := range f.services {
		s := &f.services[i]
		if now.After(s.failing) && f.random.Float64() < seconds/soakObjectives {
			s.failing = now.Add(time.Duration(5+f.random.IntN(25)) * time.Second)
		}
		if n := 50 * seconds; now.Before(s.failing) {
			s.bad += n
		} else {
			s.good += n
		}
		fmt.Fprintf(&text, "http_requests_total{service=\"s%d\",code=\"200\"} %.0f\nhttp_requests_total{service=\"s%d\",code=\"500\"} %.0f\n", i, s.good, i, s.bad)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, text.String())
}

// slos is the SLO file of all services, with windows of seconds.
func (f *fleet) slos() string {
	var text strings.Builder
	text.WriteString("defaults: {target: 99%, window: 1m, incident: {burn: [{rate: 5, long: 1m, short: 5s}], hold: 10s, merge_gap: 10s, budget: false}}\nslos:\n")
	write := func(name, matcher, more string) {
		fmt.Fprintf(&text, "  - {name: %s, service: %s, indicator: {ratio: {bad: 'http_requests_total{%s,code=\"500\"}', total: 'http_requests_total{%s}'}}%s}\n",
			name, name, matcher, matcher, more)
	}
	for i := range 200 {
		name := fmt.Sprintf("s%d", i)
		write(name, fmt.Sprintf("service=%q", name), "")
	}
	for hundred := 2; hundred < soakObjectives/100; hundred++ {
		write(fmt.Sprintf("team-%d", hundred), fmt.Sprintf(`service=~"s%d.."`, hundred), ", group_by: [service]")
	}
	return text.String()
}
