package pyrra

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// Format is that of Pyrra.
func Format() config.Format {
	return config.Format{
		Name:      "Pyrra",
		Has:       func(h config.Header) bool { return h.APIVersion == "pyrra.dev/v1alpha1" },
		Translate: translate,
	}
}

func translate(objects []config.Node) (all [][]*config.SLO) {
	seen := map[string]int{}
	for _, o := range objects {
		seen[o.Mapping().Get("metadata").Mapping().Get("name").Text("a name")]++
	}
	for _, o := range objects {
		if s := objective(o, seen); s != nil {
			all = append(all, []*config.SLO{s})
		} else {
			all = append(all, nil)
		}
	}
	return all
}

// objective reads one objective. Its name has the namespace only if another one has the same name.
func objective(o config.Node, seen map[string]int) *config.SLO {
	top := o.Mapping("apiVersion", "kind", "metadata", "spec", "status")
	meta := top.Need("metadata", "it has the name").Mapping()
	spec := top.Need("spec", "it has the target").Mapping("description", "target", "window", "indicator", "alerting",
		"partial_response_strategy", "performanceOverAccuracy", "performance_over_accuracy", "ruleOutput")
	s := config.NewSLO(o)
	id := meta.Need("name", "give it one like requests-availability")
	name := foreign.Name(id.Text("a name"))
	if namespace := meta.Get("namespace"); seen[id.Text("a name")] > 1 && namespace.Exists() {
		name = foreign.Name(namespace.Text("a namespace"), name)
	}
	s.Set("name", name, id)
	of, total := readIndicator(spec.Need("indicator", "say what is measured"))
	service, from := serviceOf(total, meta, name)
	s.Set("service", service, from)
	foreign.Describe(s, spec.Get("description"))
	goal := spec.Need("target", "say how much has to be good, like 99.9")
	target := strings.TrimSpace(goal.Text("a percentage like 99.9")) + "%"
	s.Set("target", target, goal)
	window := spec.Need("window", "say it like 4w")
	length, err := model.ParseDuration(window.Text("a duration like 4w"))
	if err != nil {
		window.Errorf("spec.window must be a duration like 4w")
		return nil
	}
	foreign.Window(s, time.Duration(length), window)
	if of == nil {
		return nil
	}
	of(s)
	alerting(s, spec.Get("alerting"), target, time.Duration(length), window)
	return s
}

// serviceOf returns the service that the total's matchers name: that of the label job, service or
// namespace. Else it is the objective's name.
func serviceOf(total config.Node, meta config.Mapping, name string) (string, config.Node) {
	if expr, err := parser.NewParser(parser.Options{}).ParseExpr(total.Text("a selector")); err == nil {
		if selector, ok := expr.(*parser.VectorSelector); ok {
			for _, label := range []string{"job", "service", "namespace"} {
				for _, m := range selector.LabelMatchers {
					if m.Name == label && m.Type == labels.MatchEqual && m.Value != "" {
						return m.Value, total
					}
				}
			}
		}
	}
	return name, meta.Get("name")
}

// readIndicator reads what is measured. It returns what writes it, nil if that has no native form,
// which is reported; and the selector of all events.
func readIndicator(n config.Node) (write func(*config.SLO), total config.Node) {
	m := n.Mapping("ratio", "latency", "latencyNative", "bool_gauge")
	if keys := m.Keys(); len(keys) > 1 {
		m.Get(keys[1]).Errorf("indicator has %s and %s; give one of them", keys[0], keys[1])
		return nil, total
	}
	switch {
	case m.Get("ratio").Exists():
		return ratio(m.Get("ratio"))
	case m.Get("latency").Exists():
		return latency(m.Get("latency"))
	case m.Get("latencyNative").Exists():
		return latencyNative(m.Get("latencyNative"))
	case m.Get("bool_gauge").Exists():
		return boolGauge(m.Get("bool_gauge"))
	}
	n.Errorf("indicator has none of ratio, latency, latencyNative and bool_gauge; give one of them")
	return nil, total
}

func metric(of config.Mapping, key string) config.Node {
	return of.Need(key, "it has a metric").Mapping("metric").Need("metric", `give it a selector like http_requests_total{job="shop"}`)
}

// grouping reads the labels that an objective is grouped by.
func grouping(m config.Mapping) (names []string, from config.Node) {
	from = m.Get("grouping")
	for _, item := range from.List("label names") {
		names = append(names, item.Text("a label's name"))
	}
	return names, from
}

func setGroups(s *config.SLO, m config.Mapping) {
	if names, from := grouping(m); len(names) > 0 {
		s.Set("group_by", names, from)
	}
}

// ratio reads selectors as they are: Pyrra takes nothing else, and neither does a native ratio.
func ratio(n config.Node) (func(*config.SLO), config.Node) {
	m := n.Mapping("errors", "total", "grouping")
	bad, total := metric(m, "errors"), metric(m, "total")
	return func(s *config.SLO) {
		s.Set("indicator.ratio.bad", bad.Text("a selector"), bad)
		s.Set("indicator.ratio.total", total.Text("a selector"), total)
		setGroups(s, m)
	}, total
}

func latency(n config.Node) (func(*config.SLO), config.Node) {
	m := n.Mapping("success", "total", "grouping")
	success, total := metric(m, "success"), metric(m, "total")
	if !hasBucket(success) {
		success.Errorf("success has no matcher of le, which says how fast is good; give it one like le=\"0.5\"")
		return nil, total
	}
	counters := foreign.Options{Counter: true}
	i := foreign.FromEvents(nil, foreign.Parse(success, counters), foreign.Parse(total, counters))
	if i == nil {
		return nil, total
	}
	return func(s *config.SLO) {
		i.Write(s, success, total)
		setGroups(s, m)
	}, total
}

// hasBucket reports whether a selector has le, or is none, which is reported elsewhere.
func hasBucket(n config.Node) bool {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(n.Text("a selector"))
	selector, ok := expr.(*parser.VectorSelector)
	if err != nil || !ok {
		return true
	}
	return slices.ContainsFunc(selector.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.BucketLabel })
}

func latencyNative(n config.Node) (func(*config.SLO), config.Node) {
	m := n.Mapping("latency", "total", "grouping")
	threshold, total := m.Need("latency", "say how long is good, like 500ms"), metric(m, "total")
	return func(s *config.SLO) {
		s.Set("indicator.latency.histogram", total.Text("a selector"), total)
		s.Set("indicator.latency.threshold", threshold.Text("a duration like 500ms"), threshold)
		setGroups(s, m)
	}, total
}

func boolGauge(n config.Node) (func(*config.SLO), config.Node) {
	m := n.Mapping("metric", "grouping")
	gauge := m.Need("metric", `give it a selector like probe_success{job="shop"}`)
	names, _ := grouping(m)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(gauge.Text("a selector"))
	selector, ok := expr.(*parser.VectorSelector)
	if err != nil || !ok {
		gauge.Errorf("it must be a selector like probe_success{job=\"shop\"}")
		return nil, gauge
	}
	worst := parser.AggregateExpr{Op: parser.MIN, Expr: selector, Grouping: names}
	gauge.Warnf("each tick is one event, good if all series are 1; Pyrra counts each series at each scrape")
	return func(s *config.SLO) {
		s.Set("indicator.bool", worst.String()+" == 1", gauge)
		setGroups(s, m)
	}, gauge
}
