package daemon

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/local"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/web"
)

// A shop that is broken for faultLasts every faultEvery, each service at another time.
const (
	faultEvery, faultLasts = 90 * time.Minute, 20 * time.Minute
	eventsPerSecond        = 10
)

// TestReloads reloads an SLO file again and again, with random versions that are good or bad, while
// ticks are read, incidents opened and pages looked at. One objective is the same in all good
// versions: no tick of it may be lost, and each of its faults has one incident and one issue.
// Nothing may grow: goroutines, descriptors, memory.
//
// RELOADS says how many (`make reloads` has 1,000), RELOAD_SEED which.
func TestReloads(t *testing.T) {
	reloads, seed := numberIn(t, "RELOADS", 30, 3), numberIn(t, "RELOAD_SEED", 1, 0)
	t.Logf("%d reloads, RELOAD_SEED=%d", reloads, seed)
	synctest.Test(t, func(t *testing.T) {
		r := newReloads(t, uint64(seed))
		var before usage
		for n := range reloads {
			r.reloadOnce()
			if n == reloads/3 { // by now all caches are full
				before = r.usage()
			}
		}
		r.untilWell()
		after := r.usage()
		t.Logf("%d were good; %s watched in %s; then %+v, at the end %+v", r.good, r.names(), time.Since(r.begun), before, after)
		if after.goroutines > before.goroutines+2 || after.descriptors > before.descriptors+2 || after.heap > before.heap+before.heap/2+(8<<20) {
			t.Errorf("what is in use grows: a third of the way %+v, at the end %+v", before, after)
		}
		r.verifyTicks()
		r.verifyIncidents()
		r.stop()
	})
}

func numberIn(t *testing.T, name string, otherwise, least int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		t.Fatalf("%s=%s: give a number from %d on", name, text, least)
	}
	return n
}

// randomReloads is a daemon without network: all but its Prometheus and its sockets.
type randomReloads struct {
	t        *testing.T
	random   *rand.Rand
	dir      string
	begun    time.Time
	store    *sqlite.Store
	engine   *engine.Engine
	reloader *reloader
	hangup   chan os.Signal
	log      LockedBuffer
	good     int // reloads that changed something
	stop     func()

	mu      sync.Mutex
	failing *rand.Rand // of the source
}

func newReloads(t *testing.T, seed uint64) *randomReloads {
	t.Helper()
	r := &randomReloads{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), failing: rand.New(rand.NewPCG(seed, 2)), dir: t.TempDir(), begun: time.Now(),
		hangup: make(chan os.Signal),
	}
	r.write(r.goodFile())
	definitions, problems := Load([]string{r.slos()}, config.Bounds{})
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	store, err := sqlite.Open(ctx, filepath.Join(r.dir, "postburn.db"), sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	tracker, err := local.New(r.postMortems(), nil)
	if err != nil {
		t.Fatal(err)
	}
	logger, registry := slog.New(slog.NewTextHandler(&r.log, nil)), prometheus.NewRegistry()
	r.reloader = newReloader(Options{Environment: config.Environment{SLOPath: r.slos()}, Definitions: definitions, Logger: logger, Hangup: r.hangup}, alertDefinitions(definitions, ""), registry)
	publisher := publish.New(publish.Options{
		Store: store, Tracker: tracker, Render: postmortem.Render, Logger: logger, Registerer: registry, Settle: time.Second, LookEvery: time.Minute,
		Settings: r.reloader.settings, Collectors: []issue.Collector{r.reloader.redefined.changes},
	})
	r.engine = engine.NewEngine(engine.Options{
		Definitions: alertDefinitions(definitions, ""), Interval: 30 * time.Second, Delay: time.Minute, Source: r.read, Store: store,
		Logger: logger, Registerer: registry, Committed: publisher.Notify,
	})
	if err := r.engine.RecoverAll(ctx, store); err != nil {
		t.Fatal(err)
	}
	handler := web.NewHandler(logger, registry)
	handler.Ready(web.Data{Statuses: r.engine.Statuses, Store: store, Reload: r.reloader.reload, SLOFiles: r.reloader.files})
	r.store = store
	var actors sync.WaitGroup
	for _, run := range []func(context.Context) error{
		r.engine.Run, publisher.Run, func(ctx context.Context) error { return r.reloader.run(ctx, r.engine) }, func(ctx context.Context) error { return r.look(ctx, handler) },
	} {
		actors.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	r.stop = func() {
		cancel()
		actors.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	return r
}

func (r *randomReloads) slos() string        { return filepath.Join(r.dir, "slos.yaml") }
func (r *randomReloads) postMortems() string { return filepath.Join(r.dir, "postmortems") }

func (r *randomReloads) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.slos(), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// steady is in all good files, always the same.
const steady = `
slos:
  - name: steady
    service: steady
    target: 99%
    window: 1d
    indicator: {ratio: {bad: 'errors_total{job="steady"}', total: 'requests_total{job="steady"}'}}
    incident: {burn: [{rate: 10, long: 10m, short: 2m}], budget: false, hold: 5m, merge_gap: 10m}
`

// goodFile is steady, and some of five others, each with a random definition.
func (r *randomReloads) goodFile() string {
	var text strings.Builder
	text.WriteString(steady)
	for n := range 5 {
		if r.random.IntN(3) == 0 {
			continue
		}
		fmt.Fprintf(&text, `
  - name: other-%[1]d
    service: other-%[1]d
    description: version %[2]d
    target: %[3]s
    window: %[4]s
    indicator: {ratio: {bad: 'errors_total{job="other-%[1]d",v="%[5]d"}', total: 'requests_total{job="other-%[1]d"}'}}
    incident: {burn: [{rate: %[6]d, long: %[7]s, short: 2m}], budget: %[8]t, hold: %[9]s}
`, n, r.random.IntN(1000), pick(r.random, "99%", "98%", "99.9%"), pick(r.random, "1d", "2d", "{calendar: week}"), r.random.IntN(10)/9,
			2+r.random.IntN(20), pick(r.random, "10m", "30m", "1h"), r.random.IntN(2) == 0, pick(r.random, "5m", "2m"))
	}
	return text.String()
}

func pick(random *rand.Rand, of ...string) string { return of[random.IntN(len(of))] }

// badFile is a good one with a mistake.
func (r *randomReloads) badFile() string {
	text := r.goodFile()
	switch r.random.IntN(6) {
	case 0:
		return ""
	case 1:
		return text[:len(text)-1-r.random.IntN(len(text)/2)] + "\n  - {name: cut"
	case 2:
		return strings.Replace(text, "target: 99%", "target: 999", 1)
	case 3:
		return text + strings.TrimPrefix(steady, "\nslos:\n")
	case 4:
		return text + "\x00"
	}
	return strings.Replace(text, "service: steady", "servise: steady", 1)
}

// reloadOnce writes another file, and has it read in one of the ways that there are: at once, by
// the signal, by itself, or while it changes again.
func (r *randomReloads) reloadOnce() {
	isGood := r.random.IntN(3) > 0
	text := r.badFile()
	if isGood {
		text = r.goodFile()
		r.good++
	}
	r.write(text)
	switch r.random.IntN(4) {
	case 0:
		if err := r.reloader.reload(r.t.Context()); (err == nil) != isGood {
			r.t.Errorf("asked to reload %q: %v", text, err)
		}
	case 1:
		r.hangup <- os.Interrupt
	case 2:
		time.Sleep(lookEvery)
	case 3: // several at once, and a change in the midst of it
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _ = r.reloader.reload(r.t.Context()) }) // whichever version it finds
		}
		r.write(r.goodFile())
		all.Wait()
	}
	time.Sleep(time.Duration(r.random.IntN(120)) * time.Second)
}

// settle has the same objectives be watched whenever it is called, and waits until all is read and
// published, and no tick is.
func (r *randomReloads) settle() {
	r.t.Helper()
	r.write(strings.TrimSpace(steady) + strings.NewReplacer("steady", "other-1").Replace(strings.TrimPrefix(steady, "\nslos:")))
	if err := r.reloader.reload(r.t.Context()); err != nil {
		r.t.Error(err)
	}
	time.Sleep(time.Hour)
	time.Sleep(time.Until(time.Now().Truncate(30 * time.Second).Add(50 * time.Second)))
	synctest.Wait()
}

// look looks at pages, as fast as people do.
func (r *randomReloads) look(ctx context.Context, handler *web.Handler) error {
	for ctx.Err() == nil {
		for _, path := range []string{"/", "/api/v1/slos", "/incidents"} {
			answer := httptest.NewRecorder()
			if handler.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "GET", path, nil)); answer.Code != 200 && ctx.Err() == nil {
				return fmt.Errorf("%s: %d", path, answer.Code)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(17 * time.Second):
		}
	}
	return nil
}

// broken returns for how long a service was broken until t.
func (r *randomReloads) broken(service string, t time.Time) time.Duration {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(service))
	since := t.Sub(r.begun) - time.Hour + time.Duration(hash.Sum32()%60)*time.Minute
	if service == "steady" {
		since = t.Sub(r.begun) - time.Hour
	}
	n := since / faultEvery
	if since < 0 {
		return 0
	}
	return n*faultLasts + min(since%faultEvery, faultLasts)
}

// read is the engine's Prometheus: slow at times, and not always there.
func (r *randomReloads) read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	r.mu.Lock()
	wait, fails := time.Duration(r.failing.IntN(4000))*time.Millisecond, r.failing.IntN(50) == 0
	r.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		fails = true
	}
	readings := make([]slo.Reading, len(objectives))
	for i, o := range objectives {
		if fails {
			readings[i].Err = slo.ErrUnreachable
			continue
		}
		samples := make([]slo.Sample, ticks.Len())
		for n := range samples {
			at := ticks.At(n)
			samples[n] = slo.Sample{Tick: at, Counts: slo.Counts{
				Total: eventsPerSecond * ticks.Interval.Seconds(),
				Bad:   eventsPerSecond / 2 * (r.broken(o.Service, at) - r.broken(o.Service, at.Add(-ticks.Interval))).Seconds(),
			}}
		}
		readings[i].Series = []slo.Series{{Samples: samples}}
	}
	return readings
}

// usage is what the process uses.
type usage struct {
	goroutines, descriptors int
	heap                    int64 // bytes
}

// untilWell waits until a time at which, after settle, steady's last fault is over for a while: the
// first one begins an hour after the start.
func (r *randomReloads) untilWell() {
	for {
		since := time.Since(r.begun) % faultEvery
		if since > 40*time.Minute && since < 55*time.Minute {
			return
		}
		time.Sleep(time.Minute)
	}
}

func (r *randomReloads) usage() usage {
	r.t.Helper()
	r.settle()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil && !os.IsNotExist(err) {
		r.t.Error(err)
	}
	return usage{runtime.NumGoroutine(), len(files), int64(memory.HeapAlloc) - int64(len(r.log.String()))}
}

func (r *randomReloads) names() string {
	var names []string
	for _, s := range r.engine.Statuses(time.Now()) {
		names = append(names, s.Objective.Name)
	}
	return strings.Join(names, " ")
}

// verifyTicks: all events of the window are there, of the last tick, too.
func (r *randomReloads) verifyTicks() {
	r.t.Helper()
	now := time.Now()
	for _, s := range r.engine.Statuses(now) {
		if lag := now.Sub(s.Tick); lag > 3*time.Minute {
			r.t.Errorf("%s is %s behind", s.Objective.Name, lag)
		}
		if s.Objective.Name != "steady" {
			continue
		}
		long := min(24*time.Hour, s.Tick.Sub(r.begun)+24*time.Hour) // its past was read as well
		bad := eventsPerSecond / 2 * (r.broken("steady", s.Tick) - r.broken("steady", s.Tick.Add(-long))).Seconds()
		if want := (slo.Counts{Total: eventsPerSecond * long.Seconds(), Bad: bad}); s.Window != want || s.BurnRates == nil {
			r.t.Errorf("%s has %+v in its window, want %+v", s.Objective.Name, s.Window, want)
		}
	}
}

// verifyIncidents: each fault of steady is one incident with its numbers, no two incidents of one
// group are about the same outage, and each has one post-mortem.
func (r *randomReloads) verifyIncidents() {
	r.t.Helper()
	incidents, err := r.store.Incidents(r.t.Context(), time.Time{})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(incidents, func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) })
	var got, want []string
	files := 0
	for n, i := range incidents {
		for _, other := range incidents[:n] {
			if i.Group == other.Group && sharesOutage(i, other) {
				r.t.Errorf("two incidents of one outage:\n%s\n%s", r.describe(other), r.describe(i))
			}
		}
		if i.Group == "steady" {
			w := i.Windows[0]
			got = append(got, fmt.Sprintf("%d windows, from %s, %.0f bad", len(i.Windows), w.Onset.Sub(r.begun).Round(time.Minute), w.Bad))
		}
		p, ok, err := r.store.Publication(r.t.Context(), i.ID)
		if err != nil || ok && len(p.Writes) == 0 {
			r.t.Errorf("%s: %v", i.ID, err)
		}
		if ok {
			files++
		}
	}
	for at := time.Hour; at < time.Since(r.begun); at += faultEvery {
		want = append(want, fmt.Sprintf("1 windows, from %s, %d bad", at, int(eventsPerSecond/2*faultLasts.Seconds())))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("incidents of steady:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	found, err := filepath.Glob(filepath.Join(r.postMortems(), "*.md"))
	if err != nil || len(found) > files {
		r.t.Errorf("%d post-mortems of %d incidents with one: %v", len(found), files, err)
	}
	r.t.Logf("%d incidents, %d of steady, %d post-mortems", len(incidents), len(got), len(found))
}

// sharesOutage reports whether two incidents have breaches of rules at the same time, or so close
// that they are one incident, as where a definition was replaced in the midst of an outage. Budgets
// that are missed overlap outages, and the incident that spent one has it.
func sharesOutage(a, b alert.Incident) bool {
	const gap = 10 * time.Minute // the shortest merge_gap
	return slices.ContainsFunc(a.Windows, func(v alert.Window) bool {
		return slices.ContainsFunc(b.Windows, func(w alert.Window) bool {
			return v.Kind == alert.Burn && w.Kind == alert.Burn && v.Onset.Before(w.Ended.Add(gap)) && w.Onset.Before(v.Ended.Add(gap))
		})
	})
}

// describe writes an incident's windows.
func (r *randomReloads) describe(i alert.Incident) string {
	text := i.ID
	for _, w := range i.Windows {
		text += fmt.Sprintf("; %s %v from %s, detected %s, to %s, %v %v", w.Kind, w.Rule, w.Onset.Sub(r.begun), w.Detected.Sub(r.begun), w.Ended.Sub(r.begun),
			w.Counts, w.Caveats)
	}
	return text
}
