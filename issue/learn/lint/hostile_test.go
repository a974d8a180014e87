package lint

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/learn"
)

// TestHostile lints texts that are made to take long: they take about as long as others of their
// size.
func TestHostile(t *testing.T) {
	const size = 30_000 // half of what GitHub's issues may have
	many := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var mentions strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&mentions, "- [ ] @user%d forgot\n", i)
	}
	for name, text := range map[string]string{
		"quotation marks": "## Causes\n" + many(`"a `),
		"apostrophes":     "## Causes\n" + many(" 'a b"),
		"quotations":      "## Causes\n" + many("> "),
		"lists":           "## Causes\n" + many("- "),
		"brackets":        "## Causes\n" + strings.Repeat("[a](", 100_000),
		"emphasis":        "## Causes\n" + many("*a _b "),
		"mentions":        "## Action items\n" + mentions.String(),
		"numbers":         "## Causes\n" + many("1,000,000 "),
		"durations":       "## Causes\n" + many("2 hours 5 minutes and "),
		"rows":            "| Time (UTC) | What happened | Source |\n|---|---|---|\n" + many("| 10:00 | x | postburn |\n"),
		"headings":        many("# Causes\n"),
		"slips":           "## Causes\n" + many("due to human error? no. "),
	} {
		start := time.Now()
		Check(learn.Parse(text))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}
