package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

// When a difference is told. Small numbers differ by chance: n incidents by about √n.
const (
	leastIncidents = 3    // in one of the periods, for a trend in how many there were
	leastTimes     = 5    // in both, for a trend in times and shares
	longer         = 1.5  // times as long, for a trend in times
	moreOften      = 0.25 // for a trend in shares
	blindFrom      = time.Hour
	blindTimes     = 2
	mostNamed      = 3 // objectives in a sentence
)

// trend is a difference between the periods.
type trend struct {
	better bool
	text   string
}

// trends returns what differs enough to be told, what matters most first.
func (r Report) trends(name func(string) string) (all []trend) {
	all = append(all, r.targets(name)...)
	now, before := r.Incidents.Now, r.Incidents.Before
	if r.isBeforeKnown() {
		if n, was := float64(now.Count), float64(before.Count); max(n, was) >= leastIncidents && math.Abs(n-was) > math.Sqrt(n+was) {
			all = append(all, trend{n < was, fmt.Sprintf("%s, after %s", thereWere(now.Count), humanize.Number(was))})
		}
		all = append(all, share(now.LittleHarm, now.Count, before.LittleHarm, before.Count, true, "%d of %d incidents did little harm, after %d of %d")...)
		all = append(all, times(now.Recover, before.Recover, "recovery took %s in the median of %s, after %s")...)
		all = append(all, times(now.Detect, before.Detect, "detection took %s in the median of %s, after %s")...)
		all = append(all, share(now.Noise, now.Count+now.Noise, before.Noise, before.Count+before.Noise, false, "people called %d of %d issues noise, after %d of %d")...)
	}
	return append(all, r.blindness(name)...)
}

func thereWere(n int) string {
	if n == 1 {
		return "there was 1 incident"
	}
	return "there were " + humanize.Plural(n, "incident")
}

// isBeforeKnown reports whether the period before can be compared with: some objective was watched
// for at least half of it, or there were incidents.
func (r Report) isBeforeKnown() bool {
	return r.Incidents.Before.Count > 0 || slices.ContainsFunc(r.objectives(), func(o Objective) bool { return o.Before.isMostlyKnown(r.Before) })
}

// objectives returns those of all services.
func (r Report) objectives() (all []Objective) {
	for _, s := range r.Services {
		all = append(all, s.Objectives...)
	}
	return all
}

// targets tells which objectives met a target that they had missed before, or the reverse.
func (r Report) targets(name func(string) string) (all []trend) {
	var met, missed []Objective
	for _, o := range r.objectives() {
		if !o.Now.isMostlyKnown(r.Period) || !o.Before.isMostlyKnown(r.Before) {
			continue
		}
		switch {
		case o.Now.isMet() && !o.Before.isMet():
			met = append(met, o)
		case !o.Now.isMet() && o.Before.isMet():
			missed = append(missed, o)
		}
	}
	say := func(of []Objective, better bool, one, many string) {
		slices.SortStableFunc(of, func(a, b Objective) int {
			return cmp.Compare(max(*b.Now.Spent, *b.Before.Spent), max(*a.Now.Spent, *a.Before.Spent))
		})
		switch len(of) {
		case 0:
		case 1:
			o := of[0]
			all = append(all, trend{better, fmt.Sprintf("%s %s: %s of %s, after %s", name(o.name), one, attainedText(o, o.Now), percentText(o.target), attainedText(o, o.Before))})
		default:
			var names []string
			for _, o := range of[:min(len(of), mostNamed)] {
				names = append(names, name(o.name))
			}
			if more := len(of) - len(names); more > 0 {
				names = append(names, humanize.Number(float64(more))+" more")
			}
			all = append(all, trend{better, fmt.Sprintf("%d objectives %s: %s", len(of), many, humanize.List(names))})
		}
	}
	say(met, true, "met the target that it had missed", "met targets that they had missed")
	say(missed, false, "missed the target that it had met", "missed targets that they had met")
	return all
}

// share compares shares.
func share(n, of, was, ofWas int, moreIsBetter bool, text string) []trend {
	if min(of, ofWas) < leastTimes {
		return nil
	}
	d := float64(n)/float64(of) - float64(was)/float64(ofWas)
	if math.Abs(d) < moreOften {
		return nil
	}
	return []trend{{d > 0 == moreIsBetter, fmt.Sprintf(text, n, of, was, ofWas)}}
}

// times compares medians.
func times(now, before *Times, text string) []trend {
	if now == nil || before == nil || min(now.Count, before.Count) < leastTimes {
		return nil
	}
	// What took no time at all can't be a multiple.
	a, b := max(now.Median, 1), max(before.Median, 1)
	if a < b*longer && b < a*longer {
		return nil
	}
	return []trend{{a < b, fmt.Sprintf(text, lengthText(now.Median), humanize.Plural(now.Count, "incident"), lengthText(before.Median))}}
}

// blindness tells of the objective whose time without data changed most.
func (r Report) blindness(name func(string) string) []trend {
	var worst Objective
	var most float64
	for _, o := range r.objectives() {
		if o.Now.Since == nil || o.Before.Since == nil || o.Before.Known < o.Now.Known/2 || o.Now.Known < o.Before.Known/2 {
			continue
		}
		a, b := o.Now.Blind, o.Before.Blind
		if d := math.Abs(a - b); d > most && d >= blindFrom.Seconds() && max(a, b) >= blindTimes*min(a, b) {
			worst, most = o, d
		}
	}
	if most == 0 {
		return nil
	}
	return []trend{{worst.Now.Blind < worst.Before.Blind, fmt.Sprintf("%s had no data for %s, after %s", name(worst.name), blindText(worst.Now.Blind), blindText(worst.Before.Blind))}}
}
