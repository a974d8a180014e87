package alert

import "time"

// Event says what a step did to a window.
type Event struct {
	Tick   time.Time
	Opened bool
	Closed bool
	Window Window

	Over   time.Time // if the window is open, but was found so late that it is known when it was over
	Policy Policy    // the objective's
}
