package prom

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"unicode"

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

// errAhead means that the query's time has yet to come by the server's clock. The server may still
// answer, with what it has so far.
var errAhead = errors.New("asked about a time that has yet to come by the server's clock")

// errSlowAnswer means that a large answer took its time while another source waited to answer.
var errSlowAnswer = errors.New("a large answer came too slowly while another source waited")

// errPartial means that a server answered from a part of the data.
var errPartial = errors.New("a part of the data could not be read")

// errAnswer means that an answer does not fit its query.
var errAnswer = errors.New("the values do not fit the query")

// errUnsupported means that no query can count what an objective measures.
var errUnsupported = errors.New("it can't be counted")

// tooMuch is an errTooMuch with its own words.
type tooMuch struct{ error }

// Is makes it an errTooMuch.
func (e tooMuch) Is(target error) bool { return target == errTooMuch }

// Unwrap is the error itself.
func (e tooMuch) Unwrap() error { return e.error }

// bodyError is an answer that broke off.
type bodyError struct{ error }

// Unwrap is the error itself.
func (e bodyError) Unwrap() error { return e.error }

// explain turns an error of a query into one of slo's. Its text is the same at each try, so that it
// can be logged once: no times, no port numbers, nothing from a page that came instead of an
// answer.
func (q *querier) explain(err error, query string) error {
	var answered *apiError
	var sent *url.Error
	var body bodyError
	var large largeError
	var redirected redirectError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return tooMuch{fmt.Errorf("%w: no answer within %s", slo.ErrUnreachable, q.timeout)}
	case errors.Is(err, errSlowAnswer):
		return tooMuch{fmt.Errorf("%w: %w", slo.ErrUnreachable, errSlowAnswer)}
	case errors.Is(err, errAhead):
		return fmt.Errorf("%w: this clock is more than %s ahead of its own: set the clocks right", slo.ErrClock, clockTolerance)
	case errors.Is(err, errPartial):
		return fmt.Errorf("%w: %w", slo.ErrIncomplete, errPartial)
	case errors.As(err, &redirected):
		return fmt.Errorf("%w: %w", slo.ErrBadAnswer, redirected)
	case errors.As(err, &large):
		large.query = query
		return large
	case errors.As(err, &sent):
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, connection(err))
	case errors.As(err, &answered):
		return explainAnswer(answered)
	case errors.As(err, &body):
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: it was cut off", slo.ErrBadAnswer)
		}
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, connection(err))
	case errors.Is(err, errNotResult):
		return fmt.Errorf("%w: %w", slo.ErrBadAnswer, err)
	}
	return fmt.Errorf("%w: %w", slo.ErrBadAnswer, errNotResult)
}

// explainAnswer turns an error in an answer into one of slo's. The text tells if it was too much
// for one query, not the status or type: servers agree on neither.
func explainAnswer(err *apiError) error {
	switch {
	case containsAny(err.text, limitTexts):
		return fmt.Errorf("%w: %w: %s", slo.ErrRefused, errTooMuch, short(err.text))
	case err.kind == typeTimeout || containsAny(err.text, timeLimitTexts):
		return fmt.Errorf("%w: %w: the query ran into the server's time limit", slo.ErrUnreachable, errTooMuch)
	}
	switch err.kind {
	case typeBadData, typeExecution, "422": // VictoriaMetrics' type is the status
		return fmt.Errorf("%w: %s", slo.ErrRefused, short(err.text))
	case typeServerError, typeCanceled, "internal", "unavailable", "too_many_requests":
		return fmt.Errorf("%w: %s", slo.ErrUnreachable, unavailable(err))
	case typeClientError:
		switch err.status {
		case 401, 403:
			return fmt.Errorf("%w: HTTP %d: %w", slo.ErrRefused, err.status, errForbidden)
		case 404, 405:
			return fmt.Errorf("%w: HTTP %d: check the URL", slo.ErrBadAnswer, err.status)
		case 408, 429:
			return fmt.Errorf("%w: HTTP %d", slo.ErrUnreachable, err.status)
		case 413, 414:
			return fmt.Errorf("%w: %w: HTTP %d: the query is too long", slo.ErrRefused, errTooMuch, err.status)
		default:
			return fmt.Errorf("%w: HTTP %d", slo.ErrBadAnswer, err.status)
		}
	}
	return fmt.Errorf("%w: %w", slo.ErrBadAnswer, errNotResult)
}

// connection tells why there was no connection, or why it broke.
func connection(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var file *fs.PathError
	var certificate x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	for inner := (*url.Error)(nil); errors.As(err, &inner); {
		err = inner.Err // an url.Error's text holds the URL
	}
	switch {
	case errors.As(err, &dns):
		return "the name " + printable(dns.Name) + " is not resolved"
	case errors.As(err, &certificate):
		return "its TLS certificate is expired or not valid" // the error's own text holds the time
	case errors.As(err, &verification):
		return short(verification.Err.Error())
	case errors.As(err, &file):
		return short(HideValues(err).Error())
	case errors.As(err, &op):
		return op.Op + ": " + short(op.Err.Error()) // the error's own text holds a port number
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	}
	return short(err.Error())
}

// reason returns an error's label in the metrics.
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

// short returns the first line of a server's text, printable and cut to fit into a log line.
func short(text string) string {
	const most = 300
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return printable(text)
}

// printable replaces control characters, marks of text direction and invalid UTF-8, which a
// terminal might obey or which might reorder the text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// divisible reports whether a query may have failed because of one of its parts, or because they
// are too much together.
func divisible(err error) bool {
	return errors.Is(err, errTooMuch) || !errors.Is(err, slo.ErrUnreachable) && !errors.Is(err, slo.ErrClock)
}

// isAnswer reports whether an error is a server's answer to one query.
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
