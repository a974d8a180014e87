// Package postmortem writes the text of an incident's post-mortem: its facts, in plain words, and
// the form of the analysis that only people can write. It says nothing that is not in the facts.
// Where the text goes and when, package publish decides.
//
// Start reading at Render, and at View, which is what a template is given. The files:
//
//	render.go     Render and View: from facts to a text, by the templates in templates/
//	storm.go      the same for a publication that is for many incidents
//	summary.go    the title, and the sentences that say what happened
//	first_screen.go  what people ask first: how bad it is now, what else is worse, what to open
//	remarks.go    what else happened: spent budgets, missing data and missing traffic
//	blind.go      the words for a time without data
//	quiet.go      the words for a time with far less traffic than usual
//	timeline.go   the rows of the timeline, in order
//	followups.go  issues of follow-ups, the links to them, and reminders
//	evidence.go   what was found around the incident: contributors, traffic, earlier incidents
//	chart.go      the error ratio over time, as a picture and as a table
//	durations.go  how long events took
//	queries.go    PromQL of the numbers, as code
//	wording.go    names of windows
//	escape.go     Escape and Code: making untrusted values inert in Markdown
//	template.go   templates of users: checking them, and writing with them
//	budget.go     what a user's template may do at most
//	sample.go     the incidents that templates are checked with
package postmortem
