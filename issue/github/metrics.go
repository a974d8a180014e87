package github

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The outcomes of requests.
const (
	outcomeDone        = "done"
	outcomeNotModified = "not_modified" // does not count for the rate limit
	outcomeRefused     = "refused"
	outcomeRateLimited = "rate_limited"
	outcomeFailed      = "failed" // no answer, or an unclear one
)

type metrics struct {
	requests  *prometheus.CounterVec
	remaining prometheus.Gauge
	standing  *prometheus.GaugeVec
	shown     map[string]bool // repositories with a standing
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	m := &metrics{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "postburn_github_requests_total",
			Help: "Requests to GitHub's API, by outcome.",
		}, []string{"outcome"}),
		remaining: factory.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_github_rate_limit_remaining",
			Help: "Requests that GitHub's primary rate limit leaves, as of its last answer; 0 before the first one.",
		}),
		standing: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "postburn_github_repository_state",
			Help: "1 for how a repository for post-mortems stands, as far as GitHub has told: any state but ready needs somebody to grant or do what the log says.",
		}, []string{"repository", "state"}),
		shown: map[string]bool{},
	}
	for _, outcome := range []string{outcomeDone, outcomeNotModified, outcomeRefused, outcomeRateLimited, outcomeFailed} {
		m.requests.WithLabelValues(outcome)
	}
	return m
}

// stands shows a repository's standing.
func (m *metrics) stands(repo string, now Standing) {
	m.shown[repo] = true
	for _, s := range allStandings {
		value := 0.0
		if s == now {
			value = 1
		}
		m.standing.WithLabelValues(repo, string(s)).Set(value)
	}
}

// standsOnly drops all other repositories.
func (m *metrics) standsOnly(repos []string) {
	for repo := range m.shown {
		if !slices.Contains(repos, repo) {
			delete(m.shown, repo)
			m.standing.DeletePartialMatch(prometheus.Labels{"repository": repo})
		}
	}
}

// counter counts requests by their answers.
type counter struct {
	next    http.RoundTripper
	metrics *metrics
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	c.metrics.requests.WithLabelValues(outcome(resp, err)).Inc()
	if err == nil {
		if n, err := strconv.ParseFloat(resp.Header.Get("X-Ratelimit-Remaining"), 64); err == nil {
			c.metrics.remaining.Set(n)
		}
	}
	return resp, err
}

func outcome(resp *http.Response, err error) string {
	switch {
	case err != nil, resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout:
		return outcomeFailed
	case resp.StatusCode == http.StatusNotModified:
		return outcomeNotModified
	case resp.StatusCode == http.StatusTooManyRequests,
		resp.StatusCode == http.StatusForbidden && (resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Ratelimit-Remaining") == "0"):
		return outcomeRateLimited
	case resp.StatusCode >= 300:
		return outcomeRefused
	}
	return outcomeDone
}
