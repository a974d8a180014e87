// Package issue is the contract of publishing: what is known about an incident, what is posted for
// it, and what a tracker (GitHub, a folder) and a store have to do. It does no I/O and reads no
// clock.
//
// What an incident is, package alert decides. Below this package, publish decides what is posted
// and when, postmortem writes the texts, evidence and people look around an incident, and github
// and local are the trackers.
//
// Start reading at Publication, Write and Tracker. The files:
//
//	publication.go  Publication: an issue with its comments, and what may become of it
//	writes.go       Writes: the texts of a publication
//	feedback.go     Feedback: what people did with an issue, and say of its incidents
//	write.go        Write: one text at the tracker, and how its states follow each other
//	stored.go       the form in which publications are stored
//	part.go         Parts: the incidents that a publication is for, with their stored evidence
//	followup.go     FollowUps and FollowUp: a task of a post-mortem, and what became of it
//	exclusion.go    Exclusion: who took incidents out of budgets and reports, and why
//	learned.go      Learned: what a report reads of an incident's publication
//	report.go       Reporter, and the publication of a month's report
//	labels.go       Labels of an issue, and their names
//	summary.go      Summary: what lists of incidents show of a publication
//	tracker.go      Tracker and Lister: what publish needs of a tracker, and its errors
//	marker.go       Marker: how a tracker recognises postburn's own texts
//	reader.go       Reader: what people wrote at a tracker
//	store.go        Store: what publish needs of a database
//	facts.go        Facts: all that a text may say, and the Renderer that writes it
//	others.go       what Facts say about other incidents
//	check.go        Query: PromQL with which people check a number
//	evidence.go     Evidence: what was found around an incident; Collector, which looks for it
//	headline.go     which window of an incident counts, and which incident is the worst
//	hint.go         Hint: what a post-mortem may lack, and the Linter that says so
//	phases.go       joining phases that people see as one
//	storms.go       Storms: which incidents began in quick succession
package issue
