package daemon

import (
	"os"
	"strings"
	"testing"
)

// TestLintPostMortem lints an issue as it was opened, with the numbers of postburn's last comment.
func TestLintPostMortem(t *testing.T) {
	text, err := os.ReadFile("../../../issue/postmortem/testdata/burning.md")
	if err != nil {
		t.Fatal(err)
	}
	final, err := os.ReadFile("../../../issue/postmortem/testdata/recovery.md")
	if err != nil {
		t.Fatal(err)
	}
	written := strings.Replace(string(text), "### Causes\n", "### Causes\n\nHuman error.\n\nThe outage lasted five hours.\n", 1)
	var all []string
	for _, h := range lintPostMortem(written, string(final)) {
		all = append(all, h.Passages...)
	}
	got := strings.Join(all, "; ")
	if !strings.Contains(got, "Human error.") || !strings.Contains(got, "lasted five hours") || !strings.Contains(got, "How it was resolved") {
		t.Errorf("the hints are about %s", got)
	}
}
