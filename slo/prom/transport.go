package prom

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/config"
)

// server is what is known about the program that answers. VictoriaMetrics speaks MetricsQL, which
// gives some PromQL another meaning (1.148 was tried):
//
//   - functions over a range or a subquery see the sample before it, too: idelta, increase, delta
//     and changes count the first value of a new series in full, and twice the last step of one
//     that ended;
//   - a range query shows a series that has no more samples for about two of its own scrape
//     intervals; an instant query does for 5 minutes, as Prometheus does for both;
//   - a range selector has staleness markers, as NaN; other values that are not numbers are not
//     stored;
//   - results of rollup functions and of some others keep the name of the metric;
//   - an @ after a range selector is ignored.
type server struct{ kind atomic.Int32 }

const (
	unknownServer int32 = iota
	victoriaMetrics
)

// clockTolerance is how far a server's clock may be behind a query's time. Up to that, missing data
// counts like data that comes late.
const clockTolerance = time.Minute

// askingKey is the key of a context's value: the last time that a query asks about.
type askingKey struct{}

func askingAbout(ctx context.Context, about time.Time) context.Context {
	return context.WithValue(ctx, askingKey{}, about)
}

// redirectError means that a server redirects queries with credentials elsewhere.
type redirectError struct{ to string }

// Error implements error.
func (e redirectError) Error() string {
	return "it redirects to " + printable(e.to) + ", where the credentials aren't sent: set the URL to where it answers"
}

// follow returns a function that decides whether to follow a redirect: not to another scheme, host
// or port if there are credentials, as they would go there, too.
func follow(s config.HTTPClientConfig) func(next *http.Request, sent []*http.Request) error {
	credentials := s.BasicAuth != nil || s.Authorization != nil || s.OAuth2 != nil || s.HTTPHeaders != nil
	return func(next *http.Request, sent []*http.Request) error {
		const most = 10
		first := sent[0].URL
		switch {
		case !s.FollowRedirects:
			return http.ErrUseLastResponse
		case credentials && (next.URL.Scheme != first.Scheme || address(next.URL) != address(first)):
			return redirectError{next.URL.Scheme + "://" + next.URL.Host}
		case len(sent) >= most:
			return errors.New("it redirects again and again")
		}
		return nil
	}
}

// address returns a URL's host and port, by default the scheme's port.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func transportIdle(transport http.RoundTripper) func() {
	if t, is := transport.(interface{ CloseIdleConnections() }); is {
		return t.CloseIdleConnections
	}
	return func() {}
}
