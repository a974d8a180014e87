package publish_test

import (
	"cmp"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// story is an incident that changes with time: it burns in the given spans, as offsets from its
// onset.
type story struct {
	id         string // empty: made of the group
	group      string
	service    string
	owner      string
	repository string
	kind       alert.Kind    // empty: burn
	severity   map[int]int   // severity by the first revision that has it
	joins      time.Duration // how long after the onset another objective joins; 0: never
	onset      time.Time
	spans      [][2]time.Duration
}

// at is the incident as it is known at a time; ok is false before it is detected. Each 30 s tick of
// burning makes a revision.
func (s story) at(now time.Time) (i alert.Incident, ok bool) {
	const tick = 30 * time.Second
	i = alert.Incident{ID: cmp.Or(s.id, s.group+"-1"), Group: s.group, Repository: s.repository}
	for _, span := range s.spans {
		onset, end := s.onset.Add(span[0]), s.onset.Add(span[1])
		detected := onset.Add(time.Minute)
		if now.Before(detected) {
			break
		}
		w := alert.Window{Objective: slo.Objective{Name: s.group, Service: s.service, Owner: s.owner}, Kind: cmp.Or(s.kind, alert.Burn), Onset: onset, Detected: detected}
		until := now
		if !now.Before(end) {
			w.Ended, until = end, end
		}
		i.Revision += int(until.Sub(onset)/tick) + 1
		for from, severity := range s.severity {
			if i.Revision >= from && (w.Severity == 0 || severity < w.Severity) {
				w.Severity = severity
			}
		}
		i.Windows = append(i.Windows, w)
		if s.joins > 0 && !now.Before(s.onset.Add(s.joins)) {
			w.Objective.Name, w.Onset, w.Detected = s.group+"-latency", s.onset.Add(s.joins), s.onset.Add(s.joins)
			i.Windows = append(i.Windows, w)
		}
	}
	return i, len(i.Windows) > 0
}
