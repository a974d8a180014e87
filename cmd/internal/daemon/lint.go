package daemon

import (
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/lint"
)

// lintPostMortem says what a closed post-mortem lacks. It is an issue.Linter.
func lintPostMortem(text, final string) []issue.Hint {
	return lint.Hints(lint.Check(learn.Parse(text, final)))
}
