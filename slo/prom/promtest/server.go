// Package promtest is a small Prometheus in the process: a real TSDB and PromQL engine behind the
// queries of Prometheus' HTTP API, and a scraper. It is for tests, the accuracy table and the demo.
// It has no rules, no service discovery, no remote write and no authentication, keeps nothing over
// a restart, and is not part of the product.
package promtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// lookback is how long a sample stays visible, as in Prometheus by default.
const lookback = 5 * time.Minute

// history is how far back samples may be written after newer ones.
const history = 400 * 24 * time.Hour

// stripes is the number of maps that the TSDB spreads its series over. Prometheus makes 16,384,
// which takes longer than most tests, for a million series; here are a few thousand at most.
const stripes = 256

// Server is a TSDB and the HTTP API over it. All its methods may be called by several goroutines.
type Server struct {
	db     *tsdb.DB
	engine *promql.Engine
	parser parser.Parser
	http   *http.Server
	url    string
	served chan error

	types   sync.Map       // of metrics, by name: strings
	running sync.WaitGroup // queries, even if the client went away
	queries atomic.Int64
	samples atomic.Int64
}

// Sample is one value of one series. The label `__name__` is the metric's name.
type Sample struct {
	Labels map[string]string
	Time   time.Time // to the millisecond
	Value  float64

	Histogram *histogram.FloatHistogram // a native histogram instead of the value; nil: none
}

// Stale returns the value that ends a series at its time. Prometheus writes it when a series is
// gone from a scrape.
func Stale() float64 { return math.Float64frombits(value.StaleNaN) }

// New opens a TSDB in a folder and serves it on a free port of 127.0.0.1.
func New(dir string) (*Server, error) {
	quiet := slog.New(slog.DiscardHandler)
	options := tsdb.DefaultOptions()
	options.WALSegmentSize = -1 // nothing is kept over a restart
	options.RetentionDuration = history.Milliseconds()
	options.OutOfOrderTimeWindow = history.Milliseconds()
	options.StripeSize = stripes
	db, err := tsdb.Open(dir, quiet, nil, options, tsdb.NewDBStats())
	if err != nil {
		return nil, fmt.Errorf("opening the TSDB: %w", err)
	}
	db.DisableCompactions() // while out-of-order samples are compacted, a query may miss some
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening: %w", err), db.Close())
	}
	s := &Server{db: db, parser: parser.NewParser(parser.Options{}), url: "http://" + listener.Addr().String(), served: make(chan error, 1)}
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger:               quiet,
		MaxSamples:           50_000_000,
		Timeout:              2 * time.Minute,
		LookbackDelta:        lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               s.parser,
	})
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// URL returns the address of the API, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Asked returns how many queries were evaluated, and how many samples they read.
func (s *Server) Asked() (queries, samples int64) { return s.queries.Load(), s.samples.Load() }

// Close ends running queries and closes the TSDB. Scrapers have to be stopped before.
func (s *Server) Close() error {
	err := s.http.Close()
	s.running.Wait() // the TSDB frees memory that queries still read
	if serveErr := <-s.served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return errors.Join(err, s.engine.Close(), s.db.Close())
}

// Append writes samples, all or none. Samples of one series may come in any order of time.
func (s *Server) Append(samples ...Sample) error {
	return appendAll(s.db.Appender(context.Background()), samples)
}

// appendAll appends samples and commits them. It is fast if those of a series share their labels'
// map.
func appendAll(app storage.Appender, samples []Sample) error {
	known := map[uintptr]*appended{} // by the address of the labels' map
	for _, sample := range samples {
		address := reflect.ValueOf(sample.Labels).Pointer()
		series := known[address]
		if series == nil {
			series = &appended{labels: labels.FromMap(sample.Labels)}
			known[address] = series
		}
		if err := series.add(app, sample); err != nil {
			return errors.Join(fmt.Errorf("appending to %v: %w", sample.Labels, err), app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("committing samples: %w", err)
	}
	return nil
}

// appended is a series that samples are appended to.
type appended struct {
	labels labels.Labels
	ref    storage.SeriesRef // 0: not known yet
}

func (a *appended) add(app storage.Appender, s Sample) (err error) {
	if at := s.Time.UnixMilli(); s.Histogram != nil {
		a.ref, err = app.AppendHistogram(a.ref, a.labels, at, nil, s.Histogram)
	} else {
		a.ref, err = app.Append(a.ref, a.labels, at, s.Value)
	}
	return err
}

// Load writes series in the notation of promtool's unit tests, one a line:
// `errors_total{job="shop"} 0+2x10 _ 3 stale`, native histograms too: `latency_seconds {{schema:0
// count:3 sum:4 buckets:[1 2]}}+{{schema:0 count:1 sum:1 buckets:[1]}}x10`. The first value is at
// `start`, the following ones a step apart. `# TYPE name gauge` gives a metric its type; empty
// lines and other lines that begin with # are skipped.
func (s *Server) Load(start time.Time, step time.Duration, series string) error {
	var samples []Sample
	for line := range strings.Lines(series) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			s.describe(line)
			continue
		}
		metric, values, err := s.parser.ParseSeriesDesc(line)
		if err != nil {
			return fmt.Errorf("parsing %q: %w", line, err)
		}
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, Sample{Labels: metric.Map(), Time: start.Add(time.Duration(i) * step), Value: v.Value, Histogram: v.Histogram})
			}
		}
	}
	return s.Append(samples...)
}

// TB is the part of testing.TB that Start needs, so that a program other than a test does not link
// package testing.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(f func())
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Start is New for a test: in a folder of the test's own, and closed at its end.
func Start(t TB) *Server {
	t.Helper()
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatalf("starting promtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing promtest: %v", err)
		}
	})
	return s
}
