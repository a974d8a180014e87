package prom

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// limitTexts are parts of servers' words about a query that is too long, or reads or returns too
// much. Each server has its own words, and sends them with status 400, 422, 429 or 500.
var limitTexts = []string{
	// Prometheus, and what has its engine: Thanos, Cortex, Mimir
	"too many samples",
	"exceeded maximum resolution of",
	// Thanos: stores and their gateways. Cortex has the same stores.
	"exceeded series limit",
	"exceeded chunks limit",
	"exceeded samples limit",
	"exceeded bytes limit",
	"message larger than max",
	// Cortex, and Mimir before its errors had names
	"the query hit the max number of",
	"the query hit the aggregated",
	"time range exceeds the limit",
	// Mimir: https://grafana.com/docs/mimir/latest/manage/mimir-runbooks/#errors-catalog
	"err-mimir-max-chunks-per-query",
	"err-mimir-max-chunks-bytes-per-query",
	"err-mimir-max-series-per-query",
	"err-mimir-max-estimated-chunks-per-query",
	"err-mimir-max-estimated-memory-consumption-per-query",
	"err-mimir-max-query-expression-size-bytes",
	// VictoriaMetrics:
	// https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#resource-usage-limits
	"cannot select more than -search.max",
	"timeseries exceeds",
	"too many points for the given",
	"not enough memory for processing",
	"too long query",
}

// timeLimitTexts are parts of servers' words about a query that took too long.
var timeLimitTexts = []string{
	"query timed out",  // Prometheus, and what has its engine
	"timeout exceeded", // VictoriaMetrics, which has no status or error type for it
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// said returns what the server itself said about a query: the type and message of a query API
// error, or else its text, but "" for a page. Cortex sends texts about its limits.
func said(text []byte) (kind, message string, isAPI bool) {
	var body struct{ Status, ErrorType, Error string }
	if json.Unmarshal(text, &body) == nil {
		return body.ErrorType, withoutQuery(body.Error), body.Error != ""
	}
	if message = strings.TrimSpace(string(text)); strings.HasPrefix(message, "<") {
		return "", "", false
	}
	return "", message, false
}

// quotedQuery matches how VictoriaMetrics begins an error: with the query, which is long, and
// times, which differ from try to try.
var quotedQuery = regexp.MustCompile(`(?s)^error when executing query=".*" (?:for|on the time range) \([^)]*\): `)

// withoutQuery returns an error's text without the quoted query, so that the reason shows.
func withoutQuery(text string) string { return quotedQuery.ReplaceAllLiteralString(text, "") }

// longNumber matches what differs from try to try: a free port, a time.
var longNumber = regexp.MustCompile(`\d{5,}`)

// unavailable says why a server could not answer. It quotes the server only if its answer is an
// error of the query API: other text is a proxy's, and may differ each time.
func unavailable(err *apiError) string {
	var parts []string
	if err.kind == typeServerError {
		parts = append(parts, "server error: "+strconv.Itoa(err.status))
	}
	if err.isAPI {
		parts = append(parts, longNumber.ReplaceAllLiteralString(err.text, "..."))
	}
	return short(strings.Join(parts, ": "))
}
