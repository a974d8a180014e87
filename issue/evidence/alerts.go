package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// maxAlertSteps is how many steps alerts are looked for in: there may be many, and all are read.
const maxAlertSteps = 2_000

// alerts tells which alerts began to fire, and which was the first about the objective: one whose label names its job, service or itself.
func (c *collector) alerts(l *look, series *seriesOf) error {
	coarse := look{ctx: l.ctx, prometheus: l.prometheus, ticks: l.ticks}
	for coarse.ticks.Len() > maxAlertSteps {
		coarse.ticks.Interval += l.ticks.Interval
	}
	coarse.ticks.Last = coarse.ticks.At(coarse.ticks.Len() - 1)
	if l.known != nil {
		coarse.known = make([]bool, coarse.ticks.Len())
		for i := range coarse.known {
			coarse.known[i] = l.known[i*int(coarse.ticks.Interval/l.ticks.Interval)]
		}
	}
	found, err := coarse.traces(`count by (alertname, job, service, slo) (ALERTS{alertstate="firing"})`)
	if err != nil {
		return err
	}
	type firing struct {
		at    time.Time
		name  string
		about bool
	}
	var all []firing
	for _, t := range found {
		for _, i := range coarse.begins(t) {
			all = append(all, firing{coarse.ticks.At(i), t.Labels["alertname"], c.about(t, series)})
			break
		}
	}
	slices.SortFunc(all, func(a, b firing) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	onset, first, rows := c.incident.Onset(), true, 0
	for _, f := range all {
		text := fmt.Sprintf("Alert %s began to fire", f.name)
		switch {
		case f.about && first && !f.at.Before(onset):
			text += ": the first about this service since the onset"
			first = false
		case rows == maxRows:
			continue
		}
		rows++
		c.addSymptom(f.at, text, "Prometheus, ALERTS")
	}
	return nil
}

// about reports whether an alert names what the incident is about.
func (c *collector) about(t slo.Trace, series *seriesOf) bool {
	if job := t.Labels["job"]; job != "" && slices.Contains(series.of("job"), job) {
		return true
	}
	for _, w := range c.incident.Windows {
		if v := t.Labels["service"]; v != "" && v == w.Objective.Service {
			return true
		}
		if v := t.Labels["slo"]; v != "" && v == w.Objective.Name {
			return true
		}
	}
	return false
}
