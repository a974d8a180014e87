package issue

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// remembered is how far back earlier incidents are listed, and maxEarlier how many of them.
	remembered = 90 * 24 * time.Hour
	maxEarlier = 5
	// Lookback is how long before the onset what changed is looked for.
	Lookback = 2 * time.Hour
	// leastPast and pastTicks: see LookPast.
	leastPast = 2 * time.Minute
	pastTicks = 5
	// laterHalf is the longest stretch before an end that LaterHalf returns.
	laterHalf = time.Hour
)

// LookPast is how long after the end what changed is looked for: five ticks, and at least two
// minutes. What ended a breach, such as a process that starts, is seen a scrape or two later, and by
// the clocks of others it may begin after the last bad tick.
func LookPast(interval time.Duration) time.Duration { return max(pastTicks*interval, leastPast) }

// LaterHalf is when the later half of an incident begins, at most an hour before its end. What
// changed from then on may have ended it.
func LaterHalf(onset, ended time.Time) time.Time {
	return ended.Add(-min(laterHalf, ended.Sub(onset)/2))
}

// text renders a write's text. Where a user's template is bad, the built-in text is taken and the template's error logged.
func (p *Publisher) text(ctx context.Context, j *job, i int) (Text, error) {
	stage := j.pub.Writes[i].Stage
	facts, err := p.facts(ctx, j, stage)
	if err != nil {
		return Text{}, err
	}
	text, err := p.Render(facts, stage)
	if err != nil && text == (Text{}) {
		return Text{}, fmt.Errorf("rendering the %s text: %w", stage, err)
	}
	if err != nil {
		p.report(j.pub.Key, rendering, err)
	}
	return text, nil
}

// facts are all that is known about what a publication is for. Only an incident's body tells of other incidents and evidence.
func (p *Publisher) facts(ctx context.Context, j *job, stage Stage) (f Facts, err error) {
	if j.pub.Kind == Single {
		f, err = p.incidentFacts(ctx, j, stage)
	} else {
		f = p.manyFacts(j)
	}
	if err != nil {
		return Facts{}, err
	}
	o := j.opening()
	f.Interval, f.Edited, f.Original = p.Interval, o.Edited, o.Ref.URL
	if stage == Opening {
		_, f.Mention = j.owners(p.Settings)
	}
	if stage == Opening || (o.Edited && stage == Recovery) {
		f.Dropped = o.Dropped
	}
	return f, nil
}

func (p *Publisher) manyFacts(j *job) Facts {
	f := Facts{Kind: j.pub.Kind, Pages: map[string]string{}}
	f.Incidents = slices.SortedStableFunc(slices.Values(j.incidents), func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) })
	for _, i := range f.Incidents {
		f.Pages[i.ID] = p.pageOf(i.ID)
		if at := asOf(i); at.After(f.AsOf) {
			f.AsOf = at
		}
	}
	return f
}

func (p *Publisher) incidentFacts(ctx context.Context, j *job, stage Stage) (Facts, error) {
	i := j.incidents[0]
	worst := Headline(i)
	var others []alert.Incident
	if stage == Opening || hasBudget(i) {
		since := i.Onset().Add(-max(remembered, longestBudget(i)))
		var err error
		if others, err = p.Store.Incidents(ctx, since); err != nil {
			return Facts{}, fmt.Errorf("reading other incidents: %w", err)
		}
	}
	f, err := NewFacts(i, others, func(id string) (Publication, error) {
		pub, _, err := p.Store.Publication(ctx, id)
		if err != nil {
			return Publication{}, fmt.Errorf("reading the publication of incident %s: %w", id, err)
		}
		return pub, nil
	})
	if err != nil {
		return Facts{}, err
	}
	if p.Settings != nil {
		f.Settings = p.Settings(worst.Objective.Name)
	}
	f.URL = p.pageOf(i.ID)
	if stage == Opening {
		f.Add(p.evidence(ctx, j, i))
	}
	return f, nil
}

// pageOf is the address of an incident's page; empty where the daemon has none.
func (p *Publisher) pageOf(id string) string {
	if p.ExternalURL == "" {
		return ""
	}
	return strings.TrimSuffix(p.ExternalURL, "/") + "/incidents/" + url.PathEscape(id)
}

// NewFacts are what is known about an incident from it and the others, which may include itself. publicationOf is asked for the
// publications of those that are told of, and returns a zero one where there is none; its error is returned.
func NewFacts(i alert.Incident, others []alert.Incident, publicationOf func(id string) (Publication, error)) (Facts, error) {
	f := Facts{Incident: i, AsOf: asOf(i)}
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

// budgets are the incident's windows of kind budget: the last one of each objective.
func budgets(i alert.Incident) (all []alert.Window) {
	for _, w := range i.Windows {
		if w.Kind != alert.Budget {
			continue
		}
		all = slices.DeleteFunc(all, func(v alert.Window) bool { return v.ID() == w.ID() })
		all = append(all, w)
	}
	return all
}

func hasBudget(i alert.Incident) bool { return len(budgets(i)) > 0 }

// longestBudget is how long the longest period is that an incident's budgets are of.
func longestBudget(i alert.Incident) (longest time.Duration) {
	for _, w := range budgets(i) {
		longest = max(longest, w.Objective.Window.Longest())
	}
	return longest
}

// spentBy says what an incident spent of the budgets that windows of another one, or of its own, are
// about.
func spentBy(other, i alert.Incident, end time.Time) (spent []Spender) {
	for _, w := range budgets(i) {
		periods, _ := w.Objective.Window.Periods() // whether there are such is checked where SLO files are read
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

// earlierThan is the worst of another incident's windows that are of the same objective and were over before; nil where there is none.
func earlierThan(other, i alert.Incident) *alert.Window {
	worst, ended, onset := Headline(i), Ended(other), Core(i).Onset()
	if worst.Kind == alert.Budget || ended.IsZero() || ended.After(onset) || ended.Before(onset.Add(-remembered)) {
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

// beside are the breaches of another incident that began shortly before, or while it went on.
func beside(other, i alert.Incident, end time.Time) (entries []Entry) {
	if Headline(i).Kind == alert.Budget {
		return nil
	}
	from := Core(i).Onset().Add(-Lookback)
	for _, v := range other.Windows {
		if v.Kind == alert.Burn && !v.Onset.Before(from) && !v.Onset.After(end) {
			entries = append(entries, Entry{Time: v.Onset, Text: "Another incident: " + v.ID().String() + " began to miss its target", Source: "postburn", Symptom: true})
		}
	}
	return entries
}

// asOf is the end of the last tick that is in the numbers: those of an open breach go to where it was last getting worse.
func asOf(i alert.Incident) time.Time {
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

// until is the end of the last tick that is known to be a window's.
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

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
