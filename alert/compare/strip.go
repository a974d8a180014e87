package compare

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Strip returns what happened to an objective in each of n equal parts of a time: the kind of the
// window that describes the part best, and "" if it has none. A window that is open counts to the
// time's end.
func Strip(incidents []alert.Incident, of slo.ID, span slo.Span, n int) []alert.Kind {
	strip, part := make([]alert.Kind, n), span.End.Sub(span.Start)/time.Duration(n)
	for _, i := range incidents {
		for _, w := range i.Windows {
			if w.ID() != of {
				continue
			}
			for cell := range strip {
				start := span.Start.Add(time.Duration(cell) * part)
				if w.Onset.Before(start.Add(part)) && endOf(w, span.End).After(start) && (strip[cell] == "" || w.Kind.Compare(strip[cell]) < 0) {
					strip[cell] = w.Kind
				}
			}
		}
	}
	return strip
}

// InIncident returns for how long at least one incident was going on in a time.
func InIncident(incidents []alert.Incident, span slo.Span) (total time.Duration) {
	all := slices.Clone(incidents)
	slices.SortFunc(all, func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) })
	at := span.Start
	for _, i := range all {
		from, to := slo.Later(i.Onset(), at), slo.Earlier(i.Onset().Add(Length(i, span.End)), span.End)
		if to.After(from) {
			total += to.Sub(from)
			at = to
		}
	}
	return total
}
