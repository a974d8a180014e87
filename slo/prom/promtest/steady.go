package promtest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// Steady is a set of series whose values follow from the time, so that what is written of the past
// and what is scraped now go on from each other. It is read from lines like those of the exposition
// format:
//
//	# TYPE requests_total counter
//	requests_total{job="shop",instance="a:80",code="200"} 20/s
//	queue_length{queue="orders"} 7
//	sums_total{instance="lb:80"} 20/s|3/s
//
// A counter has a rate. A gauge has a value. A counter that two processes answer for by turns has
// two rates.
type Steady struct {
	types  map[string]string
	series []steadySeries
}

type steadySeries struct {
	labels map[string]string
	values []steadyValue // several take turns
}

type steadyValue struct {
	number   float64
	isRate   bool
	lifetime time.Duration // since when a counter counts
}

// turn is how long one of several processes answers before the next does. It divides no usual
// scrape interval.
const turn = 7 * time.Second

// NewSteady reads series.
func NewSteady(text string) (*Steady, error) {
	s := &Steady{types: map[string]string{}}
	p := parser.NewParser(parser.Options{})
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); len(words) == 4 && words[1] == "TYPE" {
			s.types[words[2]] = words[3]
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("%q has no value", line)
		}
		set, err := p.ParseMetric(line[:at])
		if err != nil {
			return nil, fmt.Errorf("parsing %q: %w", line, err)
		}
		one := steadySeries{labels: set.Map()}
		for n, text := range strings.Split(line[at+1:], "|") {
			number, isRate := strings.CutSuffix(text, "/s")
			v, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return nil, fmt.Errorf("parsing %q: %w", line, err)
			}
			one.values = append(one.values, steadyValue{v, isRate, time.Duration(48+24*n) * time.Hour})
		}
		s.series = append(s.series, one)
	}
	return s, nil
}

// at returns the value at a time. A counter was 0 when its process began.
func (v steadyValue) at(t, now time.Time) float64 {
	if !v.isRate {
		return v.number
	}
	return math.Floor(v.number * t.Sub(now.Add(-v.lifetime)).Seconds())
}

func (s steadySeries) at(t, now time.Time) float64 {
	n := int(t.Unix()/int64(turn.Seconds())) % len(s.values)
	return s.values[n].at(t, now)
}

// Samples returns the samples of a stretch of time that ends at `now`, a step apart.
func (s *Steady) Samples(now time.Time, long, step time.Duration) (samples []Sample) {
	for t := now.Add(-long); !t.After(now); t = t.Add(step) {
		for _, one := range s.series {
			samples = append(samples, Sample{Labels: one.labels, Time: t, Value: one.at(t, now)})
		}
	}
	return samples
}

// Describe notes the types of the metrics.
func (s *Server) Describe(steady *Steady) {
	for name, kind := range steady.types {
		s.types.Store(name, kind)
	}
}

// Exporter serves the series for a Prometheus that scrapes with honor_labels. Its values go on from
// those of Samples with the same `now`.
func (s *Steady) Exporter(now time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_ = s.write(w, now, time.Now()) // a scraper that went away needs no answer
	})
}

func (s *Steady) write(w io.Writer, now, t time.Time) error {
	var errs []error
	described := map[string]bool{}
	for _, one := range s.series {
		name := one.labels[model.MetricNameLabel]
		for _, known := range []string{name, family(name)} {
			if kind := s.types[known]; kind != "" && !described[known] {
				described[known] = true
				_, err := fmt.Fprintf(w, "# TYPE %s %s\n", known, kind)
				errs = append(errs, err)
			}
		}
		var pairs []string
		for _, label := range slices.Sorted(maps.Keys(one.labels)) {
			if label != model.MetricNameLabel {
				pairs = append(pairs, fmt.Sprintf("%s=%q", label, one.labels[label]))
			}
		}
		for _, label := range []string{model.JobLabel, model.InstanceLabel} {
			if one.labels[label] == "" {
				pairs = append(pairs, label+`=""`) // so that the scraper does not add its own
			}
		}
		_, err := fmt.Fprintf(w, "%s{%s} %s\n", name, strings.Join(pairs, ","), strconv.FormatFloat(one.at(t, now), 'g', -1, 64))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// family returns the name of the histogram or summary that a metric may be a part of.
func family(name string) string {
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		if base, is := strings.CutSuffix(name, part); is {
			return base
		}
	}
	return name
}
