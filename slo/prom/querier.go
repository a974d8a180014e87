package prom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
)

// querier asks one server a few queries at a time. It measures them, and explains what fails.
type querier struct {
	sender
	slots   chan struct{} // one for each query that may run at a time
	logger  *slog.Logger
	metrics *metrics
	most    int           // see Client.Bounded
	asked   *atomic.Int64 // nil: any number may be asked
	missing error         // why no query is asked; nil: they are
}

// enter waits for one of the few slots.
func (q *querier) enter(ctx context.Context) error {
	if q.missing != nil {
		return q.missing
	}
	select {
	case q.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
}

func (q *querier) leave() { <-q.slots }

// do sends one query, once one of the few slots is free, and passes the answer's series to take. It
// returns take's errors, or errors that wrap one of slo's Err values, and counts all of them. After
// an error, drop what take got.
func (q *querier) do(ctx context.Context, query string, ticks slo.Ticks, take func(stream) error) (head, error) {
	if err := q.enter(ctx); err != nil {
		return head{}, err
	}
	defer q.leave()
	bounded, cancel := context.WithTimeout(askingAbout(ctx, ticks.Last), q.timeout)
	defer cancel()
	if q.asked != nil && q.asked.Add(1) > int64(q.most) {
		return head{}, q.failed(fmt.Errorf("%w: %w: at most %d", slo.ErrRefused, errUsedUp, q.most))
	}
	start := time.Now()
	var refused error
	top, err := q.send(bounded, query, ticks, func(s stream) error {
		refused = take(s)
		return refused
	})
	took := time.Since(start)
	q.metrics.queries.Inc()
	q.metrics.duration.Observe(took.Seconds())
	q.logger.DebugContext(ctx, "prometheus query", "query", query, "ticks", ticks.Len(), "took", took, "ok", err == nil)
	switch {
	case refused != nil:
		return top, q.failed(refused)
	case err != nil && ctx.Err() != nil:
		return top, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err()) // the caller's wish is no failure of Prometheus'
	case err != nil:
		return top, q.failed(q.explain(err, query))
	}
	if text := realWarnings(top.warnings); text != "" {
		return top, q.failed(fmt.Errorf("%w: %s", slo.ErrIncomplete, text))
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

// look asks an endpoint that is no query, once one of the few slots is free, and has the answer's
// data read. It counts failures.
func (q *querier) look(ctx context.Context, path string, form url.Values, data func(*json.Decoder) error) error {
	if err := q.enter(ctx); err != nil {
		return err
	}
	defer q.leave()
	bounded, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	err := q.lookAt(bounded, path, form, data)
	q.metrics.queries.Inc()
	switch {
	case err == nil, errors.Is(err, errEnough):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	return q.failed(q.explain(err, path))
}

func (q *querier) lookAt(ctx context.Context, path string, form url.Values, data func(*json.Decoder) error) error {
	resp, err := q.post(ctx, path, form)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp)
	}
	body := &io.LimitedReader{R: resp.Body, N: q.budget.most}
	d := json.NewDecoder(body)
	err = envelope(d, data)
	switch {
	case body.N <= 0:
		return largeError{most: q.budget.most}
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, errEnough):
		return errNotResult
	}
	return err
}

// envelope reads an answer, and has its data read.
func envelope(d *json.Decoder, data func(*json.Decoder) error) error {
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errNotResult
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == "data" {
			err = data(d)
		} else {
			var other json.RawMessage
			err = d.Decode(&other)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failed counts a failure.
func (q *querier) failed(err error) error {
	q.metrics.failures.WithLabelValues(reason(err)).Inc()
	return err
}

func (q *querier) badAnswer(err error) error {
	if errors.Is(err, errUnsupported) {
		return q.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
	}
	return q.failed(fmt.Errorf("%w: %w", slo.ErrBadAnswer, err))
}
