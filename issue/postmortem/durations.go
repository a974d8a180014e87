package postmortem

import (
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// DurationRow says how long the events of a latency objective took: half, 95 % and 99 % of them at
// most that.
type DurationRow struct{ Objective, When, P50, P95, P99 string }

// durations are rows for the window and for the same hours a week before.
func durations(f issue.Facts) (rows []DurationRow, noun string) {
	for _, d := range f.Durations {
		w, ok := windowFor(f.Incident, d.Of)
		if !ok || len(d.Window) < 3 {
			continue
		}
		noun = wordsOf(w.Objective.Indicator).noun
		during := "in these " + humanize.Duration(until(w).Sub(w.Onset))
		rows = append(rows, durationRow(Code(w.ID().String()), during, d.Window))
		if len(d.WeekBefore) == 3 {
			rows = append(rows, durationRow("", issue.WeekBefore, d.WeekBefore))
		}
	}
	return rows, noun
}

func durationRow(objective, when string, q []slo.Quantile) DurationRow {
	return DurationRow{objective, when, took(q[0]), took(q[1]), took(q[2])}
}

// took is how long an event took.
func took(q slo.Quantile) string {
	if q.Above {
		return "over " + humanize.AboutLatency(q.Value)
	}
	return humanize.AboutLatency(q.Value)
}
