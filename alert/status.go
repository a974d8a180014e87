package alert

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// State is how an objective is doing.
type State string

// The states of an objective.
const (
	OK      State = "ok"
	Burning State = "burning" // a breach window is open
	Blind   State = "blind"   // there is no data, or it can't be read: never "ok"
	Quiet   State = "quiet"   // there is far less traffic than usual, and no rule has fired
)

// Status says how an objective stands at the last committed tick.
type Status struct {
	Objective       slo.Objective
	Labels          slo.Labels
	Tick            time.Time  // zero if nothing is committed yet
	Window          slo.Counts // events counted in the objective's window
	Estimated       float64    // events estimated for the part of the window still to come, or not watched
	BudgetRemaining float64    // share of the error budget: 1 is untouched, below 0 overspent
	BurnRates       []BurnRate // one for each window of the rules, shortest first
	State           State
	Unread          time.Duration // how much of the objective's window is still to be read from Prometheus
	BlindSince      time.Time     // since when there is no data, or it can't be read; zero if there is data, or never was
	QuietSince      time.Time     // since when traffic is far below usual; zero if it is not

	Redefined time.Time // the tick after which this definition holds; zero if it always did
	Changes   []string  // what changed then, see Changes

	Extra time.Duration // added to the delay
}

// BurnRate says how fast the budget burned over a window: 1 spends exactly all of it in the
// objective's window.
type BurnRate struct {
	Window time.Duration
	Rate   float64
}
