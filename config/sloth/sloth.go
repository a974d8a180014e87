package sloth

import (
	"strings"
	"time"
	"unicode"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

// The two forms of Sloth's files.
const (
	version    = "prometheus/v1"
	apiVersion = "sloth.slok.dev/v1"
)

// period is the time over which Sloth's objectives hold, if nothing else is said. No file says it:
// it is a flag, --default-slo-period.
const period = 30 * 24 * time.Hour

// Format is that of Sloth.
func Format() config.Format {
	return config.Format{
		Name: "Sloth",
		Has: func(h config.Header) bool {
			known := h.Kind == "PrometheusServiceLevel" || h.Kind == "AlertWindows"
			return h.Version == version || h.APIVersion == apiVersion && known
		},
		Translate: translate,
	}
}

// reader reads the objectives of files.
type reader struct{ windows windows }

func translate(objects []config.Node) (all [][]*config.SLO) {
	r := reader{readWindows(objects)}
	for _, o := range objects {
		m := o.Mapping()
		switch {
		case m.Get("version").Exists():
			all = append(all, r.service(o, snake))
		case isWindows(m):
			all = append(all, nil)
		default:
			top := o.Mapping("apiVersion", "kind", "metadata", "spec", "status")
			all = append(all, r.service(top.Need("spec", "it has the objectives"), camel))
		}
	}
	return all
}

// spelling writes a key as a form of the files has it.
type spelling func(key string) string

func snake(key string) string { return key }

// camel writes error_query as errorQuery.
func camel(key string) string {
	upper := false
	return strings.Map(func(r rune) rune {
		if r == '_' {
			upper = true
			return -1
		}
		if upper {
			upper = false
			return unicode.ToUpper(r)
		}
		return r
	}, key)
}

func (as spelling) all(keys ...string) []string {
	for i := range keys {
		keys[i] = as(keys[i])
	}
	return keys
}

// service reads the objectives of one service.
func (r reader) service(n config.Node, as spelling) (slos []*config.SLO) {
	top := n.Mapping(as.all("version", "service", "labels", "slos")...)
	service := top.Need("service", "say whose objectives they are")
	name := service.Text("the name of a service")
	list := top.Need("slos", "list the objectives")
	items := list.List("objectives")
	if items != nil && len(items) == 0 {
		list.Errorf("the list of slos is empty")
	}
	for _, item := range items {
		m := item.Mapping(as.all("name", "description", "objective", "labels", "sli", "alerting")...)
		s := config.NewSLO(item)
		id := m.Need("name", "give it one like requests-availability")
		s.Set("name", foreign.Name(name, id.Text("a name")), id)
		s.Set("service", name, service)
		foreign.Describe(s, m.Get("description"))
		objective := m.Need("objective", "say how much has to be good, like 99.9")
		target := strings.TrimSpace(objective.Text("a percentage like 99.9")) + "%"
		s.Set("target", target, objective)
		foreign.Window(s, r.windows.period, item)
		ok := indicator(s, m.Need("sli", "say what is measured"), as)
		r.alerting(s, item, m.Get("alerting"), as, target)
		if ok {
			slos = append(slos, s)
		}
	}
	return slos
}

// indicator reads what is measured. ok is false if it has no native form, which is reported.
func indicator(s *config.SLO, n config.Node, as spelling) (ok bool) {
	sli := n.Mapping("events", "raw", "plugin")
	events, raw, plugin := sli.Get("events"), sli.Get("raw"), sli.Get("plugin")
	options := foreign.Options{Template: true, PerGroup: true}
	switch {
	case plugin.Exists():
		plugin.Errorf("an SLI plugin is a program, which is not run: write its queries as events or raw")
		return false
	case events.Exists() && raw.Exists():
		raw.Errorf("sli has events and raw; give one of them")
		return false
	case events.Exists():
		m := events.Mapping(as.all("error_query", "total_query")...)
		bad, total := m.Need(as("error_query"), "give it PromQL for the bad events"), m.Need(as("total_query"), "give it PromQL for all events")
		i := foreign.FromEvents(foreign.Parse(bad, options), nil, foreign.Parse(total, options))
		if i != nil {
			i.Write(s, bad, total)
		}
		return i != nil
	case raw.Exists():
		query := raw.Mapping(as.all("error_ratio_query")...).Need(as("error_ratio_query"), "give it PromQL for the share of bad events")
		i := foreign.FromRatio(foreign.Parse(query, options), false)
		if i != nil {
			i.Write(s, query, query)
		}
		return i != nil
	case n.Exists():
		n.Errorf("sli is empty; give it events or raw")
	}
	return false
}
