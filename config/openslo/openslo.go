package openslo

import (
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// Format is that of OpenSLO.
func Format() config.Format {
	return config.Format{
		Name: "OpenSLO",
		Has: func(h config.Header) bool {
			switch h.APIVersion {
			case "openslo/v1", "openslo/v1alpha", "openslo.com/v1", "openslo.com/v1alpha", "openslo.com/v2alpha", "openslo/v2alpha":
				return true
			}
			return false
		},
		Translate: translate,
	}
}

func translate(objects []config.Node) (all [][]*config.SLO) {
	r := reader{newCatalog(objects)}
	for _, o := range objects {
		switch kind := text(o.Mapping(), "kind"); kind {
		case "SLO":
			all = append(all, r.slo(o))
		case "SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget":
			all = append(all, nil)
		default:
			o.Mapping().Need("kind", "it is SLO, SLI, Service, DataSource, AlertPolicy or AlertCondition").Errorf("OpenSLO has no kind %q", kind)
			all = append(all, nil)
		}
	}
	return all
}

// reader reads SLOs, and what they name.
type reader struct{ objects catalog }

// objective is one of the objectives of an SLO, with what it is read from.
type objective struct {
	spec   config.Mapping // of the SLO
	goal   config.Mapping // of the objective
	item   config.Node    // the objective
	method config.Node    // of budgeting
}

// slo reads an SLO: each of its objectives is one of its own.
func (r reader) slo(o config.Node) (slos []*config.SLO) {
	top := o.Mapping("apiVersion", "kind", "metadata", "spec")
	meta := top.Need("metadata", "it has the name").Mapping()
	spec := top.Need("spec", "it has the objectives").Mapping("description", "service", "indicator", "indicatorRef", "sli", "sliRef",
		"timeWindow", "timeWindows", "budgetingMethod", "objectives", "alertPolicies")
	id, service := meta.Need("name", "give it one like requests-availability"), spec.Need("service", "say whose objective it is")
	list := spec.Need("objectives", "list what has to hold")
	items := list.List("objectives")
	if items != nil && len(items) == 0 {
		list.Errorf("the list of objectives is empty")
	}
	method, ok := budgeting(spec, items)
	if !ok {
		return nil
	}
	for n, item := range items {
		goal := item.Mapping("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "ratioMetrics")
		s := config.NewSLO(o)
		if n > 0 {
			s = config.NewSLO(item)
		}
		s.Set("name", objectiveName(text(meta, "name"), text(goal, "displayName"), n, len(items)), id)
		s.Set("service", service.Text("the name of a service"), service)
		foreign.Describe(s, spec.Get("description"))
		target, from := readTarget(goal)
		s.Set("target", target, from)
		length := window(s, spec, o)
		one := objective{spec: spec, goal: goal, item: item, method: method}
		ok := r.indicator(s, one)
		r.alerts(s, spec.Get("alertPolicies"), target, length)
		if ok {
			slos = append(slos, s)
		}
	}
	return slos
}

// budgeting returns the budgeting method; ok is false if it has no native form.
func budgeting(spec config.Mapping, items []config.Node) (method config.Node, ok bool) {
	for _, item := range items {
		goal := item.Mapping()
		for _, key := range []string{"compositeWeight", "indicator", "indicatorRef", "sli", "sliRef"} {
			if goal.Get(key).Exists() {
				item.Errorf("the objective is a part of a composite, which has no native form: give each part an SLO of its own")
				return method, false
			}
		}
	}
	method = spec.Get("budgetingMethod")
	switch name := method.Text("a budgeting method"); strings.ToLower(name) {
	case "", "occurrences", "timeslices":
		return method, true
	default:
		method.Errorf("budgetingMethod %s has no native form: it has to be Occurrences or Timeslices", name)
		return method, false
	}
}

// objectiveName is the SLO's name, with the display name or the number of the objective if there
// are several.
func objectiveName(name, display string, n, of int) string {
	switch {
	case of == 1:
		return foreign.Name(name)
	case foreign.Name(display) != "":
		return foreign.Name(name, display)
	}
	return foreign.Name(name, strconv.Itoa(n))
}

func readTarget(goal config.Mapping) (target string, from config.Node) {
	if percent := goal.Get("targetPercent"); percent.Exists() {
		return strings.TrimSpace(percent.Text("a percentage like 99.9")) + "%", percent
	}
	from = goal.Need("target", "say how much has to be good, like 0.999")
	return strings.TrimSpace(from.Text("a ratio like 0.999")), from
}

const day = 24 * time.Hour
