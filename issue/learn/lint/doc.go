// Package lint says kindly what a post-mortem lacks: sections left empty, causes that stop at a
// person or at the trigger, follow-ups that nobody owns, numbers that postburn's record
// contradicts. It reads a learn.Document, does no I/O and reads no clock.
//
// It would rather miss something than be wrong: a team that gets three wrong hints stops reading
// them. So each rule has to be sure, and what looks like a quotation, a denial or an explanation is
// left alone. Its words are English; in other languages only what needs no words is reported.
//
// Start reading at Check. The files:
//
//	lint.go       Check, Finding and the list of rules
//	words.go      sentences, and which language they are in
//	facts.go      facts: what the record says, for questions
//	empty.go      empty-section
//	causes.go     human-error, trigger-only, single-cause
//	blame.go      blame
//	followups.go  follow-up-owner, follow-up-term, follow-up-cause, follow-up-careful
//	timeline.go   timeline-people
//	numbers.go    numbers: factCheck holds what people say to the record
//	hints.go      findings of a rule together, for the comment in a closed issue
package lint
