package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// simulateCommand is the argument with which the bench runs as a simulated Prometheus of its own
// process; the address to listen on follows.
const simulateCommand = "simulate"

// simulated is the query API of a Prometheus that has endless counters of any number of services.
// Nothing is stored: values are computed when they are asked for, so it takes little CPU beside what
// is measured. It answers the queries that postburn asks while nothing odd happens, as a Prometheus
// would with the same counters (a test compares them), and refuses all others.
type simulated struct {
	parser                   parser.Parser
	logger                   *slog.Logger
	ranges, refused, samples atomic.Int64 // samples are the values of instant queries
}

// simulate serves the API until ctx is done.
func simulate(ctx context.Context, address string, stderr io.Writer) error {
	s := newSimulated(slog.New(slog.NewTextHandler(stderr, nil)))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // the process ends, whatever it says
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newSimulated(logger *slog.Logger) *simulated {
	return &simulated{parser: parser.NewParser(parser.Options{}), logger: logger}
}

func (s *simulated) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		for name, n := range map[string]int64{rangeQueries: s.ranges.Load(), refusedQueries: s.refused.Load(), instantValues: s.samples.Load()} {
			fmt.Fprintf(w, "# TYPE %s counter\n%s %d\n", name, name, n)
		}
	})
	mux.HandleFunc("POST /api/v1/query", s.serve)
	mux.HandleFunc("POST /api/v1/query_range", s.serve)
	return mux
}

// serve answers an instant query, or a range query if it has a step.
func (s *simulated) serve(w http.ResponseWriter, r *http.Request) {
	ticks, err := ticksOf(r)
	var result []simulatedSeries
	if err == nil {
		result, err = s.evaluate(r.FormValue("query"), ticks)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		s.refused.Add(1)
		s.logger.Warn("a query is refused", "query", r.FormValue("query"), "err", err)
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"status":"error","errorType":"execution","error":%q}`, err.Error())
		return
	}
	isRange := r.FormValue("step") != ""
	if isRange {
		s.ranges.Add(1)
	} else {
		s.samples.Add(int64(len(result)))
	}
	out := bufio.NewWriterSize(w, 64<<10)
	writeResult(out, result, ticks, isRange)
	_ = out.Flush() // who asked may have gone away
}

// ticksOf returns the times that a query is for, in milliseconds.
func ticksOf(r *http.Request) ([]int64, error) {
	value := func(name string) float64 {
		v, err := strconv.ParseFloat(r.FormValue(name), 64)
		if err != nil {
			return math.NaN()
		}
		return v * 1000
	}
	if r.FormValue("step") == "" {
		at := value("time")
		if math.IsNaN(at) {
			return nil, errors.New("a query without a time")
		}
		return []int64{int64(at)}, nil
	}
	start, end, step := value("start"), value("end"), value("step")
	if !(step > 0 && end >= start) {
		return nil, errors.New("a range that is none")
	}
	var ticks []int64
	for at := int64(start); at <= int64(end); at += int64(step) {
		ticks = append(ticks, at)
	}
	return ticks, nil
}

// simulatedSeries is a series of an answer, with a value at each tick.
type simulatedSeries struct {
	labels string // as they are written, without braces
	values []float64
}

// writeResult writes an answer as Prometheus does.
func writeResult(w *bufio.Writer, result []simulatedSeries, ticks []int64, isRange bool) {
	kind := "vector"
	if isRange {
		kind = "matrix"
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":[`, kind)
	var number []byte
	point := func(at int64, v float64) {
		number = append(number[:0], '[')
		number = strconv.AppendFloat(number, float64(at)/1000, 'f', -1, 64)
		number = append(number, `,"`...)
		format := byte('f')
		if v != 0 && (math.Abs(v) < 1e-6 || math.Abs(v) >= 1e21) {
			format = 'e'
		}
		number = strconv.AppendFloat(number, v, format, -1, 64)
		_, _ = w.Write(append(number, `"]`...)) // the last flush reports errors
	}
	for i, s := range result {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		fmt.Fprintf(w, `{"metric":{%s},`, s.labels)
		if !isRange {
			_, _ = w.WriteString(`"value":`)
			point(ticks[0], s.values[0])
		} else {
			_, _ = w.WriteString(`"values":[`)
			for n, at := range ticks {
				if n > 0 {
					_ = w.WriteByte(',')
				}
				point(at, s.values[n])
			}
			_ = w.WriteByte(']')
		}
		_ = w.WriteByte('}')
	}
	_, _ = w.WriteString("]}}")
}
