package promtest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Service generates the history of a service's metrics, as its targets would have exposed them: for
// each target `up`, `process_start_time_seconds`, `<job>_build_info{version}` and, for each route,
// `http_requests_total{route,code}`. A series of failed requests (code 503) begins with the first
// failure. Equal services have equal histories.
type Service struct {
	Job    string
	Start  time.Time // of the first scrape
	End    time.Time
	Scrape time.Duration // between two scrapes
	// Routes are the requests a second of one target, by route. A route may have more labels:
	// "/cart tenant=acme".
	Routes  map[string]float64
	Targets []Target
	// Traffic is the factor to the usual requests; nil: 1. Fails is the share of requests that
	// fail; nil: 0.
	Traffic func(at time.Time) float64
	Fails   func(at time.Time, t Target, route string) float64
	Latency *Latency // nil: how long requests take is not exposed
	// Random makes the numbers of requests and failures vary, as if requests were independent; nil:
	// they are as expected.
	Random *rand.Rand
	// Unscraped reports when Prometheus itself was away; nil: never.
	Unscraped func(at time.Time) bool
}

// Target is a process of a service.
type Target struct {
	Instance string
	Labels   map[string]string // further labels of its series: pod, zone ...
	Version  string
	From, To time.Time    // of its life; zero: all of the history
	Restarts []Restart    // in order
	Down     [2]time.Time // it can't be scraped from the first to the second
}

// Restart is a new process of a target, with counters from 0.
type Restart struct {
	At      time.Time
	Version string // empty: as before
}

// LoadService writes a service's history.
func (s *Server) LoadService(v Service) error {
	for n, t := range v.Targets {
		if err := s.Append(v.samples(t, n)...); err != nil {
			return fmt.Errorf("loading the history of %s: %w", t.Instance, err)
		}
	}
	return nil
}

// samples returns all samples that one target exposed.
func (v Service) samples(t Target, n int) []Sample {
	w := &writer{labels: map[string]string{"job": v.Job, "instance": t.Instance}}
	maps.Copy(w.labels, t.Labels)
	from, to := v.Start, v.End
	if !t.From.IsZero() {
		from = t.From
	}
	if !t.To.IsZero() {
		to = t.To
	}
	born := from
	if t.From.IsZero() {
		born = from.Add(-time.Duration(n+1) * 24 * time.Hour)
	}
	version, restarts := t.Version, t.Restarts
	counts, took := map[string]*[2]float64{}, map[string]*durations{}
	for route, rate := range v.Routes {
		counts[route], took[route] = &[2]float64{}, &durations{}
		if t.From.IsZero() {
			counts[route][0] = math.Floor(rate * 86400)
		}
	}
	shift := v.Scrape * time.Duration(n%7) / 7 // targets are not scraped at the same moment
	for at := from.Add(shift); !at.After(to); at = at.Add(v.Scrape) {
		for len(restarts) > 0 && !restarts[0].At.After(at) {
			born = restarts[0].At
			if r := restarts[0].Version; r != "" && r != version {
				w.end(at, v.Job+"_build_info", "version", version)
				version = r
			}
			startAnew(counts, took)
			restarts = restarts[1:]
		}
		v.count(t, at, counts, took)
		switch {
		case v.Unscraped != nil && v.Unscraped(at):
			continue
		case at.After(t.Down[0]) && at.Before(t.Down[1]):
			w.endAll(at)
			w.write(at, 0, "up")
			continue
		}
		w.write(at, 1, "up")
		w.write(at, float64(born.Unix()), "process_start_time_seconds")
		w.write(at, 1, v.Job+"_build_info", "version", version)
		v.scrape(w, at, counts, took)
	}
	if to.Before(v.End) {
		w.endAll(to.Add(v.Scrape))
		w.end(to.Add(v.Scrape), "up")
	}
	return w.samples
}

// scrape writes what a target has counted on its routes.
func (v Service) scrape(w *writer, at time.Time, counts map[string]*[2]float64, took map[string]*durations) {
	for route, c := range counts {
		if v.Latency != nil {
			v.Latency.write(w, at, route, *took[route])
		}
		w.write(at, math.Floor(c[0]), "http_requests_total", append(routeLabels(route), "code", "200")...)
		switch {
		case c[1] >= 1:
			w.write(at, math.Floor(c[1]), "http_requests_total", append(routeLabels(route), "code", "503")...)
		case math.IsInf(c[1], -1):
			w.end(at, "http_requests_total", append(routeLabels(route), "code", "503")...)
			c[1] = 0
		}
	}
}

// routeLabels returns a route's labels, names and values in turn.
func routeLabels(route string) []string {
	fields := strings.Fields(route)
	labels := []string{"route", fields[0]}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		labels = append(labels, name, value)
	}
	return labels
}

// startAnew makes a new process count from 0.
func startAnew(counts map[string]*[2]float64, took map[string]*durations) {
	for _, c := range counts {
		if c[1] > 0 {
			c[1] = math.Inf(-1) // its series is gone until the next failure
		}
		c[0] = 0
	}
	for _, d := range took {
		*d = durations{}
	}
}

// count adds the requests since the last scrape, all with the rates in the middle between the two.
func (v Service) count(t Target, at time.Time, counts map[string]*[2]float64, took map[string]*durations) {
	at = at.Add(-v.Scrape / 2)
	traffic := 1.0
	if v.Traffic != nil {
		traffic = v.Traffic(at)
	}
	for _, route := range slices.Sorted(maps.Keys(v.Routes)) {
		rate, fails := v.Routes[route], 0.0
		if v.Fails != nil {
			fails = v.Fails(at, t, route)
		}
		n := rate * traffic * v.Scrape.Seconds()
		failed := n * fails
		if v.Random != nil {
			n = math.Round(max(0, n+v.Random.NormFloat64()*math.Sqrt(n)))
			failed = binomial(v.Random, n, fails)
		}
		if v.Latency != nil {
			took[route].add(n, v.slow(n, at, t, route))
		}
		c := counts[route]
		c[0] += n - failed
		if failed > 0 {
			c[1] = max(c[1], 0) + failed
		}
	}
}

// slow returns how many of n requests are slow.
func (v Service) slow(n float64, at time.Time, t Target, route string) float64 {
	switch {
	case v.Latency.Slow == nil:
		return 0
	case v.Random == nil:
		return n * v.Latency.Slow(at, t, route)
	}
	return binomial(v.Random, n, v.Latency.Slow(at, t, route))
}

// binomial returns how many of n independent requests fail.
func binomial(random *rand.Rand, n, share float64) (failed float64) {
	if share <= 0 {
		return 0
	}
	for range int(n) {
		if random.Float64() < share {
			failed++
		}
	}
	return failed
}

// writer collects samples of series with labels in common.
type writer struct {
	labels  map[string]string
	samples []Sample
	known   map[string]*exposed // by the name and the labels
}

// exposed is a series that a writer wrote.
type exposed struct {
	labels map[string]string
	live   bool // it has not ended
}

// write adds a value of a series, given by its name and its labels' names and values.
func (w *writer) write(at time.Time, value float64, name string, labels ...string) {
	s := w.series(name, labels)
	s.live = name != "up"
	w.samples = append(w.samples, Sample{Labels: s.labels, Time: at, Value: value})
}

// end ends a series.
func (w *writer) end(at time.Time, name string, labels ...string) {
	s := w.series(name, labels)
	s.live = false
	w.samples = append(w.samples, Sample{Labels: s.labels, Time: at, Value: Stale()})
}

// endAll ends all series but up.
func (w *writer) endAll(at time.Time) {
	for _, s := range w.known {
		if s.live {
			s.live = false
			w.samples = append(w.samples, Sample{Labels: s.labels, Time: at, Value: Stale()})
		}
	}
}

// series returns a series. Its samples share the labels.
func (w *writer) series(name string, labels []string) *exposed {
	key := name + "\xff" + strings.Join(labels, "\xff")
	if s, ok := w.known[key]; ok {
		return s
	}
	s := &exposed{labels: maps.Clone(w.labels)}
	s.labels["__name__"] = name
	for i := 0; i+1 < len(labels); i += 2 {
		s.labels[labels[i]] = labels[i+1]
	}
	if w.known == nil {
		w.known = map[string]*exposed{}
	}
	w.known[key] = s
	return s
}
