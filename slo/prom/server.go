package prom

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// server is what is known about which program answers. VictoriaMetrics speaks MetricsQL, which
// gives some PromQL another meaning; Client.IsVictoriaMetrics has a list.
type server struct{ kind atomic.Int32 }

const (
	unknownServer int32 = iota
	victoriaMetrics
	otherServer
)

// statsField is in what VictoriaMetrics answers to queries of vectors and matrices, at the end, and
// in no other server's answers. Its /api/v1/status/buildinfo names a version of Prometheus instead.
var statsField = []byte(`"seriesFetched":`)

// see looks at the end of an answer.
func (s *server) see(body []byte) {
	const tail = 256 // the field and its siblings take about 60 bytes
	if bytes.Contains(body[max(0, len(body)-tail):], statsField) {
		s.kind.Store(victoriaMetrics)
	}
}

// IsVictoriaMetrics reports whether VictoriaMetrics answers. It asks where it does not know yet;
// its error is that of Ping. What is to be known of it (1.148 was tried):
//
//   - functions over a range or a subquery see the sample before it, too: idelta, increase, delta and
//     changes count the first value of a new series in full, and twice the last step of one that ended;
//   - a range query shows a series that has no more samples for about two of its own scrape intervals,
//     where an instant query does for 5 minutes, as Prometheus does for both;
//   - a range selector has staleness markers, as NaN; other values that are not numbers are not stored;
//   - results of rollup functions and of some others keep the name of the metric;
//   - an @ after a range selector is ignored.
func (c *Client) IsVictoriaMetrics(ctx context.Context) (bool, error) {
	if c.server.kind.Load() == unknownServer {
		if err := c.Ping(ctx); err != nil {
			return false, err
		}
		c.server.kind.CompareAndSwap(unknownServer, otherServer)
	}
	return c.server.kind.Load() == victoriaMetrics, nil
}

// grid is that of some ticks, for the server that answers, as far as it is known.
func (c *Client) grid(ticks slo.Ticks) promql.Grid {
	return promql.GridOf(ticks, c.server.kind.Load() == victoriaMetrics)
}
