// Package report says how a month, a quarter or the last days went, beside the time before: what
// each objective attained, which incidents there were, and above all what came back. One failure is
// one of a dozen ways in which the same weakness can show; over many post-mortems, more situations
// should be handled without much harm. So a report has no means, no scores and no people, and where
// the numbers carry no trend it says so.
//
// It does no I/O and reads no clock. A store keeps what it is made of.
//
// Start reading at Make. The files:
//
//	period.go      Period: a month, a quarter, or some days
//	report.go      Report: the numbers, as JSON has them
//	make.go        Make: from days and incidents to a Report
//	incidents.go   counting incidents: severities, times to detect and recover
//	attained.go    what an objective attained in a period
//	cameback.go    causes, contributors and changes that came back, and undone follow-ups
//	sentences.go   what got better, what got worse, what came back: a sentence each
//	trends.go      when a difference is large enough to be told
//	tables.go      the tables that Markdown and HTML show, in words
//	markdown.go    a Report as Markdown
//	html.go        a Report as one HTML file, or as part of a page
//	charts.go      the charts
//	printable.go   untrusted texts for people
package report
