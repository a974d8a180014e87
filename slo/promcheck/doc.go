// Package promcheck finds what will silently be wrong with an objective on the Prometheus that it
// is for: selectors that match nothing, metrics that are no counters, good events of another
// service. It asks which series there are, and what types metrics have; it takes no samples, and
// says nothing of what the text alone shows: package promql does.
//
// It would rather miss a mistake than find one in a file that is right. The series of errors are
// often yet to come, so that there are none is no mistake; that their label is on no series of the
// metric is one, and so is a pattern that no HTTP status code matches.
//
// Start reading at Checker.Check. The files:
//
//	check.go    Checker: has each objective looked at by all checks
//	subject.go  subject: an objective taken apart into fields with selectors
//	metric.go   metric: the series of one, read once
//	labels.go   checks of matchers: labels and values that no series has
//	names.go    checks of metrics: those that do not exist, gauges, summaries, histograms
//	services.go checks of whose events are counted
//	events.go   checks of the last day's events
package promcheck
