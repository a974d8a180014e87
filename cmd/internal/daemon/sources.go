package daemon

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/web"
)

// OpenSources makes the clients of all sources, and does not yet connect. Logger and registerer may
// be nil. No error holds a secret.
func OpenSources(all map[string]config.Prometheus, logger *slog.Logger, registerer prometheus.Registerer) (*prom.Sources, error) {
	options := map[string]prom.Options{}
	for name, p := range all {
		o := prom.Options{URL: p.URL.Reveal(), ConfigFile: p.ConfigFile, Headers: map[string]prom.Header{}}
		for header, h := range p.Headers {
			o.Headers[header] = prom.Header{Value: h.Value.Reveal(), File: h.File}
		}
		options[name] = o
	}
	return prom.NewSources(options, logger, registerer)
}

// placesOf returns where people look at the samples of each source, by name.
func placesOf(env config.Environment) map[string]web.Place {
	all := map[string]web.Place{}
	for name, p := range env.Servers() {
		all[name] = web.Place{
			PrometheusURL: p.ExternalURL.Reveal(), Grafana: web.Grafana{URL: env.GrafanaURL.Reveal(), DataSource: p.GrafanaDataSource},
		}
	}
	return all
}
