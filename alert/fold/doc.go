// Package fold finds breach windows in samples, and incidents in breach windows. It takes the time
// from its samples and does no I/O, so the daemon, the catch-up after downtime and a replay of the
// past find the same.
//
// Begin with Watch.Step in watch.go, the step of one objective or label set, and Lane.Step in
// lane.go, that of all objectives of some incident groups. The other files hold one thing each:
//
//	run.go, apart.go      where a breach began, and where it was last getting worse
//	phases.go             outage, degraded, blind: what an open window is made of
//	budget.go             windows of kind budget, and what a breach spent
//	blind.go, quiet.go    windows without data, and with far less traffic than usual
//	planned.go            planned work
//	relearn.go            events that a later sample tells of
//	rewatch.go            another target or policy for a history that goes on
//	adopt.go              exchanging a watch for one that was folded over more of its past
//	coarse*.go            folding a past of which not every tick was read
package fold
