package issue

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// Remembered is how far back to list earlier incidents, and maxEarlier how many to list.
	Remembered = 90 * 24 * time.Hour
	maxEarlier = 5
	// Lookback is how long before the onset to look for changes.
	Lookback = 2 * time.Hour
	// leastPast and pastTicks: see LookPast.
	leastPast = 2 * time.Minute
	pastTicks = 5
	// laterHalf is the longest time before an end that LaterHalf goes back.
	laterHalf = time.Hour
)

// LookPast returns how long after the end to look for changes: five ticks, at least two minutes.
// What ended a breach, for example a new process, shows up a scrape or two later, and other clocks
// may date it after the last bad tick.
func LookPast(interval time.Duration) time.Duration { return max(pastTicks*interval, leastPast) }

// LaterHalf returns when the later half of an incident begins, at most an hour before its end. A
// change from then on may have ended it.
func LaterHalf(onset, ended time.Time) time.Time {
	return ended.Add(-min(laterHalf, ended.Sub(onset)/2))
}

// NewFacts returns the facts that follow from an incident and the others, which may include itself.
// publicationOf returns the publication of each incident mentioned, zero if there is none; its
// error is passed on.
func NewFacts(i alert.Incident, others []alert.Incident, publicationOf func(id string) (Publication, error)) (Facts, error) {
	f := Facts{Incident: i, AsOf: AsOf(i)}
	others = slices.SortedStableFunc(slices.Values(others), alert.NewestFirst)
	for _, other := range others {
		if other.ID == i.ID {
			continue
		}
		spent, earlier, beside := spentBy(other, i, f.AsOf), earlierThan(other, i), beside(other, i, f.AsOf)
		if len(spent) == 0 && earlier == nil && len(beside) == 0 {
			continue
		}
		pub, err := publicationOf(other.ID)
		if err != nil {
			return Facts{}, err
		}
		address := pub.URL()
		if pub.Excluded != nil { // it spent nothing, and is no sign that this comes back
			spent, earlier = nil, nil
		}
		if earlier != nil {
			f.EarlierAll++
			if pub.Triage == Noise {
				f.Noise++
			}
		}
		if len(f.Earlier) == maxEarlier {
			earlier = nil
		}
		for _, s := range spent {
			s.URL = address
			f.SpentBy = append(f.SpentBy, s)
		}
		if earlier != nil {
			f.Earlier = append(f.Earlier, Earlier{other.ID, other.Onset(), Ended(other), *earlier, address})
		}
		for _, e := range beside {
			e.URL = address
			f.Timeline = append(f.Timeline, e)
		}
	}
	f.SpentBy = append(f.SpentBy, spentBy(i, i, f.AsOf)...)
	slices.SortStableFunc(f.SpentBy, func(a, b Spender) int { return a.Onset.Compare(b.Onset) })
	return f, nil
}

// Budgets returns the incident's last budget window of each objective.
func Budgets(i alert.Incident) (all []alert.Window) {
	for _, w := range i.Windows {
		if w.Kind != alert.Budget {
			continue
		}
		all = slices.DeleteFunc(all, func(v alert.Window) bool { return v.ID() == w.ID() })
		all = append(all, w)
	}
	return all
}

// LongestBudget returns the longest budget period among an incident's budgets.
func LongestBudget(i alert.Incident) (longest time.Duration) {
	for _, w := range Budgets(i) {
		longest = max(longest, w.Objective.Window.Longest())
	}
	return longest
}

// spentBy returns what an incident spent of these budgets, its own or another incident's.
func spentBy(other, i alert.Incident, end time.Time) (spent []Spender) {
	for _, w := range Budgets(i) {
		periods, _ := w.Objective.Window.Periods() // checked when SLO files are read
		since, bad := periods.At(w.Detected).Start, 0.0
		for _, v := range other.Windows {
			if v.Kind == alert.Burn && v.ID() == w.ID() && v.Onset.Before(end) && !until(v).Before(since) {
				bad += v.Bad
			}
		}
		if bad > 0 {
			spent = append(spent, Spender{Of: w.ID(), ID: other.ID, Onset: other.Onset(), Bad: bad})
		}
	}
	return spent
}

// earlierThan returns another incident's worst window of the same objective that ended before; nil
// if there is none.
func earlierThan(other, i alert.Incident) *alert.Window {
	worst, ended, onset := Headline(i), Ended(other), Core(i).Onset()
	if worst.Kind == alert.Budget || ended.IsZero() || ended.After(onset) || ended.Before(onset.Add(-Remembered)) {
		return nil
	}
	var same []alert.Window
	for _, v := range other.Windows {
		if v.Kind == alert.Burn && v.ID() == worst.ID() {
			same = append(same, v)
		}
	}
	if len(same) == 0 {
		return nil
	}
	found := Headline(alert.Incident{Windows: same})
	return &found
}

// beside returns another incident's breaches that began shortly before this one, or during it.
func beside(other, i alert.Incident, end time.Time) (entries []Entry) {
	if Headline(i).Kind == alert.Budget {
		return nil
	}
	from := Core(i).Onset().Add(-Lookback)
	for _, v := range other.Windows {
		if v.Kind == alert.Burn && !v.Onset.Before(from) && !v.Onset.After(end) {
			entries = append(entries, Entry{
				Time: v.Onset, Text: "Another incident: " + v.ID().String() + " began to miss its target", Source: "postburn",
				Symptom: true, Aside: !concerns(i, v.Objective.Service),
			})
		}
	}
	return entries
}

// concerns reports whether one of the incident's objectives is of a service.
func concerns(i alert.Incident, service string) bool {
	return slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.Objective.Service == service })
}

// AsOf returns the end of the last tick in the numbers. The numbers of an open breach go up to when
// it last got worse.
func AsOf(i alert.Incident) time.Time {
	i = Core(i)
	if !i.IsOpen() {
		return i.Ended()
	}
	var latest time.Time
	for _, w := range i.Windows {
		if end := until(w); end.After(latest) {
			latest = end
		}
	}
	return latest
}

// until returns the end of the last tick known to belong to a window.
func until(w alert.Window) time.Time {
	end := w.Detected
	if !w.IsOpen() {
		end = w.Ended
	}
	if n := len(w.Phases); n > 0 && w.Phases[n-1].End.After(end) {
		end = w.Phases[n-1].End
	}
	return end
}
