package prom

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/postburn/postburn/slo"
)

var (
	// errTooMuch means that fewer objectives or ticks at a time may work.
	errTooMuch = errors.New("too much for one query")
	// errForbidden means that no query will be answered.
	errForbidden = errors.New("check the credentials in the http config")
	// errUsedUp means that a bounded client would have to ask more queries than it may.
	errUsedUp = errors.New("too many queries")
)

// errAhead means that the time asked about has yet to come, by the server's clock. It may answer
// all the same, with what it holds so far.
var errAhead = errors.New("asked about a time that has yet to come by the server's clock")

// errPartial means that a server answered from a part of the data.
var errPartial = errors.New("a part of the data could not be read")

// errAnswer means that an answer is not one to the query that was asked.
var errAnswer = errors.New("the values do not fit the query")

// errUnsupported means that what an objective measures can't be counted, whatever is asked.
var errUnsupported = errors.New("it can't be counted")

// tooMuch is an errTooMuch that says so in its own words.
type tooMuch struct{ error }

// Is makes it an errTooMuch.
func (e tooMuch) Is(target error) bool { return target == errTooMuch }

// Unwrap is the error itself.
func (e tooMuch) Unwrap() error { return e.error }

// bodyError is an answer that began and could not be read to its end.
type bodyError struct{ error }

// Unwrap is the error itself.
func (e bodyError) Unwrap() error { return e.error }

// explain says which of slo's errors an error of the API is. The text stays the same from one try
// to the next, so that it can be logged once: no times, no port numbers, nothing of a page that
// came instead of an answer.
func (c *Client) explain(err error) error {
	var apiErr *v1.Error
	var sent *url.Error
	var body bodyError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return tooMuch{fmt.Errorf("%w: no answer within %s", slo.ErrUnreachable, c.timeout)}
	case errors.Is(err, errAhead):
		return fmt.Errorf("%w: this clock is more than %s ahead of its own: set the clocks right", slo.ErrClock, clockTolerance)
	case errors.Is(err, errPartial):
		return fmt.Errorf("%w: %w", slo.ErrIncomplete, errPartial)
	case errors.As(err, &sent):
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, connection(err))
	case errors.As(err, &apiErr):
		return explainAnswer(apiErr)
	case errors.Is(err, errTooMuch):
		return fmt.Errorf("%w: %w: the answer is too long", slo.ErrBadAnswer, errTooMuch)
	case errors.As(err, &body):
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: it was cut off", slo.ErrBadAnswer)
		}
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, connection(err))
	}
	return fmt.Errorf("%w: it is not the JSON of a query's result", slo.ErrBadAnswer)
}

// explainAnswer says which of slo's errors an answer with an error is. What is too much for one
// query is told by its text, whatever its status and type are: servers agree on neither.
func explainAnswer(err *v1.Error) error {
	text, isAPI := said(err)
	switch {
	case containsAny(text, limitTexts):
		return fmt.Errorf("%w: %w: %s", slo.ErrRefused, errTooMuch, short(text))
	case err.Type == v1.ErrTimeout || containsAny(text, timeLimitTexts):
		return fmt.Errorf("%w: %w: the query ran into the server's time limit", slo.ErrUnreachable, errTooMuch)
	}
	switch err.Type {
	case v1.ErrBadData, v1.ErrExec, "422": // VictoriaMetrics' type is the status
		return fmt.Errorf("%w: %s", slo.ErrRefused, short(text))
	case v1.ErrServer, v1.ErrCanceled, "internal", "unavailable", "too_many_requests":
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, unavailable(err, text, isAPI))
	case v1.ErrClient:
		switch status := strings.TrimPrefix(err.Msg, "client error: "); status {
		case "401", "403":
			return fmt.Errorf("%w: HTTP %s: %w", slo.ErrRefused, status, errForbidden)
		case "404", "405":
			return fmt.Errorf("%w: HTTP %s: check the URL", slo.ErrBadAnswer, status)
		case "408", "429":
			return fmt.Errorf("%w: HTTP %s", slo.ErrUnreachable, status)
		case "413", "414":
			return fmt.Errorf("%w: %w: HTTP %s: the query is too long", slo.ErrRefused, errTooMuch, status)
		default:
			return fmt.Errorf("%w: HTTP %s", slo.ErrBadAnswer, status)
		}
	}
	return fmt.Errorf("%w: it is not the JSON of a query's result", slo.ErrBadAnswer)
}

// connection says why there was no connection, or why it broke.
func connection(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var certificate x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		return "the name " + dns.Name + " is not resolved"
	case errors.As(err, &certificate):
		return "its TLS certificate is expired or not valid" // the error's own text holds the time
	case errors.As(err, &verification):
		return short(verification.Err.Error())
	case errors.As(err, &op):
		return op.Op + ": " + short(op.Err.Error()) // the error's own text holds a port number
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	}
	for {
		var inner *url.Error
		if !errors.As(err, &inner) {
			return short(err.Error())
		}
		err = inner.Err // an url.Error's text holds the URL
	}
}

// reason is the label of an error in the metrics.
func reason(err error) string {
	switch {
	case errors.Is(err, slo.ErrBadAnswer):
		return reasonBadAnswer
	case errors.Is(err, slo.ErrRefused):
		return reasonRefused
	case errors.Is(err, slo.ErrIncomplete):
		return reasonIncomplete
	case errors.Is(err, slo.ErrClock):
		return reasonClock
	}
	return reasonUnreachable
}

// short is the first line of a text, cut to a length that fits into a log line.
func short(text string) string {
	const most = 300
	text, _, _ = strings.Cut(text, "\n")
	text = strings.ToValidUTF8(text, "?")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// divisible reports whether a query that failed may do so because of one of its parts, or because
// they are too much together.
func divisible(err error) bool {
	return errors.Is(err, errTooMuch) || !errors.Is(err, slo.ErrUnreachable) && !errors.Is(err, slo.ErrClock)
}

// isAnswer reports whether an error is what a server says about one query.
func isAnswer(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) || errors.Is(err, slo.ErrRefused) && !errors.Is(err, errForbidden)
}

// isGauge reports whether an error is the server's warning that rates of gauges make no sense.
func isGauge(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "native histogram metric is not a counter")
}

// tooNative reports whether a server answered with a warning about native histograms that can't be
// summed, or does not know them.
func tooNative(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "PromQL warning") ||
		errors.Is(err, slo.ErrRefused) && strings.Contains(err.Error(), "histogram_")
}

func (c *Client) badAnswer(err error) error {
	if errors.Is(err, errUnsupported) {
		return c.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
	}
	return c.failed(fmt.Errorf("%w: %w", slo.ErrBadAnswer, err))
}
