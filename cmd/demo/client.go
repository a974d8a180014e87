package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/web"
)

// client asks the daemon what it sees, as any user would.
type client struct {
	url  string
	http http.Client
}

var errStarting = errors.New("postburn is starting")

// get returns the body of an answer; errStarting while there is none yet.
func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking postburn: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking postburn: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking postburn: %w", err)
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, errStarting
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("asking postburn for %s: %s", path, resp.Status)
	}
	return body, nil
}

// objective is how the only objective stands.
func (c *client) objective(ctx context.Context) (web.Objective, error) {
	var answer struct {
		SLOs []web.Objective `json:"slos"`
	}
	body, err := c.get(ctx, "/api/v1/slos")
	if err != nil {
		return web.Objective{}, err
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.SLOs) != 1 {
		return web.Objective{}, fmt.Errorf("reading postburn's objectives: %d of them: %w", len(answer.SLOs), err)
	}
	return answer.SLOs[0], nil
}

// incidents are all incidents, newest first.
func (c *client) incidents(ctx context.Context) ([]web.Incident, error) {
	var answer struct {
		Incidents []web.Incident `json:"incidents"`
	}
	body, err := c.get(ctx, "/api/v1/incidents")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("reading postburn's incidents: %w", err)
	}
	return answer.Incidents, nil
}

// burnRate returns the only objective's burn rate over a window, from the metrics.
func (c *client) burnRate(ctx context.Context, window string) (float64, error) {
	body, err := c.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("reading postburn's metrics: %w", err)
	}
	for _, m := range families["postburn_slo_burn_rate"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "window" && l.GetValue() == window {
				return m.GetGauge().GetValue(), nil
			}
		}
	}
	return 0, nil // no tick was committed yet
}
