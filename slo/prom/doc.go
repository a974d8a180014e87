// Package prom takes samples of objectives from Prometheus, or from a server that speaks its query
// API (Thanos, Mimir, VictoriaMetrics). It writes the queries, decides which to ask, and says what
// it means if an answer never comes or makes no sense. Package count decides what raw samples
// count. No sample depends on what prom remembers: parsed definitions, and what to ask first. It
// does not retry: its caller reads the same ticks again.
//
// Start reading at Client.Read, and follow one sample down this list. In most ticks nothing
// happens, and it ends with the sums:
//
//	read.go          Read: sorts objectives into batches, and collects their samples
//	plan.go          plan: what is kept of a definition, parsed and written once
//	sums.go          readCounters: asks the sums of a batch, then what is odd
//	tally.go         tally: makes the sample of one tick from the sums
//
// In an odd tick (a series began, ended or fell, or a process started) raw samples replace them:
//
//	raw.go           rawReader: reads the raw samples of odd ticks
//	raw_together.go  reads those of several objectives in one query
//	raw_series.go    which series these are, and how they are asked for
//	raw_past.go      what new series counted before
//	world.go         world: raw samples as package count takes them, and what it counted
//
// What is asked about a ratio or a latency:
//
//	counter.go       counter: the series of an indicator, in groups
//	within.go        good or bad events that are series of the total
//	histogram.go     histogram: expressions for a latency's events
//	spelling.go      the ways to write the boundary of a bucket
//	sum_query.go     sumQuery: the query of a counter's sums
//	asking.go        asking: how much of it is asked
//	sum_answer.go    sumAnswer: whether that sufficed, and what to ask next
//	layout.go        histograms without a bucket for the threshold
//	goodless.go      targets that have no counter of good events
//
// What is not counted, but measured at each tick:
//
//	measured.go      bool and sampled indicators
//	exclude.go       ticks of planned work
//
// How queries are written, sent and answered:
//
//	selector.go      the parts of PromQL: ticks, ranges, matchers, labels
//	query.go         query, and several that are asked as one
//	family.go        queries that differ in one label's value alone
//	ask.go           asker: asks queries together, and those that fail apart
//	client.go        Client: its options
//	sources.go       Sources: the clients of several servers, or tenants of one
//	querier.go       querier: asks a few queries at a time, and counts what fails
//	send.go          sends a query, and tells results from errors
//	transport.go     redirects, the server's clock, which server it is
//	decode.go        decodes an answer while it arrives, a series at a time
//	budget.go        how much memory answers may take, each and together
//	answer.go        an answer's values by tick
//	errors.go        what an error means
//	limits.go        how servers say that a query is too much
//	metrics.go       the client's own metrics
//
// Not for samples: quantile.go (how long a latency's events took), nearest.go (where its threshold
// is among the boundaries), reach.go (how new the newest sample is), evidence.go (any PromQL),
// series.go (which series there are, and the types of metrics).
package prom
