package web_test

import (
	"reflect"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/web"
)

// operation describes an endpoint of the API. It is asked for each of the examples in turn.
type operation struct {
	id, tag, summary, description string
	parameters                    []object
	answer                        reflect.Type // nil: the description itself
	examples                      map[int]example
}

// example has the API answer with a status.
type example struct {
	path   string
	change func(*scene)
}

func parameter(in, name, description string, schema object, value any) object {
	return object{"in": in, "name": name, "description": description, "required": in == "path", "schema": schema, "example": value}
}

func query(name, description string, schema object, value any) object {
	return parameter("query", name, description, schema, value)
}

func ofText(pattern string) object {
	if pattern == "" {
		return object{"type": "string"}
	}
	return object{"type": "string", "pattern": pattern}
}

const (
	timePattern     = `^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?$`
	durationPattern = `^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$`
	timeForms       = " RFC 3339, or in UTC like 2026-11-28 or 2026-11-28 14:00."
)

// operations are all endpoints, by path.
var operations = map[string]operation{
	"/api/v1/slos": {
		id: "listObjectives", tag: "objectives", summary: "How all objectives stand",
		description: "Each label set of each objective: its state, error budget, current burn rate and open incident.",
		answer:      reflect.TypeFor[web.ObjectivesAnswer](),
		examples:    map[int]example{200: {path: "/api/v1/slos"}, 503: {"/api/v1/slos", starting}},
	},
	"/api/v1/slos/{name}": {
		id: "getObjective", tag: "objectives", summary: "All that is known of an objective",
		description: "What each of its label sets attained, how near its rules are to firing, and its events as a time series of 120 points at most.",
		parameters: []object{
			parameter("path", "name", "Name of the objective.", ofText(""), "checkout-availability"),
			query("range", "Length of the time series, a duration, up to the newest tick; without it the objective's window.", ofText(durationPattern), "6h"),
			query("labels", "Only this label set, as Prometheus writes it; without it all.", ofText(""), `{region="eu"}`),
		},
		answer: reflect.TypeFor[web.ObjectiveAnswer](),
		examples: map[int]example{
			200: {path: "/api/v1/slos/checkout-availability?range=6h"}, 400: {path: "/api/v1/slos/checkout-availability?range=soon"},
			404: {path: "/api/v1/slos/none"}, 503: {"/api/v1/slos/checkout-availability", reading},
		},
	},
	"/api/v1/incidents": {
		id: "listIncidents", tag: "incidents", summary: "Incidents, newest onset first",
		description: "Without parameters all open incidents and the newest 100 that are over. Open ones are on the first page, whatever the limit. " +
			"service, severity and triage look through 1,000 incidents that are over at most: a page may have few incidents, or none, and still have a next one.",
		parameters: []object{
			query("start", "Leave out incidents that ended by this time."+timeForms, ofText(timePattern), "2026-11-01"),
			query("end", "Leave out incidents that began at this time or later."+timeForms, ofText(timePattern), "2026-11-28T14:00:00Z"),
			query("group", "Only incidents of this group.", ofText(""), "checkout"),
			query("service", "Only incidents with a breach window of this service.", ofText(""), "checkout"),
			query("severity", "Only incidents of this severity level, 1 being the worst.", object{"type": "integer", "minimum": 1, "maximum": alert.MaxSeverity}, 1),
			query("triage", "Only incidents of which people made this; none: nothing yet.", object{
				"type": "string", "enum": []any{issue.Completed, issue.Noise, issue.Duplicate, issue.Transferred, issue.Deleted, "none"},
			}, "none"),
			query("state", "Only open incidents, or only those that are over.", object{"type": "string", "enum": []any{"open", "recovered"}}, "open"),
			query("limit", "Number of incidents that are over which a page has at most.", object{"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, 100),
			query("cursor", "The next of the page before: go on where it ended. Keep the other parameters as they were.", ofText(`^[A-Za-z0-9_-]+$`),
				"MjAyNi0xMS0yOFQxNDowMDowMFogY2hlY2tvdXQtMjAyNjExMjh0MTQwMDAweg"),
		},
		answer: reflect.TypeFor[web.IncidentsAnswer](),
		examples: map[int]example{
			200: {path: "/api/v1/incidents"}, 400: {path: "/api/v1/incidents?limit=none"},
			500: {"/api/v1/incidents", unreadable}, 503: {"/api/v1/incidents", starting},
		},
	},
	"/api/v1/incidents/{id}": {
		id: "getIncident", tag: "incidents", summary: "An incident, with its evidence and follow-ups",
		description: "One incident in the form of the list, with what was found around it.",
		parameters:  []object{parameter("path", "id", "ID of the incident.", ofText(""), "checkout-20261128t140000z")},
		answer:      reflect.TypeFor[web.Incident](),
		examples: map[int]example{
			200: {path: "/api/v1/incidents/checkout-1"}, 404: {path: "/api/v1/incidents/none"},
			500: {"/api/v1/incidents/checkout-1", unreadable}, 503: {"/api/v1/incidents/checkout-1", starting},
		},
	},
	"/api/v1/report": {
		id: "getReport", tag: "reports", summary: "How a period went",
		description: "A report on a period and the one before: the newest of a minute. Only one of since, month and quarter may be given.",
		parameters: []object{
			query("since", "So long up to today, from 1d to 732d.", object{"type": "string", "pattern": durationPattern, "default": "90d"}, "30d"),
			query("month", "A calendar month in UTC.", ofText(`^\d{4}-\d{2}$`), "2026-10"),
			query("quarter", "A quarter of a year in UTC.", ofText(`^\d{4}-[Qq][1-4]$`), "2026-Q4"),
			query("service", "Only these services; may be repeated.", object{"type": "array", "items": ofText(""), "maxItems": 50}, []string{"checkout"}),
		},
		answer: reflect.TypeFor[report.Report](),
		examples: map[int]example{
			200: {path: "/api/v1/report?since=30d"}, 400: {path: "/api/v1/report?month=12"},
			500: {"/api/v1/report", unreadable}, 503: {"/api/v1/report", starting},
		},
	},
	"/api/v1/status": {
		id: "getStatus", tag: "status", summary: "How postburn itself does",
		description: "Its version and settings without secrets, the SLO files in use, and what Prometheus, the tracker and the store refuse.",
		answer:      reflect.TypeFor[web.Status](),
		examples:    map[int]example{200: {path: "/api/v1/status"}, 503: {"/api/v1/status", starting}},
	},
	"/api/v1/openapi.json": {
		id: "getDescription", tag: "status", summary: "This description",
		description: "The description of this API, as OpenAPI 3.1. It is there while postburn starts.",
		examples:    map[int]example{200: {path: "/api/v1/openapi.json"}},
	},
}
