// Package github is the tracker that keeps post-mortems as issues of a GitHub repository. It writes
// each text once, recognises its own texts by marker and author, and replaces a text only if it
// still stands as it was sent. Package publish decides what is written and when, and retries.
// Errors say whether GitHub did nothing, named a time to wait for, or may have acted.
//
// Begin with Tracker, which consists of its roles. The files:
//
//	tracker.go       Tracker and its Options
//	writer.go        writer: creating, replacing and changing texts
//	finder.go        finder: recognising postburn's own texts
//	people.go        people: what others wrote
//	excluder.go      excluder: which issues people excluded, who and why
//	checker.go       checker: whether issues can be written, without writing one
//	changes.go       changes: what was deployed, released and merged
//	subissues.go     sub-issues, and the state of issues that people name
//	labels.go        labels: making postburn's own
//	issues.go        issues: reading one, and finding out why it is gone
//	repositories.go  repositories: their names, and which may be used
//	accounts.go      accounts: which are postburn's own
//	connection.go    connection: requests, one write at a time, and what came of them
//	answer.go        answer: what an error answer of GitHub's means
//	standing.go      standings: how each repository stands
//	auth.go          signing requests
//	transport.go     conditional requests, redirects, and web pages instead of answers
//	turn.go          turn: waiting between writes
//	text.go          markers in bodies
//	fit.go           shortening texts to GitHub's limits
//	once.go          once: what was said or made already
//	metrics.go       metrics
package github
