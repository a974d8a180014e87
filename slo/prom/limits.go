package prom

import (
	"encoding/json"
	"regexp"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// limitTexts are parts of what servers say about a query that reads, returns or is more than one
// query may. Each server has its own words, and sends them with any of the statuses 400, 422, 429
// and 500.
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

// timeLimitTexts are parts of what servers say about a query that took longer than they allow.
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

// said returns what the server itself said about a query: the message of an error in the form of
// the query API, and whether it was one, or the text that came instead. It is empty where that is a
// page.
func said(err *v1.Error) (text string, isAPI bool) {
	if err.Detail == "" { // the status was 400 or 422, or 200
		return withoutQuery(err.Msg), true
	}
	var body struct{ Error string }
	if json.Unmarshal([]byte(err.Detail), &body) == nil {
		return withoutQuery(body.Error), body.Error != ""
	}
	if text = strings.TrimSpace(err.Detail); strings.HasPrefix(text, "<") {
		return "", false
	}
	return text, false
}

// quotedQuery is how VictoriaMetrics begins an error: with the query, which is long, and with
// times, which differ from one try to the next.
var quotedQuery = regexp.MustCompile(`(?s)^error when executing query=".*" (?:for|on the time range) \([^)]*\): `)

// withoutQuery returns an error's text without the query that it quotes, so that the reason is
// seen.
func withoutQuery(text string) string { return quotedQuery.ReplaceAllLiteralString(text, "") }

// longNumber matches what differs from one try to the next: a port that was free, a time.
var longNumber = regexp.MustCompile(`\d{5,}`)

// unavailable says why a server could not answer. It has the server's own words only where they are
// an error of the query API: other text is a proxy's, and may differ each time.
func unavailable(err *v1.Error, text string, isAPI bool) string {
	if err.Detail == "" || !isAPI {
		return short(err.Msg)
	}
	return short(err.Msg + ": " + longNumber.ReplaceAllLiteralString(text, "..."))
}
