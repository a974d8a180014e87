// Package prom takes samples of objectives from Prometheus, or what speaks its query API (Thanos,
// Mimir, VictoriaMetrics). It writes the queries, decides when to ask which, and says what an
// answer that never came or makes no sense means. What raw samples count, package count decides. It
// keeps no memory that a sample depends on, only parsed definitions and which of them are to be
// asked alone. It does not try again: its caller reads the same ticks once more.
//
// Start reading at Client.Read, and follow a sample:
//
//	read.go        Read: sorts objectives into batches, and collects their samples
//	plan.go        what is kept of a definition: its PromQL, parsed and written once
//	sums.go        readCounters: asks the sums of a batch, then what is odd
//	counter.go     a ratio's or latency's counters, and the query of their sums
//	extent.go      how much of that has to be asked, by what the tick before showed
//	within.go      good or bad events that are series of the total
//	histogram.go   the sums of a latency
//	layout.go      histograms without a bucket for the threshold
//	goodless.go    targets that have no counter of good events
//	tally.go       tally: the sample of one tick
//	raw.go         fetchRaw: reads the raw samples of odd ticks
//	raw_series.go  which series these are, and how they are asked for
//	raw_past.go    what is known of new series from the time before
//	world.go       raw samples as package count takes them, and what it counted
//	measured.go    what is measured once a tick: bool and sampled
//	exclude.go     ticks in which work is planned
//
// Below these, what a query is and how it is sent:
//
//	selector.go    PromQL's parts: ticks, ranges, matchers, labels
//	query.go       query, and several that are asked as one
//	family.go      queries that differ in one label's value alone
//	ask.go         asks queries together, and those that fail apart
//	client.go      Client: its options, and one query
//	transport.go   what is looked at of each answer: its length, its age, its server
//	answer.go      an answer's values by tick
//	errors.go      what an error means
//	limits.go      how servers say that a query is too much
//	metrics.go     the client's own metrics
//
// Aside from samples: quantile.go has how long a latency's events took, evidence.go any PromQL.
package prom
