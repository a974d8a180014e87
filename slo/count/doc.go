// Package count turns the raw samples of counters into events: how many happened in one tick, how
// many earlier, and what makes these numbers less than exact. It is a pure function: it asks
// nobody, reads no clock and keeps nothing.
//
// Scrapes are the evidence. A series that is there at one scrape of a target and was not at the one
// before began between the two, and its events belong between the two. A counter that is back after
// scrapes without it has either gone on counting elsewhere or begun anew. Its siblings, which were
// scraped with it, say which.
//
// Start reading at World.Count in count.go, and go on with step.go, which has the rules of the
// table in docs/counting.md. The files:
//
//	count.go        World: the samples. Counted: the result
//	step.go         step: what one counter counted from one of its samples to the next
//	counter.go      counter: a series and its samples
//	target.go       target: the counters that are scraped together
//	pace.go         pace: how often a target is scraped, and how much it can have counted
//	timeline.go     timeline: when a target was scraped, and its processes started
//	labels.go       Prepare, and which target a series is of by its labels
//	reset.go        when the counters of a target began anew, or show an ended process once more
//	successor.go    targets and counters that go on under other labels
//	uncountable.go  counters of several processes, which cannot be counted
//	histogram.go    classic and native histograms as counters of all events and of good ones
package count
