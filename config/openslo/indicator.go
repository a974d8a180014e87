package openslo

import (
	"strings"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// indicator sets what is measured. ok is false if it has no native form, which is reported.
func (r reader) indicator(s *config.SLO, o objective) (ok bool) {
	if ratio := o.goal.Get("ratioMetrics"); ratio.Exists() { // v1alpha
		return r.ratio(s, o, ratio.Mapping("incremental", "counter", "good", "bad", "total"))
	}
	inline, ref := o.spec.Get("indicator"), o.spec.Get("indicatorRef")
	if !inline.Exists() {
		inline = o.spec.Get("sli")
	}
	if !ref.Exists() {
		ref = o.spec.Get("sliRef")
	}
	switch {
	case !inline.Exists() && !ref.Exists():
		o.item.Errorf("the SLO has no indicator; give it one with indicator or indicatorRef")
		return false
	case inline.Mapping().Get("thresholdMetric").Exists(): // v1alpha has no spec
		return r.thresholdMetric(s, o, inline.Mapping("thresholdMetric").Get("thresholdMetric"))
	}
	spec := r.objects.spec("SLI", ref, inline)
	m := spec.Mapping("description", "ratioMetric", "thresholdMetric")
	switch {
	case m.Get("ratioMetric").Exists():
		return r.ratio(s, o, m.Get("ratioMetric").Mapping("counter", "good", "bad", "total", "raw", "rawType"))
	case m.Get("thresholdMetric").Exists():
		return r.thresholdMetric(s, o, m.Get("thresholdMetric"))
	}
	spec.Errorf("the indicator has neither ratioMetric nor thresholdMetric")
	return false
}

// isSliced reports whether slices of time are good or bad, and not events.
func (o objective) isSliced() bool {
	return o.method.Exists() && strings.EqualFold(o.method.Text("a method"), "Timeslices")
}

// ratio reads good or bad events of all, or the share of either.
func (r reader) ratio(s *config.SLO, o objective, m config.Mapping) (ok bool) {
	options := foreign.Options{Counter: m.Get("counter").Truth() || m.Get("incremental").Truth()}
	if raw := m.Get("raw"); raw.Exists() {
		kind := m.Need("rawType", "it is success or failure")
		if name := kind.Text("success or failure"); kind.Exists() && name != "success" && name != "failure" {
			kind.Errorf("rawType must be success or failure")
			return false
		}
		if o.isSliced() {
			o.method.Errorf("Timeslices of a raw ratio have no native form: give good or bad, and total")
			return false
		}
		q, n := r.query(raw, options)
		return write(s, foreign.FromRatio(q, kind.Text("success or failure") == "success"), n, n)
	}
	good, bad, total := m.Get("good"), m.Get("bad"), m.Need("total", "give it a query for all events")
	part := good
	switch {
	case good.Exists() && bad.Exists():
		bad.Errorf("the ratio has good and bad; give one of them")
		return false
	case !good.Exists() && !bad.Exists():
		m.Need("good", "give it good or bad")
		return false
	case bad.Exists():
		part = bad
	}
	q, n := r.query(part, options)
	all, allNode := r.query(total, options)
	if o.isSliced() {
		return timeSlices(s, o, q, all, n, bad.Exists())
	}
	if bad.Exists() {
		return write(s, foreign.FromEvents(q, nil, all), n, allNode)
	}
	return write(s, foreign.FromEvents(nil, q, all), n, allNode)
}

func write(s *config.SLO, i *foreign.Indicator, part, total config.Node) bool {
	if i != nil {
		i.Write(s, part, total)
	}
	return i != nil
}

// thresholdMetric reads a number that is compared: a condition.
func (r reader) thresholdMetric(s *config.SLO, o objective, metric config.Node) bool {
	q, n := r.query(metric, foreign.Options{})
	op, value := o.goal.Need("op", "it is lte, lt, gte or gt"), o.goal.Need("value", "say what is compared with")
	operator := map[string]string{"lte": "<=", "lt": "<", "gte": ">=", "gt": ">"}[op.Text("an operator like lte")]
	if op.Exists() && operator == "" {
		op.Errorf("op must be lte, lt, gte or gt")
	}
	if q == nil || operator == "" || !value.Exists() {
		return false
	}
	n.Warnf("the condition is looked at once a tick, and has to have one series%s", sliceOf(o))
	s.Set("indicator.bool", q.Operand()+" "+operator+" "+strings.TrimSpace(value.Text("a number")), n)
	return true
}
