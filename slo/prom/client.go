package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"

	"github.com/postburn/postburn/slo"
)

// Options configure a Client. Only URL is required.
type Options struct {
	URL         string                // of Prometheus, without /api/v1
	ConfigFile  string                // authentication, TLS and proxy: the http config of prometheus/common, in YAML
	Headers     map[string]Header     // sent with each query, besides those of ConfigFile
	Timeout     time.Duration         // of one query; default 30 s
	Concurrency int                   // queries at a time; default 8
	MaxAnswer   int64                 // bytes that one answer may have, and may take in memory; default 32 MiB
	UserAgent   string                // default "postburn"
	Logger      *slog.Logger          // queries are logged at level debug; default: nowhere
	Registerer  prometheus.Registerer // of the client's own metrics; default: nowhere
}

// Header is the value of a header, which may be secret.
type Header struct {
	Value string
	File  string // has the value, and is read for each query; empty: Value is it
}

// Client asks one Prometheus. Its methods may be called by several goroutines.
type Client struct {
	*querier
	idle  func()
	plans *plans
	batch int           // objectives asked together, at most
	raws  int           // raw samples asked for together, about
	runs  chan struct{} // one for each stretch of raw samples that may be in memory at a time
}

// New makes a client. It reads the config file and does not yet connect. No error holds a secret.
func New(o Options) (*Client, error) {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = 32 << 20
	}
	if o.UserAgent == "" {
		o.UserAgent = "postburn"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	settings := config.DefaultHTTPClientConfig
	if o.ConfigFile != "" {
		loaded, _, err := config.LoadHTTPConfigFile(o.ConfigFile)
		if err != nil {
			return nil, fmt.Errorf("reading Prometheus' http config: %w", HideValues(err))
		}
		settings = *loaded
	}
	base, err := readURL(o.URL, &settings)
	if err != nil {
		return nil, err
	}
	if err := addHeaders(&settings, o.Headers); err != nil {
		return nil, err
	}
	transport, err := config.NewRoundTripperFromConfig(settings, "prometheus", config.WithUserAgent(o.UserAgent))
	if err != nil {
		return nil, fmt.Errorf("applying Prometheus' http config: %w", HideValues(err))
	}
	return &Client{
		querier: &querier{
			sender: sender{
				client:  &http.Client{Transport: transport, CheckRedirect: follow(settings)},
				base:    base,
				timeout: o.Timeout,
				budget:  newBudget(o.MaxAnswer),
				server:  &server{},
			},
			slots:   make(chan struct{}, o.Concurrency),
			logger:  o.Logger,
			metrics: newMetrics(o.Registerer),
		},
		idle:  transportIdle(transport),
		plans: &plans{},
		batch: maxBatch,
		raws:  maxRaw,
		runs:  make(chan struct{}, maxRuns),
	}, nil
}

// Close gives up idle connections.
func (c *Client) Close() { c.idle() }

// Ping asks a query that any Prometheus answers. Its error wraps one of slo's Err values.
func (c *Client) Ping(ctx context.Context) error {
	now := time.Now()
	var found []stream
	top, err := c.do(ctx, "vector(1)", slo.Ticks{First: now, Last: now, Interval: time.Second}, func(s stream) error {
		found = append(found, s)
		return nil
	})
	if err != nil {
		return err
	}
	if top.kind != vector || len(found) != 1 || len(found[0].values) != 1 || found[0].values[0].Value != 1 {
		return c.failed(fmt.Errorf("%w: vector(1) is not 1", slo.ErrBadAnswer))
	}
	return nil
}

// errNoURL does not quote the text, which may hold a password in the wrong place.
var errNoURL = errors.New("the URL of Prometheus must be like http://prometheus:9090")

// addHeaders adds headers to the settings, which are never printed.
func addHeaders(settings *config.HTTPClientConfig, headers map[string]Header) error {
	if len(headers) == 0 {
		return nil
	}
	all := map[string]config.Header{}
	if settings.HTTPHeaders != nil {
		maps.Copy(all, settings.HTTPHeaders.Headers)
	}
	for name, h := range headers {
		for other := range all {
			if strings.EqualFold(name, other) {
				return fmt.Errorf("the header %s is both in the http config and beside it: give one of them", name)
			}
		}
		added := config.Header{Secrets: []config.Secret{config.Secret(h.Value)}}
		if h.File != "" {
			content, err := os.ReadFile(h.File)
			if err != nil {
				return fmt.Errorf("reading the header %s: %w", name, err)
			}
			if text := strings.TrimSpace(string(content)); text == "" || strings.ContainsFunc(text, unicode.IsControl) {
				return fmt.Errorf("the header %s: its file %s must have one line", name, h.File)
			}
			added = config.Header{Files: []string{h.File}}
		}
		all[name] = added
	}
	settings.HTTPHeaders = &config.Headers{Headers: all}
	if err := settings.HTTPHeaders.Validate(); err != nil {
		return fmt.Errorf("the headers: %w", HideValues(err))
	}
	return nil
}

// exactly are parameters that make a server answer exactly, or not at all. Servers ignore unknown
// ones.
var exactly = map[string]string{
	// Thanos: https://thanos.io/tip/components/query.md/
	"dedup":                 "true",
	"partial_response":      "false",
	"max_source_resolution": "0s",
	// VictoriaMetrics moves cached times to multiples of the step, and for the last 30 s repeats
	// the value before; 0 turns latency_offset off.
	// https://docs.victoriametrics.com/victoriametrics/#prometheus-querying-api-enhancements
	"nocache":               "1",
	"latency_offset":        "1ms",
	"max_lookback":          "5m", // Prometheus' own, whatever flags the server has
	"deny_partial_response": "1",
}

// readURL checks the address, moves its user and password into the settings, which are never
// printed, and adds the parameters of exactly, but leaves any that the address has.
func readURL(text string, settings *config.HTTPClientConfig) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Fragment != "" {
		return nil, errNoURL
	}
	if u.User != nil {
		if settings.BasicAuth != nil || settings.Authorization != nil || settings.OAuth2 != nil {
			return nil, errors.New("both the URL of Prometheus and its http config have credentials: give one of them")
		}
		password, _ := u.User.Password()
		settings.BasicAuth = &config.BasicAuth{Username: u.User.Username(), Password: config.Secret(password)}
		u.User = nil
	}
	parameters := u.Query()
	for name, v := range exactly {
		if !parameters.Has(name) {
			parameters.Set(name, v)
		}
	}
	u.RawQuery = parameters.Encode()
	return u, nil
}
