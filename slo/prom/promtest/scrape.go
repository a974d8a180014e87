package promtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// maxScrape bounds how many bytes are read of a target's answer.
const maxScrape = 64 << 20

// target is one address that is scraped.
type target struct {
	server   *Server
	job      string
	instance string
	url      string
	client   *http.Client
	scraped  int64                    // the last time, in ms since 1970
	seen     map[string]labels.Labels // the series of the last scrape
}

// Scrape fetches a target's metrics at once and then every interval, until the context ends. It
// writes what it finds with the labels job and instance (the URL's host and port), and `up`; series
// that vanish, and all of them if a scrape fails, get stale markers, as in Prometheus. At the end
// the target counts as removed: all its series, `up` too, become stale. A failing target is no
// error; it returns an error if the URL is invalid, or the TSDB does not take samples.
func (s *Server) Scrape(ctx context.Context, job, address string, interval time.Duration) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("scraping %q: not a URL", address)
	}
	t := &target{server: s, job: job, instance: u.Host, url: address, client: &http.Client{Timeout: interval}}
	defer t.client.CloseIdleConnections()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := t.scrape(ctx); err != nil {
			return fmt.Errorf("scraping %s: %w", address, err)
		}
		select {
		case <-ctx.Done():
			return t.remove()
		case <-ticker.C:
		}
	}
}

// scrape fetches and writes once.
func (t *target) scrape(ctx context.Context) error {
	at := time.Now()
	body, header, err := t.fetch(ctx)
	if ctx.Err() != nil {
		return nil // a scrape that was cut off by the end says nothing about the target
	}
	var found map[string]labels.Labels
	app := t.server.db.Appender(context.Background())
	if err == nil {
		found, err = t.appendAll(app, bytes.NewReader(body), header, at)
	}
	up := 1.0
	if err != nil {
		up, found = 0, nil
		if err := app.Rollback(); err != nil {
			return err
		}
		app = t.server.db.Appender(context.Background())
	}
	for key, series := range t.seen {
		if _, still := found[key]; !still {
			if _, err := app.Append(0, series, at.UnixMilli(), Stale()); err != nil {
				return errors.Join(err, app.Rollback())
			}
		}
	}
	if _, err := app.Append(0, t.up(), at.UnixMilli(), up); err != nil {
		return errors.Join(err, app.Rollback())
	}
	t.seen, t.scraped = found, at.UnixMilli()
	return app.Commit()
}

func (t *target) fetch(ctx context.Context) (body []byte, header http.Header, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("answer %d", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxScrape))
	return body, resp.Header, err
}

// appendAll writes all samples of an exposition and returns their series.
func (t *target) appendAll(app storage.Appender, body io.Reader, header http.Header, at time.Time) (map[string]labels.Labels, error) {
	decoder := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(body, expfmt.ResponseFormat(header)),
		Opts: &expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(at.UnixNano())},
	}
	found := map[string]labels.Labels{}
	for {
		var samples model.Vector
		err := decoder.Decode(&samples)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parsing the exposition: %w", err)
		}
		for _, s := range samples {
			series := t.attach(s.Metric)
			if _, err := app.Append(0, series, int64(s.Timestamp), float64(s.Value)); err != nil {
				return nil, fmt.Errorf("appending %s: %w", series, err)
			}
			found[series.String()] = series
		}
	}
}

// attach gives a series the target's labels; exposed labels with these names are kept as
// exported_....
func (t *target) attach(exposed model.Metric) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, v := range exposed {
		switch name {
		case model.JobLabel, model.InstanceLabel:
			name = model.ExportedLabelPrefix + name
		case model.BucketLabel, model.QuantileLabel:
			v = model.LabelValue(float(string(v)))
		}
		b.Set(string(name), string(v))
	}
	return b.Set(model.JobLabel, t.job).Set(model.InstanceLabel, t.instance).Labels()
}

// float spells a bucket's bound as Prometheus 3 stores it: always as a float, "5.0" and not "5".
func float(text string) string {
	if strings.Trim(text, "-0123456789") == "" {
		return text + ".0"
	}
	return text
}

func (t *target) up() labels.Labels {
	return labels.FromStrings(model.MetricNameLabel, "up", "job", t.job, "instance", t.instance)
}

// remove ends all series of the target.
func (t *target) remove() error {
	at := max(time.Now().UnixMilli(), t.scraped+1) // a series has one value at a time
	app := t.server.db.Appender(context.Background())
	for _, series := range t.seen {
		if _, err := app.Append(0, series, at, Stale()); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	if _, err := app.Append(0, t.up(), at, Stale()); err != nil {
		return errors.Join(err, app.Rollback())
	}
	return app.Commit()
}
