package foreign

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// Latency is a native latency.
type Latency struct {
	Histogram, Threshold string
	Unit                 string // empty: seconds
}

// newLatency returns the latency of a histogram with a threshold in its own unit. It returns nil if
// its name does not say that it is of seconds or milliseconds, or if the threshold is shorter than
// a millisecond.
func newLatency(histogram *parser.VectorSelector, threshold float64) *Latency {
	l := &Latency{Histogram: promql.Text(histogram)}
	name, unit := promql.Name(histogram), time.Second
	switch {
	case strings.HasSuffix(name, "milliseconds"):
		l.Unit, unit = "milliseconds", time.Millisecond
	case !strings.HasSuffix(name, "seconds"):
		return nil
	}
	exact := threshold * float64(unit)
	length := math.Round(exact)
	if math.IsNaN(exact) || length < float64(time.Millisecond) || length > float64(math.MaxInt64/2) || math.Abs(exact-length) > 1e-9*exact {
		return nil
	}
	if d := time.Duration(length); d%time.Millisecond == 0 {
		l.Threshold = model.Duration(d).String()
	} else {
		l.Threshold = d.String()
	}
	return l
}

// latencyOf returns the latency if the good events are a bucket of a histogram, and all events its
// count, with the same matchers.
func latencyOf(good, total []promql.Term) *Latency {
	if len(good) != 1 || len(total) != 1 || len(good[0].Selectors) != 1 || len(total[0].Selectors) != 1 {
		return nil
	}
	bucket, all := good[0].Selectors[0], total[0].Selectors[0]
	name, ok := strings.CutSuffix(promql.Name(bucket), "_bucket")
	threshold, found := number(bucketOf(bucket))
	if !ok || !found {
		return nil
	}
	switch promql.Name(all) {
	case name + "_count":
	case name + "_bucket":
		if le, found := number(bucketOf(all)); !found || !math.IsInf(le, 1) {
			return nil
		}
	default:
		return nil
	}
	histogram := promql.Renamed(without(bucket, model.BucketLabel), name)
	if canonical(histogram) != canonical(promql.Renamed(without(all, model.BucketLabel), name)) {
		return nil
	}
	return newLatency(histogram, threshold)
}

// number returns the one number that a matcher of le allows, in one spelling or in several as in
// `1(\.0)?` or `1|1\.0`.
func number(le *labels.Matcher) (value float64, ok bool) {
	if le == nil || le.Type != labels.MatchEqual && le.Type != labels.MatchRegexp {
		return 0, false
	}
	spellings := []string{le.Value}
	if le.Type == labels.MatchRegexp {
		text := strings.ReplaceAll(le.Value, `\.`, ".")
		text = strings.NewReplacer("(.0)?", "", "(?:.0)?", "", "(.0+)?", "", `\+`, "+").Replace(text)
		spellings = strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, "("), ")"), "|")
	}
	for i, spelling := range spellings {
		n, err := strconv.ParseFloat(spelling, 64)
		if err != nil || i > 0 && n != value {
			return 0, false
		}
		value = n
	}
	return value, true
}
