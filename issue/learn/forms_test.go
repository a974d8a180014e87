package learn_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/lint"
)

// TestForms reads one post-mortem in both forms that postburn has opened issues with: issues in the
// first one stay readable.
func TestForms(t *testing.T) {
	tasks := func(answers string, texts ...string) []issue.Task {
		return []issue.Task{
			{Text: texts[0], Owner: "alice", Term: issue.ShortTerm, Answers: answers},
			{Text: texts[1], Owner: "bob", Term: issue.ShortTerm, Done: true},
			{Text: texts[2], Owner: "carol", Term: issue.LongTerm, Issue: "#12"},
		}
	}
	for _, tc := range []struct {
		file   string
		causes int
		final  bool
		kinds  []learn.Kind // in which people wrote
		tasks  []issue.Task
	}{
		{"first-form.md", 3, false, []learn.Kind{learn.Causes, learn.Well, learn.Poorly, learn.ShortTerm, learn.LongTerm},
			tasks("", "Alert on the queue's length (alice)", "Limit the pool (bob)", "Roll out to one pod first (carol), see #12")},
		{"second-form.md", 3, true, []learn.Kind{learn.Trigger, learn.Causes, learn.Well, learn.Poorly, learn.Lucky, learn.FollowUps},
			tasks("nobody watched the queue", "Alert on the queue's length (alice, short term), answers: nobody watched the queue",
				"Limit the pool (short term, bob)", "Roll out to one pod first (carol, long term), see #12")},
	} {
		t.Run(tc.file, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + tc.file)
			if err != nil {
				t.Fatal(err)
			}
			d := learn.Parse(string(text))
			if n := len(d.Of(learn.Causes)); n != tc.causes || d.IsFinal() != tc.final || !d.IsPostMortem() || d.Record.IsOpen() {
				t.Errorf("%d causes, final %v, a post-mortem %v, open %v", n, d.IsFinal(), d.IsPostMortem(), d.Record.IsOpen())
			}
			var written []learn.Kind
			for _, s := range d.Sections {
				switch s.Kind {
				case learn.Summary, learn.Facts, learn.Resolved, learn.Timeline:
				default:
					if len(s.Written()) > 0 {
						written = append(written, s.Kind)
					}
				}
			}
			if diff := cmp.Diff(tc.kinds, written); diff != "" {
				t.Errorf("sections that people wrote in (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.tasks, learn.Tasks(string(text))); diff != "" {
				t.Errorf("follow-ups (-want +got):\n%s", diff)
			}
			for _, f := range lint.Check(d) {
				if f.Rule != lint.EmptySection || f.Text != "How it was resolved" {
					t.Errorf("lint: %+v", f)
				}
			}
		})
	}
}
