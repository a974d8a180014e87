// Package promql checks the PromQL that users write in their SLO files, with Prometheus' own
// parser, and rewrites it so that it can be asked. It writes no queries that count events, and
// talks to no server: package prom does both.
//
// Start reading at Check. The files:
//
//	check.go      Check and its siblings: what is wrong with a field, and where
//	counters.go   fields of counters and of histograms, taken apart into vector selectors
//	condition.go  fields that are true or false
//	shape.go      Shape: what an objective's selectors say of its series' labels
package promql
