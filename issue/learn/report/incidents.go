package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// figures counts incidents in both periods.
func (m *maker) figures(of ofService) Incidents {
	return Incidents{Now: of.figures(m.now), Before: of.figures(m.before)}
}

func (s ofService) figures(p Period) Figures {
	f := Figures{Severities: []Level{}}
	bySeverity := map[int]int{}
	var detect, recovery []float64
	for _, i := range s.counted {
		for _, promise := range i.Promises {
			if p.has(promise.Made) {
				f.Promised++
				if !promise.Kept.IsZero() {
					f.Kept++
				}
			}
		}
		if !p.has(i.onset) {
			continue
		}
		f.Count++
		severity := i.Severity()
		bySeverity[severity]++
		if severity == 0 {
			f.LittleHarm++
		}
		if issue.IsOpen(i.Incident) {
			f.Open++
		}
		switch core := issue.Core(i.Incident); issue.Headline(i.Incident).Kind {
		case alert.Blindness:
			f.Blind++
		case alert.Quietness:
			f.Quiet++
		case alert.Burn:
			detect = append(detect, core.Detected().Sub(core.Onset()).Seconds())
			if !core.IsOpen() {
				recovery = append(recovery, core.Ended().Sub(core.Onset()).Seconds())
			}
		}
	}
	for level, n := range bySeverity {
		f.Severities = append(f.Severities, Level{level, n})
	}
	slices.SortFunc(f.Severities, func(a, b Level) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	f.Detect, f.Recover = timesOf(detect), timesOf(recovery)
	f.Noise, f.Duplicates = countIn(s.noise, p), countIn(s.copies, p)
	return f
}

// rank puts incidents without a severity last.
func rank(severity int) int {
	if severity == 0 {
		return alert.MaxSeverity + 1
	}
	return severity
}

func countIn(all []incident, p Period) (n int) {
	for _, i := range all {
		if p.has(i.onset) {
			n++
		}
	}
	return n
}

// leastForP90 is how many lengths of time it takes to tell their P90: of fewer, the P90 is the
// longest one.
const leastForP90 = 10

// timesOf ranks lengths of time; nil if there are none.
func timesOf(all []float64) *Times {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	t := &Times{Count: len(all), Median: ranked(all, 0.5), Longest: all[len(all)-1]}
	if len(all) >= leastForP90 {
		p90 := ranked(all, 0.9)
		t.P90 = &p90
	}
	return t
}

// ranked returns the nearest-rank quantile of sorted numbers: one of them.
func ranked(sorted []float64, q float64) float64 {
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}
