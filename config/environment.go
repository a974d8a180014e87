package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/sethvargo/go-envconfig"
)

// Prefix begins the name of each of postburn's variables.
const Prefix = "POSTBURN_"

// Environment is how the daemon is set up, from the variables POSTBURN_*.
type Environment struct {
	Source
	SLOPath               string // a file or a folder
	Store                 Store
	Retention             time.Duration // how long after their end incidents are kept; 0: for ever
	Tracker               string        // "github" or "local"
	LocalDir              string        // where the local tracker keeps its files
	GitHub                GitHub        // if the tracker is "github"
	Listen                string        // host:port
	WebConfigFile         string        // TLS and basic auth, in exporter-toolkit's form; empty: none
	ProbeListen           string        // host:port of probes, without TLS or password; empty: none
	ExternalURL           URL           // for links in issues; empty: none
	PrometheusExternalURL URL           // for links on pages; empty: none
	GrafanaURL            URL           // for links on pages; empty: none
	GrafanaDataSource     string        // the UID in Grafana of the data source with postburn's samples; empty: the default one
	LogLevel              slog.Level
	LogFormat             string // "logfmt" or "json"
}

// Source is the part of the environment that says where samples come from: all that the commands
// besides the daemon need.
type Source struct {
	PrometheusURL        URL                   // of the default source; empty: there is none
	PrometheusConfigFile string                // in the form of prometheus/common; empty: none
	ConfigFile           string                // has the other sources; empty: there are none
	Named                map[string]Prometheus // the other sources
	Interval             time.Duration         // of the time grid: whole seconds
	Delay                time.Duration         // how long after a tick its sample is taken
}

// variables are the environment as it is written.
type variables struct {
	PrometheusURL         string          `env:"PROMETHEUS_URL"`
	PrometheusConfigFile  string          `env:"PROMETHEUS_CONFIG_FILE"`
	ConfigFile            string          `env:"CONFIG_FILE"`
	SLOPath               string          `env:"SLO_PATH, default=slos.yaml"`
	Interval              string          `env:"INTERVAL, default=30s"`
	Delay                 string          `env:"DELAY, default=1m"`
	Store                 string          `env:"STORE, default=sqlite:postburn.db"`
	Retention             string          `env:"RETENTION, default=2y"`
	Tracker               string          `env:"TRACKER"`
	LocalDir              string          `env:"LOCAL_DIR, default=postmortems"`
	GitHub                gitHubVariables `env:", prefix=GITHUB_"`
	Listen                string          `env:"LISTEN, default=:9847"`
	WebConfigFile         string          `env:"WEB_CONFIG_FILE"`
	ProbeListen           string          `env:"PROBE_LISTEN"`
	ExternalURL           string          `env:"EXTERNAL_URL"`
	PrometheusExternalURL string          `env:"PROMETHEUS_EXTERNAL_URL"`
	GrafanaURL            string          `env:"GRAFANA_URL"`
	GrafanaDataSource     string          `env:"GRAFANA_DATA_SOURCE"`
	LogLevel              string          `env:"LOG_LEVEL, default=info"`
	LogFormat             string          `env:"LOG_FORMAT, default=logfmt"`
}

// LoadEnvironment reads the variables from a lookuper, which takes their whole names. A variable
// that is set to nothing counts as not set. The error holds all that is wrong, a line each, and
// each line names its variable. It never holds a secret.
func LoadEnvironment(ctx context.Context, lookuper envconfig.Lookuper) (Environment, error) {
	v, err := lookUp(ctx, lookuper)
	if err != nil {
		return Environment{}, err
	}
	var w wrong
	env := Environment{
		Source:                w.source(v),
		SLOPath:               v.SLOPath,
		Store:                 w.store(v.Store),
		Retention:             w.retention(v.Retention),
		Tracker:               w.tracker(v.Tracker, v.GitHub.Repository),
		LocalDir:              v.LocalDir,
		Listen:                w.listen("LISTEN", v.Listen, "9847"),
		WebConfigFile:         w.file("WEB_CONFIG_FILE", v.WebConfigFile, "write a web config that has it"),
		ProbeListen:           w.probeListen(v.ProbeListen),
		ExternalURL:           w.external("EXTERNAL_URL", v.ExternalURL, "https://postburn.example.org", "issues show it"),
		PrometheusExternalURL: w.external("PROMETHEUS_EXTERNAL_URL", v.PrometheusExternalURL, "https://prometheus.example.org", "pages show it"),
		GrafanaURL:            w.external("GRAFANA_URL", v.GrafanaURL, "https://grafana.example.org", "pages show it"),
		GrafanaDataSource:     v.GrafanaDataSource,
		LogLevel:              w.logLevel(v.LogLevel),
		LogFormat:             w.logFormat(v.LogFormat),
	}
	env.GitHub = w.github(v.GitHub, env.Tracker == "github")
	if len(w) > 0 {
		return Environment{}, errors.Join(w...)
	}
	return env, nil
}

// LoadSource reads only the variables that a Source is made of, as LoadEnvironment does; what is
// wrong with others is no error.
func LoadSource(ctx context.Context, lookuper envconfig.Lookuper) (Source, error) {
	v, err := lookUp(ctx, lookuper)
	if err != nil {
		return Source{}, err
	}
	var w wrong
	source := w.source(v)
	if len(w) > 0 {
		return Source{}, errors.Join(w...)
	}
	return source, nil
}

// LoadGitHub reads only the variables that say how the github tracker is set up, as LoadEnvironment
// does; ok is false if the tracker is another one.
func LoadGitHub(ctx context.Context, lookuper envconfig.Lookuper) (g GitHub, ok bool, err error) {
	v, err := lookUp(ctx, lookuper)
	if err != nil {
		return GitHub{}, false, err
	}
	var w wrong
	wanted := w.tracker(v.Tracker, v.GitHub.Repository) == "github"
	g = w.github(v.GitHub, wanted)
	if len(w) > 0 {
		return GitHub{}, wanted, errors.Join(w...)
	}
	return g, wanted, nil
}

// LoadStore reads only the variable that says where the store is, as LoadEnvironment does.
func LoadStore(ctx context.Context, lookuper envconfig.Lookuper) (Store, error) {
	v, err := lookUp(ctx, lookuper)
	if err != nil {
		return Store{}, err
	}
	var w wrong
	store := w.store(v.Store)
	return store, errors.Join(w...)
}

func lookUp(ctx context.Context, lookuper envconfig.Lookuper) (v variables, err error) {
	set := envconfig.LookuperFunc(func(name string) (string, bool) {
		value, ok := lookuper.Lookup(name)
		return value, ok && value != ""
	})
	err = envconfig.ProcessWith(ctx, &envconfig.Config{Target: &v, Lookuper: envconfig.PrefixLookuper(Prefix, set)})
	if err != nil {
		return v, fmt.Errorf("reading the environment: %w", err)
	}
	return v, nil
}

// wrong collects what is wrong with the environment.
type wrong []error

func (w *wrong) addf(name, format string, args ...any) {
	*w = append(*w, fmt.Errorf("%s%s %s", Prefix, name, fmt.Sprintf(format, args...)))
}

func (w *wrong) source(v variables) Source {
	s := Source{
		PrometheusURL:        w.url("PROMETHEUS_URL", v.PrometheusURL, "http://prometheus:9090"),
		PrometheusConfigFile: w.file("PROMETHEUS_CONFIG_FILE", v.PrometheusConfigFile, "write an http config that has it"),
		ConfigFile:           w.file("CONFIG_FILE", v.ConfigFile, "write a file that has it"),
		Named:                w.sources(v.ConfigFile),
		Interval:             w.duration("INTERVAL", v.Interval, "30s"),
		Delay:                w.duration("DELAY", v.Delay, "1m"),
	}
	if v.PrometheusURL == "" && len(s.Named) == 0 {
		w.addf("PROMETHEUS_URL", "is missing: set it to a URL like http://prometheus:9090")
	}
	w.interval(v.Interval, s.Interval)
	return s
}

// sources reads the file of sources. A source that is wrong in part is there as well.
func (w *wrong) sources(name string) map[string]Prometheus {
	if name == "" || w.isFailed("CONFIG_FILE") {
		return nil
	}
	named, problems := readConfig(name)
	for _, p := range problems {
		w.addf("CONFIG_FILE", "%s", p)
	}
	return named
}

// isFailed reports whether something is wrong with a variable.
func (w *wrong) isFailed(name string) bool {
	return slices.ContainsFunc(*w, func(err error) bool { return strings.HasPrefix(err.Error(), Prefix+name+" ") })
}

// url does not repeat what was given: it may hold a password.
func (w *wrong) url(name, text, like string) URL {
	if text != "" && !isWebURL(text) {
		w.addf(name, "must be a URL like %s", like)
	}
	return URL{text}
}

// external checks an address that issues or pages link to, where all who read them see it.
func (w *wrong) external(name, text, like, why string) URL {
	if u, err := url.Parse(text); err == nil && isWebURL(text) && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		w.addf(name, "must have no user, query or fragment, like %s: %s", like, why)
	}
	return w.url(name, text, like)
}

func (w *wrong) duration(name, text, like string) time.Duration {
	length, err := model.ParseDuration(text)
	if err != nil {
		w.addf(name, "must be a duration like %s, not %s", like, quoted(text))
	}
	return time.Duration(length)
}

// interval checks the length of a tick, unless it could not be read.
func (w *wrong) interval(text string, length time.Duration) {
	if _, err := model.ParseDuration(text); err == nil && (length < time.Second || length%time.Second != 0) {
		w.addf("INTERVAL", "must be at least 1s and whole seconds, not %s", text)
	}
}

// leastRetention is how far back post-mortems list earlier incidents, and noise is counted.
const leastRetention = 90 * 24 * time.Hour

func (w *wrong) retention(text string) time.Duration {
	const name = "RETENTION"
	length := w.duration(name, text, "2y")
	if length != 0 && length < leastRetention {
		w.addf(name, "must be at least 90d, or 0s to keep all incidents, not %s", text)
	}
	return length
}

// tracker is GitHub if a repository is set and nothing else is said.
func (w *wrong) tracker(text, repository string) string {
	switch text {
	case "local", "github":
	case "":
		if repository != "" {
			return "github"
		}
		return "local"
	default:
		w.addf("TRACKER", "must be github or local, not %s", quoted(text))
	}
	return text
}

func (w *wrong) listen(name, text, like string) string {
	_, port, err := net.SplitHostPort(text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		w.addf(name, "must be an address like :%s or 127.0.0.1:%s, not %s", like, like, quoted(text))
	}
	return text
}

func (w *wrong) probeListen(text string) string {
	if text == "" {
		return "" // none
	}
	return w.listen("PROBE_LISTEN", text, "9848")
}

func (w *wrong) logLevel(text string) (level slog.Level) {
	switch text {
	case "debug", "info", "warn", "error":
		_ = level.UnmarshalText([]byte(text)) // these it knows
	default:
		w.addf("LOG_LEVEL", "must be debug, info, warn or error, not %s", quoted(text))
	}
	return level
}

func (w *wrong) logFormat(text string) string {
	if text != "logfmt" && text != "json" {
		w.addf("LOG_FORMAT", "must be logfmt or json, not %s", quoted(text))
	}
	return text
}

// quoted is a value that is wrong, or no more than its length if it may be a secret that was put
// into the wrong variable: tokens and keys are longer than any value that is right.
func quoted(text string) string {
	const most = 16
	if len(text) > most {
		return fmt.Sprintf("a text of %d characters", len(text))
	}
	return strconv.Quote(text)
}

// file checks the name of a file for what is its content: a token, or a key. Neither is repeated.
func (w *wrong) file(name, text, instead string) string {
	if tokenForm.MatchString(text) || strings.Contains(text, "-----BEGIN") {
		w.addf(name, "must be the name of a file, not its content: %s", instead)
	}
	return text
}

// tokenForm matches tokens of GitHub, new and old, and of others, and what has several lines:
// https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
var tokenForm = regexp.MustCompile(`^(gh[a-z]_|github_pat_|glpat-|eyJ)[A-Za-z0-9_.-]{16,}$|^[0-9a-f]{40}$|\n`)

const hidden = "xxxxx"

// URL may hold a password, which it shows to nobody but who asks Reveal.
type URL struct{ text string }

// Reveal is the whole URL, for making requests.
func (u URL) Reveal() string { return u.text }

// String is the URL with its user, password, query and fragment hidden: a token may be in any of
// them.
func (u URL) String() string {
	parsed, err := url.Parse(u.text)
	if err != nil {
		return "(not a URL)"
	}
	if parsed.User != nil {
		parsed.User = url.User(hidden)
	}
	if parsed.RawQuery != "" {
		parsed.RawQuery = hidden
	}
	parsed.Fragment, parsed.RawFragment = "", ""
	return parsed.String()
}

// GoString is as String is.
func (u URL) GoString() string { return u.String() }

// LogValue is as String is.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText is as String is.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
