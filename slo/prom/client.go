package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"

	"github.com/postburn/postburn/slo"
)

// Options configure a Client. Only URL is required.
type Options struct {
	URL         string                // of Prometheus, without /api/v1
	ConfigFile  string                // authentication, TLS and proxy: the http config of prometheus/common, in YAML
	Timeout     time.Duration         // of one query; default 30 s
	Concurrency int                   // queries at a time; default 8
	MaxAnswer   int64                 // bytes that one answer may have, and may take in memory; default 32 MiB
	UserAgent   string                // default "postburn"
	Logger      *slog.Logger          // queries are logged at level debug; default: nowhere
	Registerer  prometheus.Registerer // of the client's own metrics; default: nowhere
}

// Client asks one Prometheus. Its methods may be called by several goroutines.
type Client struct {
	*sender
	idle    func()
	slots   chan struct{} // one for each query that may run at a time
	logger  *slog.Logger
	metrics *metrics
	plans   *plans
	batch   int           // objectives asked together, at most
	raws    int           // raw samples asked for together, about
	runs    chan struct{} // one for each stretch of raw samples that may be in memory at a time
	most    int           // see Bounded
	asked   *atomic.Int64
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
	transport, err := config.NewRoundTripperFromConfig(settings, "prometheus", config.WithUserAgent(o.UserAgent))
	if err != nil {
		return nil, fmt.Errorf("applying Prometheus' http config: %w", HideValues(err))
	}
	return &Client{
		sender: &sender{
			client:  &http.Client{Transport: transport, CheckRedirect: follow(settings)},
			base:    base,
			timeout: o.Timeout,
			budget:  newBudget(o.MaxAnswer),
			server:  &server{},
		},
		idle:    transportIdle(transport),
		slots:   make(chan struct{}, o.Concurrency),
		logger:  o.Logger,
		metrics: newMetrics(o.Registerer),
		plans:   &plans{},
		batch:   maxBatch,
		raws:    maxRaw,
		runs:    make(chan struct{}, maxRuns),
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

// do sends one query, once one of the few slots is free, and passes the answer's series to take. It
// returns take's errors, or errors that wrap one of slo's Err values, and counts all of them. After
// an error, drop what take got.
func (c *Client) do(ctx context.Context, query string, ticks slo.Ticks, take func(stream) error) (head, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return head{}, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(askingAbout(ctx, ticks.Last), c.timeout)
	defer cancel()
	if c.asked != nil && c.asked.Add(1) > int64(c.most) {
		return head{}, c.failed(fmt.Errorf("%w: %w: at most %d", slo.ErrRefused, errUsedUp, c.most))
	}
	start := time.Now()
	var refused error
	top, err := c.send(bounded, query, ticks, func(s stream) error {
		refused = take(s)
		return refused
	})
	took := time.Since(start)
	c.metrics.queries.Inc()
	c.metrics.duration.Observe(took.Seconds())
	c.logger.DebugContext(ctx, "prometheus query", "query", query, "ticks", ticks.Len(), "took", took, "ok", err == nil)
	switch {
	case refused != nil:
		return top, c.failed(refused)
	case err != nil && ctx.Err() != nil:
		return top, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err()) // the caller's wish is no failure of Prometheus'
	case err != nil:
		return top, c.failed(c.explain(err, query))
	}
	if text := realWarnings(top.warnings); text != "" {
		return top, c.failed(fmt.Errorf("%w: %s", slo.ErrIncomplete, text))
	}
	return top, nil
}

// realWarnings returns the warnings that mean missing data. Prometheus before 3.0 sends its hints
// about a query ("metric might not be a counter") in the same list.
func realWarnings(warnings []string) string {
	var real []string
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL info:") {
			real = append(real, short(w))
		}
	}
	return short(strings.Join(real, "; "))
}

// failed counts a failure.
func (c *Client) failed(err error) error {
	c.metrics.failures.WithLabelValues(reason(err)).Inc()
	return err
}

// errNoURL does not quote the text, which may hold a password in the wrong place.
var errNoURL = errors.New("the URL of Prometheus must be like http://prometheus:9090")

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
