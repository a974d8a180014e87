package prom

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// clockTolerance is how far a server's clock may be behind the time that it is asked about. Less is made up for as data that comes late is.
const clockTolerance = time.Minute

// errAhead means that the time asked about has yet to come, by the server's clock. It may answer all the same, with what it holds so far.
var errAhead = errors.New("asked about a time that has yet to come by the server's clock")

// askingKey is the key of a context's value: the last time that a query asks about.
type askingKey struct{}

func asking(ctx context.Context, about time.Time) context.Context {
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
