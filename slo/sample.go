package slo

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

// Counts is a number of events and how many of them were bad. Both are multiples of 1/1024, see
// Quantize. If good and total come from different metrics or targets, a tick's bad events may be
// below 0 or above the total: a call that began in this tick ends in the next. So sums of ticks are
// never cut, only what is shown or judged, with Cut.
type Counts struct {
	Total float64 `json:"total"`
	Bad   float64 `json:"bad"`
}

// Add returns the sum.
func (c Counts) Add(d Counts) Counts { return Counts{c.Total + d.Total, c.Bad + d.Bad} }

// Sub returns the difference.
func (c Counts) Sub(d Counts) Counts { return Counts{c.Total - d.Total, c.Bad - d.Bad} }

// Cut returns the counts with bad events between 0 and the total, for readers of a whole window.
func (c Counts) Cut() Counts { return Counts{c.Total, max(0, min(c.Bad, c.Total))} }

// share returns a share of the counts, rounded down.
func (c Counts) share(of float64) Counts {
	return Counts{math.Floor(c.Total*of/quantum) * quantum, math.Floor(c.Bad*of/quantum) * quantum}
}

// ErrorRatio returns bad over total, and 0 if there were no events.
func (c Counts) ErrorRatio() float64 {
	if c.Total <= 0 {
		return 0
	}
	return c.Bad / c.Total
}

// Late is events learnt only now of an earlier stretch, (From, To].
type Late struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Counts
	Excluded bool `json:"excluded,omitempty"` // of planned work
}

// Until returns the events before t if they are spread evenly over the stretch; all of them from
// its end on.
func (l Late) Until(t time.Time) Counts {
	length := l.To.Sub(l.From)
	switch {
	case !t.Before(l.To) || length <= 0:
		return l.Counts
	case !t.After(l.From):
		return Counts{}
	}
	return l.share(float64(t.Sub(l.From)) / float64(length))
}

// Sample is what happened to one objective in one tick, (Tick - interval, Tick].
type Sample struct {
	Tick time.Time
	Counts
	Late     []Late   // events of earlier stretches; not part of Counts
	Blind    bool     // there was no data: Counts is zero and means nothing
	Excluded bool     // planned work: its events count in the budget and nowhere else
	Caveats  []Caveat // what makes the counts less than exact
}

// Unplanned returns the sample without events of planned work, as the rules for breaches read it.
func (s Sample) Unplanned() Sample {
	if s.Excluded {
		s.Counts = Counts{}
	}
	if slices.ContainsFunc(s.Late, func(l Late) bool { return l.Excluded }) {
		s.Late = slices.DeleteFunc(slices.Clone(s.Late), func(l Late) bool { return l.Excluded })
	}
	return s
}

// Has reports whether the sample has a caveat of that kind.
func (s Sample) Has(kind CaveatKind) bool {
	return slices.ContainsFunc(s.Caveats, func(c Caveat) bool { return c.Kind == kind })
}

// quantum is the smallest counted part of an event.
const quantum = 1.0 / 1024

// mostEvents is far beyond anything that is counted: a year has 2^55 nanoseconds. With this limit,
// a hundred million ticks fit the 128-bit integers that a history adds up in.
const mostEvents = 0x1p90

// Quantize rounds a count to a multiple of 1/1024 event. A float64 holds sums of such numbers
// exactly up to 2^43 events, in whatever order they are added, and a history's own sums are
// integers of any size; so a history that was stored, restored, or summed another way is the same
// bit for bit. A number beyond 2^43 is already a multiple of 1/1024, and is not rounded. NaN and
// infinity count 0.
func Quantize(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return math.Round(min(max(x, -mostEvents), mostEvents)/quantum)*quantum + 0 // + 0 makes 0 of -0
}

// Normalize makes a sample fit for a history: counts are quantized. A tick's bad events may be
// below 0 or above its total if good and total are seen at different times: only what is read over
// a window is cut, see Cut.
func (s *Sample) Normalize() {
	if s.Blind {
		s.Counts = Counts{}
	}
	s.Counts = s.normal()
	for i := range s.Late {
		s.Late[i].Counts = s.Late[i].normal()
	}
}

func (c Counts) normal() Counts { return Counts{max(0, Quantize(c.Total)), Quantize(c.Bad)} }

// CaveatKind says why a number is less than exact.
type CaveatKind string

// The kinds of caveats.
const (
	Dip           CaveatKind = "dip"             // a counter fell a little: a switch of replicas, counted as 0
	NotANumber    CaveatKind = "not_a_number"    // a counter was NaN, infinite or negative, or what was measured NaN: it was dropped
	BadAboveTotal CaveatKind = "bad_above_total" // a window has more bad events than events: cut to the total
	Baseline      CaveatKind = "baseline"        // a series was first seen with a past: counting starts at its first value
	NoTarget      CaveatKind = "no_target"       // a series of no known target was born: counting starts at its first value
	LongGap       CaveatKind = "late"            // events became known late: they are spread evenly over the time they were missing
	NoBucket      CaveatKind = "no_bucket"       // a target's histogram has no bucket for the threshold, and none above: left out
	NoGood        CaveatKind = "no_good"         // a target counts events and has no counter of the good ones (renamed?): left out
	Interpolated  CaveatKind = "interpolated"    // the threshold is between two buckets: events between them are estimated
	Reset         CaveatKind = "reset"           // a counter was reset: what it counted since its last scrape before is lost, about so many
	Returned      CaveatKind = "returned"        // a counter was gone for a while, and was counted as if it had gone on
	NewTarget     CaveatKind = "new_target"      // a new target does not say when it started: its first values count, as they are of the usual size
	Uncountable   CaveatKind = "uncountable"     // a counter is a sum or switches between processes: it falls too often or too little, and counts nothing
	Restart       CaveatKind = "restart"         // a process restarted, or other counters of its target fell, and a counter did not fall: reset or not?
	DataLate      CaveatKind = "data_late"       // events reached Prometheus after their tick was read, and were added later
	NoData        CaveatKind = "no_data"         // ticks without data are left out
	QueryFailed   CaveatKind = "query_failed"    // ticks whose query kept failing are left out
	Planned       CaveatKind = "planned"         // ticks of planned work are left out
	Estimated     CaveatKind = "estimated"       // part of the budget's window has no events yet, and counts at the mean rate
	OnceATick     CaveatKind = "once_a_tick"     // the indicator is measured at the ticks and not between them
	Removed       CaveatKind = "removed"         // the objective was taken out of the SLO file before the breach ended
)

// Caveat is something that makes a number less than exact, with its size.
type Caveat struct {
	Kind   CaveatKind `json:"kind"`
	Count  int        `json:"count"`            // how many series or ticks it happened to; for a histogram's boundaries: how many targets at most
	Events float64    `json:"events,omitempty"` // how many events it is about, at most; 0: not known
}

// MergeCaveats adds the caveats of `more` to `all`, one of each kind, ordered by kind.
func MergeCaveats(all, more []Caveat) []Caveat {
	for _, c := range more {
		i, found := slices.BinarySearchFunc(all, c.Kind, func(have Caveat, k CaveatKind) int { return cmp.Compare(have.Kind, k) })
		if !found {
			all = slices.Insert(all, i, c)
			continue
		}
		if c.Kind == NoBucket || c.Kind == NoGood || c.Kind == Interpolated || c.Kind == OnceATick {
			all[i].Count = max(all[i].Count, c.Count) // the same targets, tick after tick
		} else {
			all[i].Count += c.Count
		}
		all[i].Events += c.Events
	}
	return all
}

// String returns a sentence for people, without a full stop.
func (c Caveat) String() string {
	events := humanize.Number(c.Events)
	switch c.Kind {
	case Dip:
		return fmt.Sprintf("%s fell a little and counted 0 (a switch of replicas?); about %s events uncertain", humanize.Plural(c.Count, "counter"), events)
	case NotANumber:
		return humanize.Plural(c.Count, "value") + " left out, not a number or negative"
	case BadAboveTotal:
		return fmt.Sprintf("%s more bad events than events; cut to the total", events)
	case Baseline:
		if c.Events > 0 {
			return fmt.Sprintf("%s first seen with a past; the %s events they had counted before are not included", humanize.Plural(c.Count, "counter"), events)
		}
		return fmt.Sprintf("%s first seen with a past; what they had counted before is not included", humanize.Plural(c.Count, "counter"))
	case NoTarget:
		return fmt.Sprintf("%s of no known target appeared; the %s events they began with are not included", humanize.Plural(c.Count, "counter"), events)
	case LongGap:
		return fmt.Sprintf("%s events were not scraped in time and are spread evenly over the gap: nobody knows when in it they happened", events)
	case NoBucket:
		return fmt.Sprintf("%s events of %s left out: no bucket of the histogram reaches the threshold", events, humanize.Plural(c.Count, "target"))
	case NoGood:
		return fmt.Sprintf("%s events of %s left out: they have no counter of the good ones (renamed?)", events, humanize.Plural(c.Count, "target"))
	case Interpolated:
		if c.Events == 0 {
			return "the threshold may be between two boundaries of the histogram on " + humanize.Plural(c.Count, "target") + ": then events between them are estimated"
		}
		return fmt.Sprintf("the threshold is between two boundaries of the histogram on %s; the %s events between them are split by an estimate",
			humanize.Plural(c.Count, "target"), events)
	case Reset:
		if c.Events > 0 {
			return fmt.Sprintf("%s reset; about %s events between the last scrape and the restart are lost", humanize.Plural(c.Count, "counter"), events)
		}
		return fmt.Sprintf("%s reset; events between the last scrape and the restart are lost", humanize.Plural(c.Count, "counter"))
	case Restart:
		return fmt.Sprintf("%s may or may not have been reset when a process restarted; up to %s events are uncertain", humanize.Plural(c.Count, "counter"), events)
	case Returned:
		return fmt.Sprintf("%s gone for a while, and counted on from the old value; else up to %s events are missing", humanize.Plural(c.Count, "counter"), events)
	case NewTarget:
		return fmt.Sprintf("%s of new targets that do not say when they started; the %s events they began with count as new, "+
			"because other targets count as many between scrapes", humanize.Plural(c.Count, "counter"), events)
	case Uncountable:
		return fmt.Sprintf("%s left uncounted: the values are of several processes, one after another or added up; up to %s events are missing",
			humanize.Plural(c.Count, "counter"), events)
	case DataLate:
		return fmt.Sprintf("%s events reached Prometheus after their tick was counted, and were added later", events)
	case NoData:
		return humanize.Plural(c.Count, "tick") + " without data left out"
	case QueryFailed:
		return humanize.Plural(c.Count, "tick") + " left out because the query kept failing"
	case Planned:
		return humanize.Plural(c.Count, "tick") + " of planned work left out, with " + events + " bad events; the error budget counts them"
	case Estimated:
		return fmt.Sprintf("%s events of the error budget's window are estimated: that part was still to come or was not watched", events)
	case OnceATick:
		return "measured once a tick: events are weighted by ticks, and what happens between two ticks is not seen"
	case Removed:
		return "the objective was removed or replaced before the breach ended; the numbers end there"
	}
	return string(c.Kind)
}
