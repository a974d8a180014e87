package prom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/postburn/postburn/slo"
)

// Series returns the labels of series that a selector matches, and that have a sample between two
// times or nearly so, at most `most` of them; whole is false if there are more. Its errors wrap one
// of slo's Err values.
func (c *Client) Series(ctx context.Context, selector string, from, to time.Time, most int) (found []map[string]string, whole bool, err error) {
	form := url.Values{"match[]": {selector}, "start": {unix(from)}, "end": {unix(to)}, "limit": {strconv.Itoa(most + 1)}}
	whole = true
	err = c.look(ctx, "series", form, func(d *json.Decoder) error {
		return list(d, func() (bool, error) {
			var set map[string]string
			if err := d.Decode(&set); err != nil {
				return false, err
			}
			if whole = len(found) < most; whole {
				found = append(found, set)
			}
			return whole, nil // servers before the parameter `limit` have more
		})
	})
	if err != nil {
		return nil, false, err
	}
	return found, whole, nil
}

// Metadata returns the types that targets give their metrics, by name: "counter", "gauge",
// "histogram", "summary" and others. Its errors wrap one of slo's Err values.
func (c *Client) Metadata(ctx context.Context) (types map[string][]string, err error) {
	types = map[string][]string{}
	err = c.look(ctx, "metadata", url.Values{"limit_per_metric": {"5"}}, func(d *json.Decoder) error {
		var found map[string][]struct{ Type string }
		if err := d.Decode(&found); err != nil {
			return err
		}
		for name, all := range found {
			for _, one := range all {
				types[name] = append(types[name], one.Type)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return types, nil
}

// errEnough means that the rest of an answer is not needed.
var errEnough = errors.New("enough")

// list reads an array's elements until one says that this is enough.
func list(d *json.Decoder, element func() (more bool, err error)) error {
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		more, err := element()
		switch {
		case err != nil:
			return err
		case !more:
			return errEnough
		}
	}
	_, err := d.Token()
	return err
}

// look asks an endpoint that is no query, once one of the few slots is free, and has the answer's
// data read. It counts failures.
func (c *Client) look(ctx context.Context, path string, form url.Values, data func(*json.Decoder) error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := c.lookAt(bounded, path, form, data)
	c.metrics.queries.Inc()
	switch {
	case err == nil, errors.Is(err, errEnough):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	return c.failed(c.explain(err, path))
}

func (c *Client) lookAt(ctx context.Context, path string, form url.Values, data func(*json.Decoder) error) error {
	resp, err := c.post(ctx, path, form)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp)
	}
	body := &io.LimitedReader{R: resp.Body, N: c.budget.most}
	d := json.NewDecoder(body)
	err = envelope(d, data)
	switch {
	case body.N <= 0:
		return largeError{most: c.budget.most}
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

// Instance tells this server from another that had its address before, as a forwarded port may: by
// when and where it started. It is empty if the server does not say so, as only Prometheus does.
func (c *Client) Instance(ctx context.Context) string {
	var found struct {
		StartTime string `json:"startTime"`
		Directory string `json:"CWD"`
	}
	if err := c.look(ctx, "status/runtimeinfo", nil, func(d *json.Decoder) error { return d.Decode(&found) }); err != nil || found.StartTime == "" {
		return ""
	}
	return found.StartTime + " " + found.Directory
}
