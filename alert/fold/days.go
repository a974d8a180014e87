package fold

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// Days returns the days since a time that the history knows, oldest first; the first and the last
// may be partly known. A day without data is known, and blind.
//
// The history remembers only so many stretches without data. Days before the oldest of them are
// left out once some may be forgotten: nobody knows how blind they were.
func (w *Watch) Days(since time.Time) (all []slo.Day) {
	known, now := w.knownSince(), w.Now()
	if w.History.Empty() || !known.Before(now) {
		return nil
	}
	const length = 24 * time.Hour
	for day := slo.Floor(slo.Later(since, known), length); day.Before(now); day = day.Add(length) {
		span := slo.Span{Start: slo.Later(day, known), End: slo.Earlier(day.Add(length), now)}
		grain := w.History.Grain(span.Start)
		d := slo.Day{Date: day, Known: span.End.Sub(span.Start), Blind: w.blindFor(span), Exact: grain > 0 && length%grain == 0}
		d.Counts = w.History.Between(span.Start, span.End).Add(w.planned.in(span)).Cut()
		all = append(all, d)
	}
	return all
}
