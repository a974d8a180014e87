package postmortem

import (
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// DurationRow is how long the events of a latency objective took: half of them, 95 % and 99 % at most that.
type DurationRow struct{ Objective, When, P50, P95, P99 string }

// durations are rows for the window and for the same hours a week before.
func durations(f issue.Facts) (rows []DurationRow, noun string) {
	for _, d := range f.Durations {
		w, ok := windowFor(f.Incident, d.Of)
		if !ok || len(d.Window) < 3 {
			continue
		}
		noun = wordsOf(w.Objective.Indicator).noun
		during := "in these " + duration(until(w).Sub(w.Onset))
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

// took is how long an event took, with two digits that matter: a histogram is no more exact.
func took(q slo.Quantile) string {
	var text string
	switch seconds := q.Value.Seconds(); {
	case q.Value < time.Microsecond:
		text = "less than 1 µs"
	case q.Value < time.Millisecond:
		text = exactly(seconds*1e6) + " µs"
	case q.Value < time.Second:
		text = exactly(seconds*1e3) + " ms"
	default:
		text = exactly(seconds) + " s"
	}
	if q.Above {
		return "over " + text
	}
	return text
}

// exactly is a number with two digits that matter, or all of them where it is whole.
func exactly(x float64) string {
	switch {
	case x < 10:
		return trimmed(x, 1)
	case x < 1000:
		return trimmed(x, 0)
	}
	return thousands(x)
}
