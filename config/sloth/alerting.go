package sloth

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
	"github.com/postburn/postburn/slo"
)

// windows are the windows of Sloth's alerts, two of each.
type windows struct {
	period       time.Duration
	page, ticket []foreign.Rule
}

// builtIn are Sloth's own windows of 30 days, which are those of the SRE Workbook's table 5-8:
// https://sre.google/workbook/alerting-on-slos/
func builtIn() windows {
	const day = 24 * time.Hour
	return windows{
		period: period,
		page:   []foreign.Rule{{Rate: "14.4", Long: time.Hour, Short: 5 * time.Minute}, {Rate: "6", Long: 6 * time.Hour, Short: 30 * time.Minute}},
		ticket: []foreign.Rule{{Rate: "3", Long: day, Short: 2 * time.Hour}, {Rate: "1", Long: 3 * day, Short: 6 * time.Hour}},
	}
}

func isWindows(m config.Mapping) bool {
	return m.Get("kind").IsText() && m.Get("kind").Text("a kind") == "AlertWindows"
}

// readWindows returns the windows of the files' AlertWindows: those of 30 days, as that is Sloth's
// period by default, else the only ones.
func readWindows(objects []config.Node) windows {
	var other []windows
	var last config.Node
	for _, o := range objects {
		if !isWindows(o.Mapping()) {
			continue
		}
		w, ok := readOne(o)
		switch {
		case !ok:
		case w.period == period:
			return w
		default:
			other, last = append(other, w), o
		}
	}
	switch len(other) {
	case 0:
		return builtIn()
	case 1:
		return other[0]
	}
	last.Errorf("there are AlertWindows of several periods, and none of 30d: give one of them")
	return builtIn()
}

func readOne(o config.Node) (w windows, ok bool) {
	spec := o.Mapping("apiVersion", "kind", "metadata", "spec").Need("spec", "it has the windows").Mapping("sloPeriod", "page", "ticket")
	ok = true
	length := func(n config.Node) time.Duration {
		text := n.Text("a duration like 30d")
		d, err := model.ParseDuration(text)
		if err != nil || d == 0 {
			ok = false
			if n.Exists() && n.IsText() {
				n.Errorf("it must be a duration like 30d, not %q", text)
			}
		}
		return time.Duration(d)
	}
	w.period = length(spec.Need("sloPeriod", "say the period like 30d"))
	for key, rules := range map[string]*[]foreign.Rule{"page": &w.page, "ticket": &w.ticket} {
		m := spec.Need(key, "it has quick and slow").Mapping("quick", "slow")
		for _, speed := range []string{"quick", "slow"} {
			n := m.Need(speed, "it has errorBudgetPercent, shortWindow and longWindow")
			one := n.Mapping("errorBudgetPercent", "shortWindow", "longWindow")
			percent := one.Need("errorBudgetPercent", "say the share of the error budget like 2")
			share, err := slo.ParseDecimal(strings.TrimSpace(percent.Text("a number like 2")) + "%")
			if err != nil {
				ok = false
				percent.Errorf("errorBudgetPercent must be a number like 2")
			}
			rule := foreign.Rule{
				Long: length(one.Need("longWindow", "say it like 1h")), Short: length(one.Need("shortWindow", "say it like 5m")), From: n,
			}
			if ok {
				rule.Rate = rate(share, w.period, rule.Long)
			}
			*rules = append(*rules, rule)
		}
	}
	return w, ok
}

// rate is the burn rate that spends a share of a period's error budget in a window.
func rate(share slo.Decimal, period, window time.Duration) string {
	return strconv.FormatFloat(share.Float()*float64(period)/float64(window), 'g', 6, 64)
}

// alerting reads which rules there are, and links.
func (r reader) alerting(s *config.SLO, item, n config.Node, as spelling, target string) {
	m := n.Mapping(as.all("name", "labels", "annotations", "page_alert", "ticket_alert")...)
	rules := []foreign.Rule{}
	for _, alert := range []struct {
		key   string
		rules []foreign.Rule
	}{{"page_alert", r.windows.page}, {"ticket_alert", r.windows.ticket}} {
		if m.Get(as(alert.key)).Mapping("disable", "labels", "annotations").Get("disable").Truth() {
			continue
		}
		for _, rule := range alert.rules {
			if !rule.From.Exists() {
				rule.From = item
			}
			rules = append(rules, rule)
		}
	}
	from := n
	if !n.Exists() {
		from = item
	}
	foreign.Burn(s, rules, target, r.windows.period, from)
	for _, of := range []config.Node{m.Get("annotations"), m.Get(as("page_alert")).Mapping().Get("annotations"), m.Get(as("ticket_alert")).Mapping().Get("annotations")} {
		foreign.Links(s, of.Mapping())
	}
}
