// Package alert defines what counts as an incident: policies, breach windows, incidents, and the
// Store that keeps them. It does no I/O and reads no clock.
//
// Package fold below it finds breach windows in samples. Package engine takes the samples and
// commits what fold finds. Package issue publishes incidents.
//
// Start reading at Policy, Window and Incident. The files:
//
//	policy.go    Policy and Definition: what an SLO file says about incidents
//	window.go    Window: onset, end, kind and numbers of one breach
//	incident.go  Incident: windows that belong together, and Correlate, which decides that
//	correction.go  Correction: what people take out of a budget
//	event.go     Event: what a step did to a window
//	status.go    Status: how an objective stands at its last tick
//	detail.go    Detail: what more is known of one objective
//	days.go      Days: what is known of an objective day by day
//	changes.go   what another definition changes, and whether it finds other breaches
//	store.go     Store: what the engine needs of a database
package alert
