// Package seed gives a seed to tests that draw at random.
package seed

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Of returns TEST_SEED of the environment, or a seed that differs each time. It logs it, so that a
// failure can be repeated. For example:
//
//	TEST_SEED=17 go test -run TestAYear ./issue/learn/report
func Of(t testing.TB) uint64 {
	t.Helper()
	n := rand.Uint64()
	if text := os.Getenv("TEST_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TEST_SEED must be a number: %v", err)
		}
	}
	t.Logf("TEST_SEED=%d", n)
	return n
}
