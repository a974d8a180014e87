package alert

import "time"

// Event says what a step did to a window.
type Event struct {
	Tick   time.Time
	Opened bool
	Closed bool
	Window Window

	Policy Policy // the objective's
}
