package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"
)

func TestLoadEnvironment(t *testing.T) {
	prometheus := URL{"http://localhost:9090"}
	defaults := Environment{
		Source:  Source{PrometheusURL: prometheus, Interval: 30 * time.Second, Delay: time.Minute},
		SLOPath: "slos.yaml", Store: Store{SQLite: "postburn.db"}, Retention: 2 * 365 * 24 * time.Hour, Tracker: "local", LocalDir: "postmortems", Listen: ":9847", LogFormat: "logfmt",
	}
	tests := []struct {
		name string
		set  map[string]string
		want Environment
	}{
		{"defaults", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://localhost:9090"}, defaults},
		{"set to nothing", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "http://localhost:9090", "POSTBURN_INTERVAL": "", "POSTBURN_STORE": "", "POSTBURN_GITHUB_TOKEN": "",
		}, defaults},
		{"everything", map[string]string{
			"POSTBURN_PROMETHEUS_URL":          "https://user:secret@localhost/prom",
			"POSTBURN_PROMETHEUS_CONFIG_FILE":  "http.yaml",
			"POSTBURN_SLO_PATH":                "slos",
			"POSTBURN_INTERVAL":                "1s",
			"POSTBURN_DELAY":                   "0s",
			"POSTBURN_STORE":                   "sqlite:/data/p.db",
			"POSTBURN_RETENTION":               "0s",
			"POSTBURN_TRACKER":                 "local",
			"POSTBURN_LOCAL_DIR":               "/issues",
			"POSTBURN_LISTEN":                  "127.0.0.1:0",
			"POSTBURN_WEB_CONFIG_FILE":         "web.yaml",
			"POSTBURN_PROBE_LISTEN":            ":9848",
			"POSTBURN_EXTERNAL_URL":            "https://postburn.example.org",
			"POSTBURN_PROMETHEUS_EXTERNAL_URL": "https://prometheus.example.org/p",
			"POSTBURN_LOG_LEVEL":               "debug",
			"POSTBURN_LOG_FORMAT":              "json",
		}, Environment{
			Source: Source{
				PrometheusURL: URL{"https://user:secret@localhost/prom"}, PrometheusConfigFile: "http.yaml", Interval: time.Second,
			},
			SLOPath: "slos", Store: Store{SQLite: "/data/p.db"}, Tracker: "local", LocalDir: "/issues", Listen: "127.0.0.1:0",
			WebConfigFile: "web.yaml", ProbeListen: ":9848", ExternalURL: URL{"https://postburn.example.org"}, PrometheusExternalURL: URL{"https://prometheus.example.org/p"}, LogLevel: slog.LevelDebug, LogFormat: "json",
		}},
	}
	for text, length := range map[string]time.Duration{"90d": leastRetention, "17520h": 2 * 365 * 24 * time.Hour} {
		want := defaults
		want.Retention = length
		tests = append(tests, struct {
			name string
			set  map[string]string
			want Environment
		}{"kept for " + text, map[string]string{"POSTBURN_PROMETHEUS_URL": "http://localhost:9090", "POSTBURN_RETENTION": text}, want})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := LoadEnvironment(context.Background(), envconfig.MapLookuper(test.set))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(URL{}, Secret{}, DatabaseAddress{})); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadEnvironmentProblems(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]string
		want []string
	}{
		{"nothing set", nil, []string{"POSTBURN_PROMETHEUS_URL is missing: set it to a URL like http://prometheus:9090"}},
		{"all at once", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "localhost:9090",
			"POSTBURN_INTERVAL":       "5x",
			"POSTBURN_DELAY":          "-1m",
			"POSTBURN_STORE":          "postburn.db",
			"POSTBURN_RETENTION":      "two years",
			"POSTBURN_TRACKER":        "jira",
			"POSTBURN_LISTEN":         "9847",
			"POSTBURN_EXTERNAL_URL":   "ftp://example.org",
			"POSTBURN_LOG_LEVEL":      "loud",
			"POSTBURN_LOG_FORMAT":     "xml",
		}, []string{
			"POSTBURN_PROMETHEUS_URL must be a URL like http://prometheus:9090",
			`POSTBURN_INTERVAL must be a duration like 30s, not "5x"`,
			`POSTBURN_DELAY must be a duration like 1m, not "-1m"`,
			"POSTBURN_STORE must be sqlite:PATH, or a URL like postgres://user@host/database",
			`POSTBURN_RETENTION must be a duration like 2y, not "two years"`,
			`POSTBURN_TRACKER must be github or local, not "jira"`,
			`POSTBURN_LISTEN must be an address like :9847 or 127.0.0.1:9847, not "9847"`,
			"POSTBURN_EXTERNAL_URL must be a URL like https://postburn.example.org",
			`POSTBURN_LOG_LEVEL must be debug, info, warn or error, not "loud"`,
			`POSTBURN_LOG_FORMAT must be logfmt or json, not "xml"`,
		}},
		{"intervals that make no grid", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_INTERVAL": "1500ms"},
			[]string{"POSTBURN_INTERVAL must be at least 1s and whole seconds, not 1500ms"}},
		{"no interval", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_INTERVAL": "0s"},
			[]string{"POSTBURN_INTERVAL must be at least 1s and whole seconds, not 0s"}},
		{"incidents that are dropped too early", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_RETENTION": "2159h"},
			[]string{"POSTBURN_RETENTION must be at least 90d, or 0s to keep all incidents, not 2159h"}},
		{"a port that is none", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_LISTEN": ":70000"},
			[]string{`POSTBURN_LISTEN must be an address like :9847 or 127.0.0.1:9847, not ":70000"`}},
		{"probes at no address", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_PROBE_LISTEN": "9848"},
			[]string{`POSTBURN_PROBE_LISTEN must be an address like :9848 or 127.0.0.1:9848, not "9848"`}},
		{"a token for the name of its file", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_GITHUB_REPOSITORY": "acme/checkout", "POSTBURN_GITHUB_TOKEN_FILE": "ghp_hunter2hunter2hunter2",
		}, []string{"POSTBURN_GITHUB_TOKEN_FILE must be the name of a file, not its content: set POSTBURN_GITHUB_TOKEN to it, or write it into a file"}},
		{"a token for a repository", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_GITHUB_REPOSITORY": "ghp_hunter2hunter2hunter2", "POSTBURN_GITHUB_TOKEN": "x",
		}, []string{"POSTBURN_GITHUB_REPOSITORY must be owner/name, not a text of 25 characters"}},
		{"a key for what else an app has", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_GITHUB_REPOSITORY": "acme/checkout", "POSTBURN_GITHUB_APP_ID": "hunter2hunter2hunter2",
			"POSTBURN_GITHUB_APP_INSTALLATION_ID": "2", "POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE": "-----BEGIN RSA PRIVATE KEY-----\nhunter2",
		}, []string{
			"POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE must be the name of a file, not its content: write it into a file",
			"POSTBURN_GITHUB_APP_ID must be a number above 0, not a text of 21 characters",
		}},
		{"an http config for the name of its file", map[string]string{
			"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_PROMETHEUS_CONFIG_FILE": "basic_auth:\n  password: hunter2", "POSTBURN_LISTEN": "hunter2hunter2hunter2",
		}, []string{
			"POSTBURN_PROMETHEUS_CONFIG_FILE must be the name of a file, not its content: write an http config that has it",
			"POSTBURN_LISTEN must be an address like :9847 or 127.0.0.1:9847, not a text of 21 characters",
		}},
		{"a store of another kind", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_STORE": "mysql://user:secret@db/postburn"},
			[]string{"POSTBURN_STORE must be sqlite:PATH, or a URL like postgres://user@host/database"}},
		{"a password that issues would show", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_EXTERNAL_URL": "https://user:secret@example.org"},
			[]string{"POSTBURN_EXTERNAL_URL must have no user, query or fragment, like https://postburn.example.org: issues show it"}},
		{"a password that pages would show", map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_PROMETHEUS_EXTERNAL_URL": "https://user:secret@example.org"},
			[]string{"POSTBURN_PROMETHEUS_EXTERNAL_URL must have no user, query or fragment, like https://prometheus.example.org: pages show it"}},
		{"a password in what is no URL", map[string]string{"POSTBURN_PROMETHEUS_URL": "http//user:secret@p:x y"},
			[]string{"POSTBURN_PROMETHEUS_URL must be a URL like http://prometheus:9090"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := LoadEnvironment(context.Background(), envconfig.MapLookuper(test.set))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadSource(t *testing.T) {
	set := map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_INTERVAL": "10s", "POSTBURN_TRACKER": "github"}
	got, err := LoadSource(context.Background(), envconfig.MapLookuper(set))
	want := Source{PrometheusURL: URL{"http://p"}, Interval: 10 * time.Second, Delay: time.Minute}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(URL{}, Secret{}, DatabaseAddress{})); diff != "" || err != nil {
		t.Errorf("error %v, source (-want +got):\n%s", err, diff)
	}
	_, err = LoadSource(context.Background(), envconfig.MapLookuper(map[string]string{"POSTBURN_DELAY": "soon"}))
	wrong := []string{
		`POSTBURN_DELAY must be a duration like 1m, not "soon"`,
		"POSTBURN_PROMETHEUS_URL is missing: set it to a URL like http://prometheus:9090",
	}
	if diff := cmp.Diff(wrong, strings.Split(fmt.Sprint(err), "\n")); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestURLHidesSecrets(t *testing.T) {
	env := Environment{Source: Source{PrometheusURL: URL{"https://user:secret@p.example.org/prom?token=secret#secret"}}}
	const want = "https://xxxxx@p.example.org/prom?xxxxx"
	if got := env.PrometheusURL.String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "url", env.PrometheusURL, "env", env)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("starting", "url", env.PrometheusURL, "env", env)
	text, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(text) + fmt.Sprintf("%v %+v %#v %s", env, env, env, env.PrometheusURL)
	if !strings.Contains(shown, "p.example.org") || strings.Contains(shown, "secret") || strings.Contains(shown, "user") {
		t.Errorf("a secret is shown: %s", shown)
	}
	if got := env.PrometheusURL.Reveal(); !strings.Contains(got, "user:secret@") {
		t.Errorf("Reveal() = %q hides the secret", got)
	}
}
