package lint_test

import (
	"fmt"

	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/lint"
)

func ExampleCheck() {
	document := learn.Parse("# checkout failed\n\n## Causes\n\nHuman error.\n\n## Follow-ups\n\n- Be more careful (alice)\n")
	for _, f := range lint.Check(document) {
		fmt.Printf("line %d: %s: %s\n", f.Line, f.Rule, f.Text)
	}
	// Output:
	// line 5: human-error: Human error.
	// line 9: follow-up-careful: Be more careful (alice)
}
