package web

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Grafana is where people look at PromQL.
type Grafana struct {
	URL        string // empty: not known
	DataSource string // its UID in Grafana; empty: the default one
}

// explore returns the address of Grafana Explore with a query; empty if Grafana is not known. Its
// form is that of https://grafana.com/docs/grafana/latest/explore/get-started-with-explore/
// #generate-explore-urls-from-external-tools.
func (g Grafana) explore(query string) string {
	base := link(g.URL)
	if base == "" {
		return ""
	}
	ask := map[string]any{"refId": "A", "expr": query}
	pane := map[string]any{"queries": []any{ask}, "range": map[string]string{"from": "now-6h", "to": "now"}}
	if g.DataSource != "" {
		pane["datasource"] = g.DataSource
		ask["datasource"] = map[string]string{"type": "prometheus", "uid": g.DataSource}
	}
	panes, err := json.Marshal(map[string]any{"postburn": pane})
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/explore?" + url.Values{"schemaVersion": {"1"}, "panes": {string(panes)}}.Encode()
}
