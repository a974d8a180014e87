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

// TestTermsOfTasks has follow-ups that each say their term, as postburn's form asks.
func TestTermsOfTasks(t *testing.T) {
	for _, test := range []struct{ tasks, want string }{
		{"- [ ] Limit the pool (alice, short term)", "nothing for the long term"},
		{"- [x] Limit the pool (alice, short term), answers: the pool", "nothing for the long term"},
		{"- [ ] Limit the pool (long term, alice)", "nothing for the short term"},
		{"- [ ] Limit the pool (alice, short term)\n- [ ] A canary (bob, long term), see #12", ""},
		{"- [ ] Limit the pool (alice, short term)\n- [ ] A canary (bob)", ""},
		{"| Action | Owner | Term |\n|---|---|---|\n| Limit the pool | alice | short |", "nothing for the long term"},
		{"None: the service is switched off next week.", ""},
	} {
		text := "## Analysis\n\n### Follow-ups\n\nOne task a line: what, who and by when.\n\n" + test.tasks + "\n"
		got := ""
		for _, f := range Check(learn.Parse(text)) {
			if f.Rule == FollowUpTerm {
				got += f.Text
			}
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.tasks, got, test.want)
		}
	}
}
