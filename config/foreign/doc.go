// Package foreign turns the PromQL of other tools' SLO files into indicators: `sum(rate(x[5m]))`
// into the counter x, a bucket and a count into a latency, and so on. It works on Prometheus' own
// parser, asks nothing, and knows none of the tools: packages sloth, pyrra and openslo do.
//
// A part of events becomes a list of counters with signs, exactly counted. What has no such form is
// measured once a tick (indicator.sampled), with a warning, if that means the same; else it is an
// error with its place. The table of docs/foreign.md has all of it.
//
// Start reading at FromEvents and FromRatio. The files:
//
//	indicator.go   FromEvents, FromRatio: which indicator it is
//	query.go       Query: an expression
//	source.go      its text with {{.window}}, and what to say about places in it
//	sum.go         an expression as a sum of counters
//	ratio.go       an expression as a ratio of two sums
//	terms.go       terms compared, and written in native form
//	latency.go     a bucket of a histogram and its count
//	sampled.go     what is measured once a tick instead
//	keys.go        the other keys of an slo: burn rules, links, names
package foreign
