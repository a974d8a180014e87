// Package web shows what postburn knows over HTTP: status pages, a JSON API, metrics, and the
// endpoints that an orchestrator asks. It decides nothing and changes nothing. The pages need no
// JavaScript, and nothing from anywhere else.
//
// Start reading at Handler in handler.go, which has the routes of pages, and follow one: for
// example, /slos/checkout goes to objective.go and its template. The files:
//
//	server.go           Server: limits of what clients may hold, and no requests of other sites
//	connections.go      connections: a listener with a limit
//	handler.go          Handler: what is shown (Data, Store), and the routes
//	request.go          which incidents a request asks for, and reading them page by page
//	metrics.go          the server's own metrics
//
// Pages, each with a template in templates/:
//
//	pages.go            what all pages have: headers, the style sheet, errors
//	overview.go         the first page
//	objective_row.go    a row of its tables: how an objective stands
//	filter.go           filter: which objectives and incidents a reader wants to see
//	sorting.go          its table, sorted by a column
//	objective.go        the page of an objective
//	objective_terms.go  its definition, and how that changed
//	chart.go            pictures of its error ratio and its budget
//	strip.go            its last days, with breach windows
//	list.go             the list of incidents
//	incident.go         the page of an incident
//	evidence.go         what was found around it
//	followups.go        its follow-ups
//	postmortem.go       the text of its post-mortem, made harmless
//	report.go           the report on a month or the last days
//	status.go           how postburn itself does
//	troubles.go         what Prometheus and the tracker refuse
//	wording.go          untrusted values, shares and kinds as people read them
//	grafana.go          links to Grafana
//
// The API:
//
//	api.go              its routes; incidents
//	api_objective.go    objectives
//	api_evidence.go     what was found around an incident
//	api_status.go       how postburn itself does
//	view.go             the JSON of objectives and incidents; `postburn replay` prints it, too
//	openapi.go          its description
//
// What a hundred readers share:
//
//	memo.go             memo: makes a value once for all who ask
//	caches.go           pages and standings that are remembered for seconds
//	past.go             breach windows that are over
//	durations.go        how long a latency objective's events took
package web
