package lint

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/slo/humanize"
)

// How much a claim may differ from the record: people round.
const (
	roundedShare = 0.2              // of a number
	roundedTime  = 10 * time.Minute // of a time of day
	roundedSpan  = 2 * time.Minute  // of a length, whatever it is
)

const about = `(?:(?:about|around|roughly|some|nearly|almost|approximately|over|more than|at least|up to|just under|just over|a good|in total|for|a total of|as many as|~)\s+)*`

var (
	lastedFor = lazyregexp.New(`(?i)\b(?:outage|incident|breach|downtime|this|it)\b[^.;]{0,40}?\blasted ` + about + `(` + learn.DurationPattern + `)`)
	downFor   = lazyregexp.New(`(?i)\b(?:was|were|been) (?:completely |mostly |all |partly )?(?:down|unavailable|offline|broken|unreachable|failing) ` + about + `(` + learn.DurationPattern + `)`)

	failed    = `(?:failed|were lost|errored|went wrong|were bad|(?:were|was) (?:too )?slow|timed out|got (?:an )?errors?|were affected)`
	noun      = `(?:(?:\pL+ )?(?:requests|events|checks|searches|logins|payments|orders))`
	countBad  = lazyregexp.New(`(?i)(?:^|[^\d.,:/%-])(` + learn.NumberPattern + `) ` + noun + ` (?:have |had )?` + failed + `\b`)
	countLost = lazyregexp.New(`(?i)\b(?:lost|dropped|failed) ` + about + `(` + learn.NumberPattern + `) (?:of (?:our|the|all|all our) )?` + noun + `\b`)
	countAdj  = lazyregexp.New(`(?i)(?:^|[^\d.,:/%-])(` + learn.NumberPattern + `) (?:failed|lost|bad) ` + noun + `\b`)

	shareBad   = lazyregexp.New(`(?i)(\d+(?:\.\d+)?) ?% of (?:all |our |the |all of the |all the |all our )*` + noun + ` (?:have |had )?` + failed + `\b`)
	budgetVerb = lazyregexp.New(`(?i)\b(?:spent|spends?|spending|used(?: up)?|cost|costs|ate|burnt|burned|took|consumed)\b[^.;:%\d]{0,30}?(\d+(?:\.\d+)?) ?% of [^.;:%]{0,30}?budget\b`)
	budgetGone = lazyregexp.New(`(?i)(\d+(?:\.\d+)?) ?% of (?:the |our |its |this month's )?[^.;:%]{0,20}?budget (?:was|were|is|has been|had been) (?:spent|used(?: up)?|gone|consumed|burnt|burned)\b`)
	began      = lazyregexp.New(`(?i)\b(?:outage|incident|breach|errors|failures|downtime) (?:began|begun|started) (?:at )?(?:about |around )?(\d{1,2}:\d\d)(?::\d\d)?\b`)
	over       = lazyregexp.New(`(?i)\b(?:outage|incident|breach|errors|failures|downtime) (?:ended|stopped|(?:was|were) (?:over|resolved|gone)) (?:at )?(?:about |around )?(\d{1,2}:\d\d)(?::\d\d)?\b`)
	ofOthers   = lazyregexp.New(`(?i)\b(?:would|could|instead|per|last|then|previous\pL*|earlier|before|already|ago|counted|client\pL*|retr(?:y|ies)|provider\pL*|vendor\pL*|upstream|if|hourly|` +
		`every|each|daily|a (?:day|minute|second|week|month)|usually|normally|peak|left|remain\pL*|threshold|limit\pL*|allows?|test\pL*|simulat\pL*|estimat\pL*|in (?:january|february|march|april|may|june|july|august|september|october|november|december)|` +
		`of them|first|worst)\b`)
	otherZone = lazyregexp.New(`\b\d{1,2}:\d\d(?::\d\d)?(?: ?(?i:am|pm)\b| ?(?:CES?T|BST|GMT|IST|JST|MSK|[PMCE][SD]T|EE?ST|A[EW][SD]T|local|\+\d))`)
)

// contradictions finds numbers about the whole incident that differ from the record, such as
// "lasted 2 hours" for 20 minutes. It needs a record that is final.
func contradictions(r *reading) (found []Finding) {
	if r.Record.IsOpen() {
		return nil
	}
	check, local := factCheck{r.facts}, false
	for _, s := range r.Sections {
		for _, b := range s.Blocks {
			local = local || otherZone.MatchString(b.Text)
		}
	}
	for _, b := range r.Of(learn.Resolved, learn.Causes, learn.Well, learn.Poorly, learn.Brief, learn.Analysis, learn.Trigger, learn.Lucky) {
		if b.Shape == learn.Quote || b.Shape == learn.Row {
			continue
		}
		for _, s := range sentences(b.Said) {
			for _, c := range check.claims(s, local) {
				found = append(found, Finding{Line: b.Line, Text: short(c.text), Example: c.recorded})
			}
		}
	}
	return found
}

// claim is a passage that the record contradicts, and what the record says.
type claim struct{ text, recorded string }

// factCheck compares what a sentence says of the incident with the record: lengths, counts, shares
// and times.
type factCheck struct{ facts }

func (c factCheck) claims(s string, local bool) (all []claim) {
	isOthers := ofOthers.MatchString(s)
	all = append(all, c.lengths(s, isOthers)...)
	if !isOthers {
		all = append(all, c.counts(s)...)
		all = append(all, c.shares(s)...)
	}
	if !local {
		all = append(all, c.times(s)...)
	}
	return all
}

func (c factCheck) lengths(s string, isOthers bool) (all []claim) {
	whole := c.record.Ended().Sub(c.record.Onset())
	recorded := fmt.Sprintf("From onset to end it was %s.", humanize.Duration(whole))
	for _, m := range lastedFor.FindAllStringSubmatch(s, -1) {
		if d := learn.ParseDuration(m[1]); !isOthers && !c.isLength(d) {
			all = append(all, claim{m[0], recorded})
		}
	}
	for _, m := range downFor.FindAllStringSubmatch(s, -1) {
		if d := learn.ParseDuration(m[1]); !isOthers && d > whole && !c.isLength(d) {
			all = append(all, claim{m[0], recorded})
		}
	}
	return all
}

// isLength reports whether a length of time is near one that the facts name.
func (c factCheck) isLength(d time.Duration) bool {
	all := append([]time.Duration{c.record.Ended().Sub(c.record.Onset())}, c.record.Durations...)
	for _, known := range all {
		if (d - known).Abs() <= max(roundedSpan, time.Duration(roundedShare*float64(known))) {
			return true
		}
	}
	return false
}

func (c factCheck) counts(s string) (all []claim) {
	most := 0.0
	for _, w := range c.record.Windows {
		most += w.Bad // people add up what happened to several services
	}
	if most == 0 {
		return nil
	}
	for _, p := range []*lazyregexp.Regexp{countBad, countLost, countAdj} {
		for _, m := range p.FindAllStringSubmatch(s, -1) {
			if n := learn.ParseNumber(m[1]); n > most*(1+roundedShare) {
				all = append(all, claim{strings.TrimSpace(m[0]), c.impact() + "."})
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

func (c factCheck) shares(s string) (all []claim) {
	for _, p := range []*lazyregexp.Regexp{budgetVerb, budgetGone} {
		for _, m := range p.FindAllStringSubmatch(s, -1) {
			if !c.isBudget(learn.ParseNumber(m[1]), m[0]) {
				w := c.record.Worst()
				all = append(all, claim{m[0], fmt.Sprintf("%s spent %s of its error budget.", w.Objective, humanize.Percent(w.BudgetSpent/100))})
			}
		}
	}
	most := 0.0
	for _, x := range c.record.Percents {
		most = max(most, min(x, 100))
	}
	for _, w := range c.record.Windows {
		most = max(most, w.ErrorRatio)
	}
	for _, m := range shareBad.FindAllStringSubmatch(s, -1) {
		if x := learn.ParseNumber(m[1]); c.isOverall(x) {
			w := c.record.Worst()
			all = append(all, claim{m[0], fmt.Sprintf("Of all events of %s, %s went bad.", w.Objective, humanize.Percent(w.ErrorRatio/100))})
		}
	}
	return all
}

// isOverall reports whether a share of bad events is larger than any in the facts, for the whole
// incident or a part of it.
func (c factCheck) isOverall(x float64) bool {
	if near(x, c.record.Percents, roundedShare/2) {
		return false
	}
	for _, w := range c.record.Windows {
		if x <= w.ErrorRatio*(1+roundedShare) {
			return false
		}
	}
	return !c.hasOutage(x)
}

// hasOutage reports whether a phase was worse than a share, so that the share may be of a part of
// it.
func (c factCheck) hasOutage(x float64) bool {
	for _, e := range c.record.Rows {
		if strings.HasPrefix(e.Text, "Outage began") {
			for _, m := range percentIn.FindAllStringSubmatch(e.Text, -1) {
				if learn.ParseNumber(m[1]) >= x {
					return true
				}
			}
		}
	}
	return false
}

var percentIn = lazyregexp.New(`(\d+(?:\.\d+)?) ?%`)

// isBudget reports whether a share of the budget agrees with one that was spent.
func (c factCheck) isBudget(x float64, said string) bool {
	atLeast := strings.Contains(said, "over ") || strings.Contains(said, "more than ") || strings.Contains(said, "at least ")
	for _, w := range c.record.Windows {
		if math.Abs(x-w.BudgetSpent) <= max(2, roundedShare/2*w.BudgetSpent) || atLeast && x <= w.BudgetSpent {
			return true
		}
	}
	return false
}

// near reports whether a number is near one of those that the facts have.
func near(x float64, known []float64, share float64) bool {
	for _, k := range known {
		if math.Abs(x-k) <= share*k {
			return true
		}
	}
	return false
}

func (c factCheck) times(s string) (all []claim) {
	var onsets, ends []time.Time
	for _, w := range c.record.Windows {
		onsets, ends = append(onsets, w.Onset), append(ends, w.Ended)
	}
	for _, e := range c.record.Rows {
		if !isChange(e) {
			onsets, ends = append(onsets, e.Time), append(ends, e.Time)
		}
	}
	for _, m := range began.FindAllStringSubmatch(s, -1) {
		if !isTime(m[1], onsets) {
			all = append(all, claim{m[0], fmt.Sprintf("The onset was at %s UTC.", c.clock(c.record.Onset()))})
		}
	}
	for _, m := range over.FindAllStringSubmatch(s, -1) {
		if !isTime(m[1], ends) {
			all = append(all, claim{m[0], fmt.Sprintf("The end was at %s UTC.", c.clock(c.record.Ended()))})
		}
	}
	return all
}

// isTime reports whether a time of day is near one of these.
func isTime(clock string, known []time.Time) bool {
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return true // not a time after all
	}
	for _, k := range known {
		k = k.UTC()
		apart := (time.Duration(k.Hour()-at.Hour())*time.Hour + time.Duration(k.Minute()-at.Minute())*time.Minute).Abs()
		if min(apart, 24*time.Hour-apart) <= roundedTime {
			return true
		}
	}
	return false
}
