package openslo

import (
	"strings"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// query reads the query of a metric. It returns nil if there is none for Prometheus, which is
// reported; n is the query's own place.
func (r reader) query(metric config.Node, o foreign.Options) (q *foreign.Query, n config.Node) {
	m := metric.Mapping("metricSource", "source", "queryType", "query", "dataSourceRef", "dataSourceSpec", "spec")
	if source := m.Get("source"); source.Exists() { // v1alpha
		if !isPrometheus(source) {
			return nil, n
		}
		n = m.Need("query", "give it PromQL")
		return foreign.Parse(n, o), n
	}
	if source := m.Get("metricSource"); source.Exists() {
		m = source.Mapping("metricSourceRef", "type", "spec")
	}
	ref := m.Get("metricSourceRef")
	if !ref.Exists() {
		ref = m.Get("dataSourceRef")
	}
	switch kind, inline := m.Get("type"), m.Get("dataSourceSpec"); {
	case kind.Exists():
		if !isPrometheus(kind) {
			return nil, n
		}
	case inline.Exists():
		if !dataSource(inline) {
			return nil, n
		}
	case ref.Exists():
		if !r.namedSource(ref) {
			return nil, n
		}
	default:
		metric.Warnf("no type and no data source says that the query is for Prometheus; it is taken to be")
	}
	spec := m.Need("spec", "it has the query").Mapping()
	n = spec.Get("query")
	if !n.Exists() {
		if n = spec.Get("promql"); !n.Exists() {
			n = spec.Need("query", "give it PromQL")
		}
	}
	return foreign.Parse(n, o), n
}

func isPrometheus(n config.Node) bool {
	name := n.Text("Prometheus")
	if !strings.EqualFold(name, "prometheus") {
		n.Errorf("the metric is of %q; postburn asks Prometheus only", name)
		return false
	}
	return true
}

// namedSource reports whether a DataSource is a Prometheus. One that is in no file is taken to be.
func (r reader) namedSource(ref config.Node) bool {
	name := ref.Text("the name of a DataSource")
	o, ok := r.objects[[2]string{"DataSource", name}]
	if !ok {
		ref.Warnf("no DataSource is named %q; it is taken to be the Prometheus that postburn asks", name)
		return true
	}
	return dataSource(o.Mapping("kind", "apiVersion", "metadata", "spec").Need("spec", "it has the type"))
}

func dataSource(spec config.Node) bool {
	m := spec.Mapping("type", "connectionDetails", "description")
	if kind := m.Need("type", "it is Prometheus"); kind.Exists() && !isPrometheus(kind) {
		return false
	}
	if details := m.Get("connectionDetails"); details.Exists() {
		details.Warnf("connectionDetails are not used: all queries go to POSTBURN_PROMETHEUS_URL")
	}
	return true
}
