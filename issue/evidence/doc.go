// Package evidence looks around an incident in Prometheus: how the error ratio went, where the bad
// events are, whether traffic was as usual, and what changed before and during it. Each finding
// says how it is known, and none is called a cause. The search is bounded in queries and time; what
// could not be found out is named. docs/evidence.md lists what is collected, and
// docs/evidence-measured.md explains the measure. Package postmortem puts the findings into words.
//
// Start reading at collect in collector.go. The files:
//
//	evidence.go      what a collector needs, and New
//	collector.go     the order in which things are looked for
//	runner.go        bounds in queries and time, and what could not be found out
//	scope.go         the incident, and from when to when to look
//	series.go        the series of an objective, and the labels to tell events apart by
//	selectors.go     the same for conditions: the series that their PromQL selects
//	reader.go        reads an objective's events by labels, in bounded numbers of ticks
//	reading.go       what was read, regrouped in memory
//	chart.go         the error ratio over time
//	contributors.go  what the bad events have in common
//	measure.go       when a part of the events stands out
//	usual.go         the same hours a week before, and the hour before
//	changes.go       targets, versions and deployments that changed
//	alerts.go        alerts that began to fire
//	queries.go       the SLO file's own queries
//	check.go         PromQL with which people check the numbers
//	blind.go         what became of targets whose data are missing
//	look.go          values over time: what begins, what goes, what changes
//	timeline.go      the rows; close changes share one
package evidence
