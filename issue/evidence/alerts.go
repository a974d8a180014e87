package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxAlertSteps is in how many steps alerts are looked for: there may be many, and all are read.
const maxAlertSteps = 2_000

// alerts looks for alerts that began to fire.
type alerts struct {
	scope
	rows   *timeline
	series *seriesOf
}

// find tells which alerts began to fire, and which was the first about the objective: one whose
// label names its job, its service or itself.
func (a *alerts) find(l *look) error {
	coarse := l.coarser(maxAlertSteps)
	found, err := coarse.traces(`count by (alertname, job, service, slo) (ALERTS{alertstate="firing"})`)
	if err != nil {
		return err
	}
	type firing struct {
		at            time.Time
		name          string
		about, always bool
	}
	var all []firing
	onset := a.incident.Onset()
	for _, t := range found {
		for _, i := range coarse.begins(t) {
			all = append(all, firing{coarse.time(i), t.Labels["alertname"], a.about(t), coarse.isMostlyThere(t, onset)})
			break
		}
	}
	slices.SortFunc(all, func(x, y firing) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.name, y.name)) })
	first, rows := true, 0
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
		if f.always {
			text += "; it had been firing most of the time"
		}
		a.rows.addUntil(0, issue.Entry{Time: f.at, Text: text, Source: "Prometheus, ALERTS", Symptom: true, Aside: f.always})
	}
	return nil
}

// about reports whether an alert names what the incident is about.
func (a *alerts) about(t slo.Trace) bool {
	if job := t.Labels["job"]; job != "" && slices.Contains(a.series.of("job"), job) {
		return true
	}
	for _, w := range a.incident.Windows {
		if v := t.Labels["service"]; v != "" && v == w.Objective.Service {
			return true
		}
		if v := t.Labels["slo"]; v != "" && v == w.Objective.Name {
			return true
		}
	}
	return false
}
