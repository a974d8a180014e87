package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/local"
)

func TestExcludedFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(content string) string
		want *issue.Exclusion
	}{
		"untouched":           {func(c string) string { return c }, nil},
		"on the first line":   {func(c string) string { return "postburn:exclude\n" + c }, &issue.Exclusion{}},
		"at the end, by whom": {func(c string) string { return c + "\n  postburn:exclude by Ada L.\r\n" }, &issue.Exclusion{By: "Ada L."}},
		"with a reason":       {func(c string) string { return c + "\npostburn:exclude\npostburn: a load test\n" }, &issue.Exclusion{Reason: "a load test"}},
		"not on its own line": {func(c string) string { return c + "\nAdd postburn:exclude to leave it out.\n" }, nil},
		"a reason alone":      {func(c string) string { return c + "\npostburn: a load test\n" }, nil},
		"in postburn's own text": {
			func(c string) string { return strings.Replace(c, "It failed.", "postburn:exclude", 1) }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tracker, err := local.New(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			post := issue.Post{Key: "checkout-1", Group: "checkout", Onset: time.Now(), Text: issue.Text{Title: "It was down", Body: "It failed.\n"}}
			opened, err := tracker.Create(t.Context(), post)
			if err != nil {
				t.Fatal(err)
			}
			comment := issue.Post{Key: "checkout-1/recovery-1", Parent: &opened, Text: issue.Text{Body: "It is over.\n"}}
			if _, err := tracker.Create(t.Context(), comment); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "checkout-1.md")
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(tc.edit(string(content))), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("postburn:exclude\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := tracker.ListMarked(t.Context(), "", time.Time{})
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			want := issue.Marked{Key: "checkout-1", Ref: opened.Ref, Updated: got[0].Updated, Exclusion: tc.want}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if later, err := tracker.ListMarked(t.Context(), "", got[0].Updated.Add(time.Second)); err != nil || len(later) != 0 {
				t.Errorf("unchanged since: %+v, %v", later, err)
			}
		})
	}
}
