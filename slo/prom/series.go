package prom

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"
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
