package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// Setting is one variable of the environment as it is in use, for people. Its value never holds a
// secret.
type Setting struct {
	Name  string // the variable's
	Value string // empty: not set
}

// Settings returns all variables in the order of docs/running.md, with the defaults that are in
// use.
func (e Environment) Settings() []Setting {
	length := func(d time.Duration) string {
		if d == 0 {
			return "0s"
		}
		return slo.FormatDuration(d)
	}
	id := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	all := []Setting{
		{"PROMETHEUS_URL", e.PrometheusURL.String()},
		{"PROMETHEUS_CONFIG_FILE", e.PrometheusConfigFile},
		{"CONFIG_FILE", e.ConfigFile},
		{"SLO_PATH", e.SLOPath},
		{"INTERVAL", length(e.Interval)},
		{"DELAY", length(e.Delay)},
		{"STORE", e.Store.String()},
		{"RETENTION", length(e.Retention)},
		{"TRACKER", e.Tracker},
		{"LOCAL_DIR", e.LocalDir},
		{"GITHUB_REPOSITORY", e.GitHub.Repository},
		{"GITHUB_ALLOW", strings.Join(e.GitHub.Allow, ",")},
		{"GITHUB_URL", e.GitHub.URL.String()},
		{"GITHUB_TOKEN", e.GitHub.Token.String()},
		{"GITHUB_TOKEN_FILE", e.GitHub.TokenFile},
		{"GITHUB_APP_ID", id(e.GitHub.AppID)},
		{"GITHUB_APP_INSTALLATION_ID", id(e.GitHub.AppInstallationID)},
		{"GITHUB_APP_PRIVATE_KEY_FILE", e.GitHub.AppPrivateKeyFile},
		{"LISTEN", e.Listen},
		{"WEB_CONFIG_FILE", e.WebConfigFile},
		{"PROBE_LISTEN", e.ProbeListen},
		{"EXTERNAL_URL", e.ExternalURL.String()},
		{"PROMETHEUS_EXTERNAL_URL", e.PrometheusExternalURL.String()},
		{"GRAFANA_URL", e.GrafanaURL.String()},
		{"GRAFANA_DATA_SOURCE", e.GrafanaDataSource},
		{"LOG_LEVEL", strings.ToLower(e.LogLevel.String())},
		{"LOG_FORMAT", e.LogFormat},
	}
	for i := range all {
		all[i].Name = Prefix + all[i].Name
	}
	return all
}
