//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// The tests named TestAttack play someone who may do one thing and tries to get more: who edits an
// SLO file, comments on an issue, exports a metric, answers for Prometheus or GitHub, or reaches
// the port. `make attack` runs them and prints what was tried and whether postburn held.

// attempts is what was tried in this run, in the order in which the attempts ended.
var attempts struct {
	sync.Mutex
	rows []string
}

// attack runs one attempt as a subtest. who is what the attacker may do, such as "edits an SLO
// file"; tried says in a few words what they try with it, such as "template reads the token".
//
//	attack(t, "edits an SLO file", "template reads the token", func(t *testing.T) { ... })
func attack(t *testing.T, who, tried string, attempt func(t *testing.T)) {
	t.Helper()
	t.Run(tried, func(t *testing.T) {
		t.Cleanup(func() {
			outcome := "held"
			if t.Failed() {
				outcome = "**got through**"
			}
			attempts.Lock()
			defer attempts.Unlock()
			attempts.rows = append(attempts.rows, fmt.Sprintf("| %s | %s | %s |", who, tried, outcome))
		})
		attempt(t)
	})
}

// writeAttempts writes the table of attempts to the file that ATTACK_TABLE names.
func writeAttempts() error {
	path := os.Getenv("ATTACK_TABLE")
	if path == "" {
		return nil
	}
	lines := append([]string{"| someone who | tries | |", "|---|---|---|"}, attempts.rows...)
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666)
}
