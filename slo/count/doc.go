// Package count turns the raw samples of counters into events: how many happened in one tick, how
// many earlier, and what makes these numbers less than exact. It is a pure function: it asks
// nobody, reads no clock and keeps nothing.
//
// Scrapes are the evidence. What is there at one scrape of a target and was not at the one before
// began between the two, and what it counts belongs between the two. A counter that is back after
// scrapes without it has either gone on counting elsewhere or begun anew; which of them, its
// siblings on the same target say, as they were scraped together.
//
// Start reading at World.Count. The files:
//
//	count.go      World, the samples, and Counted, the result
//	labels.go     Prepare, and which `up` series a series is of
//	target.go     which target a series is of, when that was scraped, how much it counts
//	reset.go      when the counters of a target began anew, and scrapes that show a process once more
//	rule.go       what one counter counted between two of its samples
//	successor.go  targets and counters that go on under other labels
//	belief.go     how much a target can have counted, and counters that cannot be counted at all
//	histogram.go  classic and native histograms as counters of all events and of good ones
package count
