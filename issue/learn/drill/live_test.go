package drill_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/drill"
)

func TestExercise(t *testing.T) {
	start := time.Date(2026, 12, 3, 10, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	e := drill.Exercise{Start: start, End: at(30), Objectives: []string{"`a`", "`b`", "`c`"}}
	nothing := e.Report().Body
	if !strings.Contains(nothing, "postburn noticed **nothing**") || strings.Contains(nothing, "|") {
		t.Errorf("of nothing:\n%s", nothing)
	}
	e.Seen = []drill.Sighting{
		{Objective: "`b`", What: "a burn rate above 6", Onset: at(4), Detected: at(20), Incident: "[issue 7](https://example.org/7)"},
		{Objective: "`a`", What: "no data", Onset: at(-1), Detected: at(-1).Add(30 * time.Second), Incident: "`a-1`"},
	}
	want := `From 2026-12-03 10:00 to 10:30 UTC, something was broken on purpose, while postburn watched 3 objectives.

The first to notice was ` + "`a`" + `, at once.

| Objective | What was noticed | Onset (UTC) | Noticed (UTC) | After the start | After onset | Incident |
|---|---|---|---|---|---|---|
| ` + "`a`" + ` | no data | 09:59 | 09:59 | at once | 30 seconds | ` + "`a-1`" + ` |
| ` + "`b`" + ` | a burn rate above 6 | 10:04 | 10:20 | 20 minutes | 16 minutes | [issue 7](https://example.org/7) |

1 objective saw nothing: ` + "`c`" + `. Was one of them meant to?

Did people know before postburn did, and from what? Write it into the timeline: it is worth as much as the numbers.
`
	if diff := cmp.Diff(want, e.Report().Body); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	e.Objectives = e.Objectives[:2]
	if body := e.Report().Body; !strings.Contains(body, "All objectives noticed it.") {
		t.Errorf("of all:\n%s", body)
	}
	for n := range 60 {
		e.Objectives = append(e.Objectives, fmt.Sprintf("`x%02d`", n))
	}
	if body := e.Report().Body; !strings.Contains(body, "60 objectives saw nothing") || !strings.Contains(body, "`x49` and 10 more. Was") {
		t.Errorf("of many:\n%s", body)
	}
	text := e.Opening("## Analysis\n\n### Causes\n")
	if !drill.IsKey(drill.LiveKey(start)) || !learn.Parse(text.Body).IsPostMortem() || text.Title != "Drill: something is broken on purpose, 2026-12-03 10:00 UTC" {
		t.Errorf("%s: %s\n%s", drill.LiveKey(start), text.Title, text.Body)
	}
}
