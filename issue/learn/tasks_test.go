package learn

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func TestTasks(t *testing.T) {
	const text = `# A post-mortem

## Causes

- [ ] No task: it is above

## Follow-up actions

Write them as tasks, like ` + "`- [ ] Alert on the queue's length (alice)`" + `: open ones are named when it happens again.

- Review together @acme/checkout
- ~~Buy a bigger machine (bob)~~
- [ ] TBD

#### Short term

- [ ] Set a *timeout* on calls to ` + "`payments`" + ` (alice, by Friday), see #12
- [x] Roll back
- We have already added a canary
- [ ] [Alert on the queue](https://github.com/acme/shop/issues/9), as in https://wiki.example/alerts
- [ ] As acme/search#7 does

All of these are for alice and bob.

| Week | Hours |
|---|---|
| 49 | 3 |

#### Long term

| Action | Owner | Ticket |
|---|---|---|
| Practise a rollback | carol | |
| Isolate the pool | dave | #14 |

---

Blameless: everyone did what made sense with what they knew then.
`
	want := []issue.Task{
		{Text: "Review together @acme/checkout", Owner: "acme/checkout"},
		{Text: "Set a timeout on calls to payments (alice, by Friday), see #12", Owner: "alice", Term: issue.ShortTerm, Issue: "#12"},
		{Text: "Roll back", Term: issue.ShortTerm, Done: true},
		{Text: "We have already added a canary", Term: issue.ShortTerm, Done: true},
		{Text: "Alert on the queue, as in https://wiki.example/alerts", Term: issue.ShortTerm, Issue: "https://github.com/acme/shop/issues/9"},
		{Text: "As acme/search#7 does", Term: issue.ShortTerm, Issue: "acme/search#7"},
		{Text: "Practise a rollback", Owner: "carol", Term: issue.LongTerm},
		{Text: "Isolate the pool", Owner: "dave", Term: issue.LongTerm, Issue: "#14"},
	}
	if diff := cmp.Diff(want, Tasks(text)); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	// In a file of the local tracker, what postburn appends is no task.
	file := "<!-- postburn key=a-1 -->\n## Action items\n\n- [ ] Measure it\n<!-- postburn end -->\n\n---\n<!-- postburn key=a-1/reminder-1 -->\n\n## Action items\n\n- Measure it, for 40 days\n<!-- postburn end -->\n"
	if diff := cmp.Diff([]issue.Task{{Text: "Measure it"}}, Tasks(file)); diff != "" {
		t.Errorf("of a file (-want +got):\n%s", diff)
	}
}
