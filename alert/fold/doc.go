// Package fold finds breach windows in samples, and incidents in breach windows. It takes the time
// from its samples and does no I/O. So the daemon, its catch-up after downtime and a replay find
// the same.
//
// Begin with Watch.StepLong in watch.go, the step of one objective or label set: it adds a sample
// to the ledger and passes the ledger to each tracker. Lane.Step in lane.go does so for all
// objectives of some incident groups. Each type has its own file:
//
//	windowtrackers.go  windowTrackers: the trackers of all kinds of windows, one after another
//	ledger.go          ledger: what is known of an objective, and how to judge it
//	past.go            past: the history, and what is not in it
//	terms.go           terms: a definition, in whole ticks
//	planned.go         plannedWork: planned work and its events
//	corrections.go     corrections: events taken out of the budget
//	overlay.go         overlay: sums without them
//	correct.go         corrector: making them
//	exclude.go         Lane.Exclude: for which incidents
//	apart.go           which events are surely bad, if good and total are seen apart
//	firing.go          firing: which rules fire; closedWindows: bad events that rules ignore
//	run.go             tracker and run: when a breach began, and was last getting worse
//	burn.go            burnTracker: windows of kind burn
//	phases.go          outage, degraded, blind: what an open window is made of
//	budget.go          budgetTracker: windows of kind budget, and what a breach spent
//	blind.go           blindTracker: windows without data
//	quiet.go           quietTracker: windows with far less traffic than usual
//	reckoner.go        reckoner: the numbers of a window
//	rewatch.go         another target or policy for a history that goes on
//	status.go          Watch.Status: how an objective stands
//	detail.go          Watch.Detail: its rules; profile: its course, and what it attained
//	days.go            what a watch knows of each day
//	state.go           WatchState: what a checkpoint keeps
//	lane.go            Lane: the step of all objectives of some incident groups
//	roster.go          roster: which these are
//	record.go          record: the incidents of a lane
//	adopt.go           replacing a watch by one folded over more of its past
//	coarse*.go         Coarse: folding a past without reading every tick
package fold
