package alert

import (
	"time"
)

// Event is what a step did to a breach window.
type Event struct {
	Tick   time.Time
	Opened bool
	Closed bool
	Window Window

	Policy Policy // of the objective
}
