// Package promql checks the PromQL that users write in their SLO files, with Prometheus' own
// parser, and rewrites it for queries. It writes no queries that count events, and talks to no
// server: package prom does both.
//
// Start reading at Check. The files:
//
//	check.go       Check and its siblings: what is wrong with a field, and where; Examine, which
//	               finds doubts as well
//	counters.go    fields of counters and of histograms, taken apart into vector selectors
//	condition.go   fields that are true or false
//	doubt.go       Doubts: what passes Check, and is likely not meant
//	doubt_ratio.go good or bad events that do not fit their total
//	family.go      Family: values that labels have everywhere, such as HTTP status codes
//	nearest.go     Nearest: the name that a misspelt one meant
//	graph.go       Graph and Quantile: PromQL with which people look at an objective
//	shape.go       Shape: what an objective's selectors say of its series' labels
package promql
