// Package githubtest is a stand-in for GitHub: repositories, issues, comments, labels and users
// behind the part of its REST API that postburn uses. It stores what it gets, refuses what GitHub
// refuses, and fails on demand. It knows nothing of postburn, and is for tests only.
//
// Begin with Server.ServeHTTP. The files:
//
//	server.go    Server: what is stored, and what people do
//	fault.go     Fault: what goes wrong with a request
//	traffic.go   traffic: the requests so far, and what was wrong with them
//	call.go      call: a request under way, to its part of the API
//	issues.go    issueCalls: issues, comments and labels
//	subissues.go issueCalls: sub-issues
//	changes.go   changeCalls: deployments, releases and pull requests
//	accounts.go  accounts: tokens and apps
//	shapes.go    shapes: the form of answers
package githubtest
