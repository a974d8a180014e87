//go:build e2e

package e2e

import (
	"net/http"
	"testing"
)

// TestAttackQueryWithoutAnswer has the queries about one objective never be answered, which must
// not hold up the others of its lane.
func TestAttackQueryWithoutAnswer(t *testing.T) {
	t.Parallel()
	attack(t, "answers for Prometheus", "query without an answer hides the outage of another objective", func(t *testing.T) {
		findOutageBeside(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
}
