package prom

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// Types of errors of the query API, and of answers that are not the API's.
const (
	typeBadData     = "bad_data"
	typeTimeout     = "timeout"
	typeCanceled    = "canceled"
	typeExecution   = "execution"
	typeClientError = "client_error"
	typeServerError = "server_error"
)

// apiError is an answer without a result: an error of the query API, or a status that says so.
type apiError struct {
	kind   string // one of the API's own, or typeClientError or typeServerError
	status int
	text   string // the server's own words; empty: a page, or none
	isAPI  bool   // the text is the message of an error of the API
}

// Error implements error.
func (e *apiError) Error() string { return "HTTP " + strconv.Itoa(e.status) + ": " + e.text }

// sender sends queries to one server.
type sender struct {
	client  *http.Client
	base    *url.URL // with the parameters of each query
	timeout time.Duration
	budget  *budget
	server  *server
}

// send asks a query for the values at the ticks, passes the series to take while the answer
// arrives, and returns the rest.
func (s *sender) send(ctx context.Context, query string, ticks slo.Ticks, take func(stream) error) (head, error) {
	path, form := "query", url.Values{"query": {query}, "timeout": {s.timeout.String()}}
	if ticks.Len() == 1 {
		form.Set("time", unix(ticks.First))
	} else {
		path = "query_range"
		form.Set("start", unix(ticks.First))
		form.Set("end", unix(ticks.Last))
		form.Set("step", strconv.FormatFloat(ticks.Interval.Seconds(), 'f', -1, 64))
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	resp, err := s.post(ctx, path, form)
	if err != nil {
		return head{}, err
	}
	defer resp.Body.Close()
	if about, is := ctx.Value(askingKey{}).(time.Time); is && isAhead(resp, about) {
		return head{}, errAhead
	}
	if resp.StatusCode/100 != 2 {
		return head{}, refusal(resp)
	}
	if resp.ContentLength > s.budget.most {
		return head{}, largeError{size: resp.ContentLength, most: s.budget.most}
	}
	lease := s.budget.lease(ctx, end)
	defer lease.release()
	found, err := decode(&body{Reader: resp.Body, most: s.budget.most}, lease, take)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errSlowAnswer):
		return found, errSlowAnswer
	case err != nil:
		return found, err
	case found.status == "error":
		return found, &apiError{kind: found.errorType, status: resp.StatusCode, text: withoutQuery(found.errorText), isAPI: true}
	case found.isPartial:
		return found, errPartial
	case found.status != "success" || found.kind == "":
		return found, errNotResult
	}
	if found.hasStats {
		s.server.kind.Store(victoriaMetrics)
	}
	return found, nil
}

// post sends a query as a form, since it may be too long for a URL, or in the URL if the server, or
// a proxy in front of it, accepts only that.
func (s *sender) post(ctx context.Context, path string, form url.Values) (*http.Response, error) {
	u := s.base.JoinPath("api/v1", path)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errNoURL
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header["Idempotency-Key"] = nil // not sent; net/http may then try again on a connection that was closed
	resp, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxRefusal) // so that the connection is used again; what it says is said again
	_ = resp.Body.Close()
	parameters := u.Query()
	for name, v := range form {
		parameters[name] = v
	}
	u.RawQuery = parameters.Encode()
	if request, err = http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil); err != nil {
		return nil, errNoURL
	}
	return s.client.Do(request)
}

// maxRefusal bounds how many bytes to read of an answer without a result. A line of it is shown.
const maxRefusal = 64 << 10

// refusal reads an answer whose status says that it is no result.
func refusal(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return bodyError{err}
	}
	e := &apiError{status: resp.StatusCode}
	e.kind, e.text, e.isAPI = said(text)
	switch {
	case e.status == http.StatusBadRequest, e.status == http.StatusUnprocessableEntity: // about the query
	case e.status/100 == 4:
		e.kind = typeClientError
	case e.status/100 == 5:
		e.kind = typeServerError
	default:
		e.kind = ""
	}
	return e
}

// unix writes a time in seconds.
func unix(t time.Time) string {
	return strconv.FormatFloat(float64(t.Unix())+float64(t.Nanosecond())/1e9, 'f', -1, 64)
}

// isAhead reports whether a time has yet to come by a server's clock.
func isAhead(resp *http.Response, about time.Time) bool {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	return err == nil && about.Sub(date) > clockTolerance
}
