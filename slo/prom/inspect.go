package prom

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// errPartial means that a server answered from a part of the data.
var errPartial = errors.New("a part of the data could not be read")

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
