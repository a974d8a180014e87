//go:build e2e

package e2e

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestLiveDrill breaks the shop on purpose, while a live drill asks the daemon what it notices.
func TestLiveDrill(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	var stdout, stderr bytes.Buffer
	drill := exec.CommandContext(t.Context(), binary, "drill", "--live=1m", "--postburn="+s.postburn.url)
	drill.Stdout, drill.Stderr = &stdout, &stderr
	if err := drill.Start(); err != nil {
		t.Fatal(err)
	}
	f := s.breakDown()
	s.awaitOpened()
	f.until(lasting)
	s.repair(f)
	if err := drill.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	for _, want := range []string{"The first to notice was `checkout`, ", "| `checkout` | a burn rate above ", "All objectives noticed it."} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &stdout)
		}
	}
}
