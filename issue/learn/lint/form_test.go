package lint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postburn/postburn/issue/learn"
)

// TestForm lints postburn's own texts, as it opens issues with them: nobody wrote anything yet, and
// that is all that there is to say.
func TestForm(t *testing.T) {
	files, err := filepath.Glob("../../postmortem/testdata/*.md")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Check(learn.Parse(string(text))) {
			if f.Rule != EmptySection {
				t.Errorf("%s:%d: %s: %s", filepath.Base(file), f.Line, f.Rule, f.Text)
			}
			t.Logf("%s:%d: %s: %s: %s", filepath.Base(file), f.Line, f.Rule, f.Text, f.Example)
		}
	}
}
