// Package drill tells failures that did not happen, for a team to talk through: a scenario, in
// numbers that fit an objective's own traffic. It does no I/O and reads no clock. Which of it
// postburn would have noticed, the command finds out.
//
// Start reading at Scenario and Write. The files:
//
//	scenario.go  Scenario: what happens, what the team is told, and what it is asked
//	course.go    Subject and Course: the scenario in events
//	write.go     Write: the text of a drill
//	live.go      Exercise: a failure that a team makes on purpose, and what was noticed
//	scenarios/   those that are built in
package drill
