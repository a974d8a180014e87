package prom

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// server is what is known about which program answers. VictoriaMetrics speaks MetricsQL, which
// gives some PromQL another meaning; Client.IsVictoriaMetrics has a list.
type server struct{ kind atomic.Int32 }

const (
	unknownServer int32 = iota
	victoriaMetrics
	otherServer
)

// statsField is in what VictoriaMetrics answers to queries of vectors and matrices, at the end, and
// in no other server's answers. Its /api/v1/status/buildinfo names a version of Prometheus instead.
var statsField = []byte(`"seriesFetched":`)

// see looks at the end of an answer.
func (s *server) see(body []byte) {
	const tail = 256 // the field and its siblings take about 60 bytes
	if bytes.Contains(body[max(0, len(body)-tail):], statsField) {
		s.kind.Store(victoriaMetrics)
	}
}

// IsVictoriaMetrics reports whether VictoriaMetrics answers. It asks where it does not know yet;
// its error is that of Ping. What is to be known of it (1.148 was tried):
//
//   - functions over a range or a subquery see the sample before it, too: idelta, increase, delta and
//     changes count the first value of a new series in full, and twice the last step of one that ended;
//   - a range query shows a series that has no more samples for about two of its own scrape intervals,
//     where an instant query does for 5 minutes, as Prometheus does for both;
//   - a range selector has staleness markers, as NaN; other values that are not numbers are not stored;
//   - results of rollup functions and of some others keep the name of the metric;
//   - an @ after a range selector is ignored.
func (c *Client) IsVictoriaMetrics(ctx context.Context) (bool, error) {
	if c.server.kind.Load() == unknownServer {
		if err := c.Ping(ctx); err != nil {
			return false, err
		}
		c.server.kind.CompareAndSwap(unknownServer, otherServer)
	}
	return c.server.kind.Load() == victoriaMetrics, nil
}

// inspected looks at whole answers for what client_golang's query API drops. It decodes nothing.
// The transport bounds their length.
type inspected struct {
	api.Client
	server *server
}

// isPartial matches the field `"isPartial":true`. Inside a JSON string, as in the value of a label,
// its quotation marks would be escaped.
var isPartial = regexp.MustCompile(`"isPartial"\s*:\s*true\b`)

// Do implements api.Client. It returns errPartial where a cluster of VictoriaMetrics marks an
// answer as partial, by a field beside the result. (Thanos, Mimir and Prometheus send warnings
// instead.) It returns the text of an answer with status 400 or 422 that is no JSON, which Cortex
// sends about its limits.
func (i inspected) Do(ctx context.Context, r *http.Request) (*http.Response, []byte, error) {
	resp, body, err := i.Client.Do(ctx, r)
	switch {
	case err != nil:
		return resp, body, err
	case isPartial.Match(body):
		return resp, nil, errPartial
	case (resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnprocessableEntity) &&
		!bytes.HasPrefix(bytes.TrimLeft(body, " \r\n\t"), []byte("{")):
		return resp, nil, &v1.Error{Type: v1.ErrBadResponse, Msg: resp.Status, Detail: string(body)}
	}
	i.server.see(body)
	return resp, body, nil
}

// clockTolerance is how far a server's clock may be behind the time that it is asked about. Less is
// made up for as data that comes late is.
const clockTolerance = time.Minute

// askingKey is the key of a context's value: the last time that a query asks about.
type askingKey struct{}

func askingAbout(ctx context.Context, about time.Time) context.Context {
	return context.WithValue(ctx, askingKey{}, about)
}

// punctual refuses answers about a time that has yet to come.
type punctual struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p punctual) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	about, asked := r.Context().Value(askingKey{}).(time.Time)
	date, dateErr := http.ParseTime(resp.Header.Get("Date"))
	if asked && dateErr == nil && about.Sub(date) > clockTolerance {
		_ = resp.Body.Close() // nothing was read of it
		return nil, errAhead
	}
	return resp, nil
}

// limited bounds the length of answers, and marks errors that come from inside one.
type limited struct {
	next http.RoundTripper
	max  int64
}

// RoundTrip implements http.RoundTripper.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: l.max}
	return resp, nil
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, bodyError{errTooMuch}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = bodyError{err}
	}
	return n, err
}

func transportIdle(transport http.RoundTripper) func() {
	if t, is := transport.(interface{ CloseIdleConnections() }); is {
		return t.CloseIdleConnections
	}
	return func() {}
}
