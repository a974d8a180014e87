package web

import (
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// strip is an objective's last days with its breach windows.
type strip struct {
	Runs      []run
	Incidents int
	Text      string // the same in words
}

// run is some days of a strip that have the same kind.
type run struct {
	X, Width int
	Kind     alert.Kind
}

// newStrip draws the breach windows that were open in the days before now. A day has the kind that
// describes it best.
func newStrip(now time.Time, since time.Time, breaches []breach) strip {
	const day = 24 * time.Hour
	end := slo.Floor(now, day).Add(day)
	start := end.AddDate(0, 0, -stripDays)
	var days [stripDays]alert.Kind
	incidents, newest := map[string]bool{}, time.Time{}
	for _, b := range breaches {
		until := until(now, b.ended)
		if !until.After(start) {
			continue
		}
		if incidents[b.incident] = true; b.onset.After(newest) {
			newest = b.onset
		}
		for n := max(0, int(b.onset.Sub(start)/day)); n < stripDays && start.Add(time.Duration(n)*day).Before(until); n++ {
			if days[n] == "" || b.kind.Compare(days[n]) < 0 {
				days[n] = b.kind
			}
		}
	}
	s := strip{Incidents: len(incidents), Text: fmt.Sprintf("No incident in the last %d days", stripDays)}
	for n, kind := range days {
		switch last := len(s.Runs) - 1; {
		case kind == "":
		case last >= 0 && s.Runs[last].Kind == kind && s.Runs[last].X+s.Runs[last].Width == n:
			s.Runs[last].Width++
		default:
			s.Runs = append(s.Runs, run{n, 1, kind})
		}
	}
	if s.Incidents > 0 {
		s.Text = fmt.Sprintf("%s in the last %d days; the newest breach began %s", humanize.Plural(s.Incidents, "incident"), stripDays, humanize.Minute(newest))
	}
	if since.After(start.Add(day)) {
		s.Text += "; older ones than of " + humanize.Date(since) + " are not shown"
	}
	return s
}
