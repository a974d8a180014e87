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
	Blind   State = "blind"   // there is no data, or none could be had: never "ok"
	Quiet   State = "quiet"   // there is far less traffic than usual, and no rule has fired
)

// Status is how an objective stands at the last committed tick.
type Status struct {
	Objective       slo.Objective
	Labels          slo.Labels
	Tick            time.Time  // zero while nothing was committed
	Window          slo.Counts // events counted in the objective's window
	Estimated       float64    // events that stand for the part of the window that is still to come, or was not watched
	BudgetRemaining float64    // share of the error budget: 1 is untouched, below 0 is overspent
	BurnRates       []BurnRate // one for each window of the rules, shortest first
	State           State
	Unread          time.Duration // how much of the objective's window, before what is known, is still to be read from Prometheus
	BlindSince      time.Time     // from when on there is no data, or none that could be had; zero where there is, and where there never was
	QuietSince      time.Time     // from when on there is far less traffic than usual; zero where there is not

	Redefined time.Time // the tick after which the present definition holds; zero if it always did
	Changes   []string  // from what to what it changed then

	Extra time.Duration // that is added to the delay
}

// BurnRate is how fast the budget burned over a window: 1 spends all of it in exactly the
// objective's window.
type BurnRate struct {
	Window time.Duration
	Rate   float64
}
