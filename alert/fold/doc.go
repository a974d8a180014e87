// Package fold is the step function: it folds the samples of an objective, one a tick, into breach
// windows. It takes the time from its samples, and does no I/O, so the daemon, the catch-up after
// downtime and a replay of the past find the same windows.
//
// Begin with Watch.Step in watch.go. The other files hold one thing each:
//
//	run.go, apart.go    where a breach began and where it was last getting worse
//	phases.go           outage, degraded, blind: what an open window is made of
//	budget.go           the window of kind budget, and what a breach spent
//	blind.go            the window of kind blind
//	planned.go          planned work
//	relearn.go          events that come late
//	rewatch.go          another target or policy for a history that goes on
package fold
