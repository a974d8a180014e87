package lint

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postburn/postburn/issue/learn"
)

// FuzzCheck lints any text. What is found has a place in the text, and is short.
func FuzzCheck(f *testing.F) {
	for _, w := range corpus(f, "built") {
		f.Add(w.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		for _, found := range Check(learn.Parse(text)) {
			if found.Line < 0 || found.Line > lines || found.Reason == "" || !utf8.ValidString(found.Text) || utf8.RuneCountInString(found.Text) > 200 {
				t.Errorf("%+v in %d lines", found, lines)
			}
		}
	})
}
