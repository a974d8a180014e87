// Package slo holds what a service-level objective is, the samples that are taken of it, the
// history they add up to, and the arithmetic of burn rates and error budgets. It does no I/O and
// never reads a clock. It does not know what a breach is (package alert), nor how a sample is taken
// (package prom).
//
// The formulas are from the SRE Workbook, chapter 5 ("Alerting on SLOs").
//
// Start reading at Objective, Sample and History. The files:
//
//	objective.go  what an SLO file says of an objective: its indicator, target and window
//	calendar.go   windows of the calendar: when a period begins, and how long it is
//	sample.go     Sample and Counts: the events of one tick; caveats and their sentences
//	reading.go    Reading: the samples of a stretch of ticks, as package prom returns them
//	history*.go   History: samples added up; as bytes; with other ticks or resolutions
//	span.go       Span: a stretch of time
//	curve.go      curve: the counts of a history over any window, by one subtraction
//	points*.go    points: the cumulative counts behind a curve, in ticks
//	swing.go      swing: how far bad events, which are signed, went up and down
//	levels.go     levels: what is kept at which resolution
//	level.go      level: cumulative counts in few bytes
//	ahead.go      Ahead: what windows can hold at many next steps, all at once
//	bounds.go     the least and the most that a window can hold, if only steps of ticks were read
//	budget.go     Threshold: whether an error ratio is above a burn rate
//	units.go      events as 128-bit integers, so that sums are exact
//	decimal.go    targets and rates as decimals, so that 99.9 % is exact
//	duration.go   FormatDuration: lengths of time as SLO files have them
//	grid.go       grid: the ticks
//	day.go        Day: what is known of an objective on a day, for reports
//	codec.go      samples as bytes, for a store
//	quantile.go, trace.go  what evidence asks for besides samples
package slo
