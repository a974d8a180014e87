// Package publish posts the newest revision of each incident to a tracker: exactly once, and never
// over what a person wrote. It knows neither GitHub nor SQL, and writes no text itself.
//
// Each pass reads the store once, groups incidents into publications, and plans what each wants.
// Then the writer takes one step after another, each stored before the next. issue.Write describes
// the states of a text. Begin with Publisher.pass:
//
//	publisher.go  Publisher: passes over all that is behind, and the time of the next
//	snapshot.go   reading what is to be published from the store
//	grouping.go   pure: which publications incidents belong to; storms and digests
//	job.go        a publication with its incidents, while it is worked on
//	draft.go      pure: what the tracker is asked to write for it
//	incidents.go  pure: how the incidents of a publication stand, taken together
//	plan.go       pure: which texts a publication wants, and which is next
//	labels.go     pure: which labels an issue gets, and who is assigned or mentioned
//	writer.go     writer: sending a text, exchanging labels, and what came of it
//	look.go       writer: looking for a text when it is not known whether it was sent
//	texts.go      the facts for a text
//	evidence.go   fetching evidence, within the time that a pass has for it
//	reports.go    monthly: reports on months, published as incidents are
//	rounds.go     rounds: when something is read back from the tracker
//	triage.go     reading back what people did with issues
//	followups.go  reading back what became of follow-ups, and counting them
//	followup_issues.go  writer: issues of follow-ups, sub-issues and reminders
//	exclusions.go reading which incidents people exclude, for the budgets
//	waiting.go    counting what waits, even while the tracker hangs
//	failures.go   logging failures once, and pausing for a rate limit
//	metrics.go    metrics
package publish
