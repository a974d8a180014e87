package config

import (
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// indicatorReader reads what is measured: one of the kinds of indicators.
type indicatorReader struct {
	indicator slo.Indicator
	parts     fields // that have PromQL, by their keys
	complete  bool   // nothing of the indicator is missing
}

func readIndicator(f field) slo.Indicator {
	before := f.doc.count()
	found, ok := f.mapping(schemaOf("indicator", "indicator"))
	if !ok {
		return slo.Indicator{}
	}
	var r indicatorReader
	given := make([]field, 0, len(found))
	for _, k := range []struct {
		key  string
		read func(field)
	}{{"ratio", r.ratio}, {"latency", r.latency}, {"bool", r.condition}, {"sampled", r.sampled}} {
		if one, ok := found[k.key]; ok {
			given = append(given, one)
			k.read(one)
		}
	}
	clean := f.doc.count() == before
	switch {
	case len(given) > 1:
		given[1].wrongKey("indicator has %s and %s; give one of them", given[0].key.Value, given[1].key.Value)
	case len(given) == 0 && clean:
		f.errorf("indicator.ratio is missing; give it bad and total, or good and total; or give latency, bool or sampled")
	case r.complete && clean:
		wrong, doubts := promql.Examine(r.indicator)
		r.addPromQL(Error, wrong)
		r.addPromQL(Warning, doubts)
	}
	return r.indicator
}

// addPromQL reports problems of the indicator's PromQL, at their places in the file.
func (r *indicatorReader) addPromQL(severity Severity, problems []promql.Problem) {
	for _, p := range problems {
		r.parts[p.Field].addPromQL(severity, []promql.Problem{p})
	}
}

// ratio reads good or bad events out of a total.
func (r *indicatorReader) ratio(f field) {
	parts, ok := f.mapping(schemaOf("indicator.ratio", "indicator.ratio"))
	if !ok {
		return
	}
	r.parts, r.indicator.Ratio = parts, &slo.Ratio{Bad: queryOf(parts, "bad"), Good: queryOf(parts, "good"), Total: queryOf(parts, "total")}
	_, bad := parts["bad"]
	good, both := parts["good"]
	_, total := parts["total"]
	switch {
	case bad && both:
		good.wrongKey("indicator.ratio has bad and good; give one of them")
	case !bad && !both:
		f.errorf("indicator.ratio.bad is missing; give bad or good")
	case !total:
		f.errorf("indicator.ratio.total is missing; select all events")
	default:
		r.complete = true
	}
}

// latency reads a histogram, the threshold up to which its events are good, and its unit.
func (r *indicatorReader) latency(f field) {
	parts, ok := f.mapping(schemaOf("indicator.latency", "indicator.latency"))
	if !ok {
		return
	}
	l := &slo.Latency{Histogram: queryOf(parts, "histogram")}
	r.parts, r.indicator.Latency, r.complete = parts, l, true
	for _, key := range []string{"histogram", "threshold"} {
		if _, ok := parts[key]; !ok {
			f.missing("indicator.latency." + key)
			r.complete = false
		}
	}
	if threshold, ok := parts["threshold"]; ok {
		threshold.keep()
		l.Threshold, ok = threshold.shortDuration()
		if ok && l.Threshold == 0 {
			threshold.errorf("indicator.latency.threshold must be longer than 0: it is %s up to which events are good", threshold.like)
		}
	}
	if unit, ok := parts["unit"]; ok {
		l.Unit = readUnit(unit)
	}
}

// condition reads what is true or false.
func (r *indicatorReader) condition(f field) {
	r.indicator.Bool, r.parts, r.complete = f.query(), fields{"bool": f}, true
}

// sampled reads what is measured once a tick: an error ratio, or bad events and a total.
func (r *indicatorReader) sampled(f field) {
	parts, ok := f.mapping(schemaOf("indicator.sampled", "indicator.sampled"))
	if !ok {
		return
	}
	r.parts = parts
	r.indicator.Sampled = &slo.Sampled{Bad: queryOf(parts, "bad"), Total: queryOf(parts, "total"), ErrorRatio: queryOf(parts, "error_ratio")}
	_, bad := parts["bad"]
	_, total := parts["total"]
	ratio, whole := parts["error_ratio"]
	switch {
	case whole && (bad || total):
		ratio.wrongKey("indicator.sampled has error_ratio and another key; give error_ratio alone, or bad and total")
	case !whole && !bad && !total:
		f.errorf("indicator.sampled.error_ratio is missing; give it %s, or give bad and total", keyAt("indicator.sampled.error_ratio").Value)
	case !whole && !bad:
		f.errorf("indicator.sampled.bad is missing; give it %s", likeAmount)
	case !whole && !total:
		f.errorf("indicator.sampled.total is missing; give it %s", likeAmount)
	default:
		r.complete = true
	}
}

// queryOf reads the PromQL of a key; empty if it is not there.
func queryOf(parts fields, key string) string {
	if f, ok := parts[key]; ok {
		return f.query()
	}
	return ""
}

// readExclude reads the condition under which work is planned.
func readExclude(f field) string {
	text := f.query()
	if strings.TrimSpace(text) == "" {
		return ""
	}
	f.addPromQL(Error, promql.CheckExclude(text))
	f.addPromQL(Warning, promql.DoubtsIn("exclude", text))
	return text
}

// readUnit reads what 1 means in a histogram.
func readUnit(f field) time.Duration {
	text, ok := f.scalar()
	unit := map[string]time.Duration{
		"seconds": time.Second, "milliseconds": time.Millisecond, "microseconds": time.Microsecond, "nanoseconds": time.Nanosecond,
	}[text]
	if ok && unit == 0 {
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
	}
	return unit
}
