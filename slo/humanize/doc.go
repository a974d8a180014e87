// Package humanize writes numbers, shares, lengths of time, times of day and lists for people. The
// post-mortems, the pages, the tables of the commands and the caveats all use it, so that a figure
// looks the same in each of them. Its name is that of the functions which Prometheus' templates
// have for this.
//
// It writes plain text with ordinary spaces, so that a figure can be searched for and copied. It
// does not write what programs read: JSON has plain numbers, and SLO files have durations as
// Prometheus writes them (1h30m).
//
//	number.go    numbers, shares and lists: "15,337", "30.1 %", "14.4×", "2 ticks", "a, b and c"
//	duration.go  lengths of time: "2 hours 5 minutes", "2 h 5 min", "500 ms"
//	clock.go     times of day: "10:41 UTC on 2026-10-14"
package humanize
