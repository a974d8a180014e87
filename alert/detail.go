package alert

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// Detail is what is known of one objective and label set besides its Status: how it went over
// several lengths of time, how near each rule is to firing, and the course of its events.
type Detail struct {
	Status
	Policy   Policy
	Attained []Attained   // shortest first; the last is the objective's window
	Rules    []RuleStatus // in the policy's order
	Course   []Stretch    // oldest first, without gaps, up to the newest tick
}

// Attained is what happened over the last Length of time, planned work and excluded incidents left
// out. For a calendar window, Length is how much of it has passed.
type Attained struct {
	Length time.Duration
	slo.Counts
	Unseen time.Duration // how much of it had no data, was left out, or was not watched
}

// RuleStatus says how near a rule is to firing: it fires if both burn rates are above its rate, and
// there are enough bad events.
type RuleStatus struct {
	Rule
	LongBurnRate, ShortBurnRate float64
	Bad                         float64 // events in the long window
}

// Nearness returns how far the rule has come to firing: 1 or more is there.
func (r RuleStatus) Nearness() float64 {
	if r.Rate.IsZero() {
		return 0
	}
	return min(r.LongBurnRate, r.ShortBurnRate) / r.Rate.Float()
}

// Stretch is a part of an objective's course.
type Stretch struct {
	slo.Span
	slo.Counts      // without planned work's
	Blind      bool // there was no data in all of it
	Planned    bool // some of it was planned work
}
