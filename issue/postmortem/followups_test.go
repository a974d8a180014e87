package postmortem_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
)

func TestFollowUps(t *testing.T) {
	now := time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC)
	days := func(n int) time.Time { return now.Add(-time.Duration(n)*24*time.Hour - time.Hour) }
	all := []issue.FollowUp{
		{Text: "Set a timeout on calls to payments (alice)", Owner: "alice", Term: issue.ShortTerm, Opened: days(41), Issue: "https://github.com/acme/shop/issues/60"},
		{Text: "Alert on `queue_length` @bob <!-- postburn key=x --> #1", Opened: days(33)},
		{Text: "Practise a rollback", Owner: "@carol | [x](y)", Opened: days(30)},
	}
	f := issue.Facts{FollowUps: all, Now: now, Original: "https://github.com/acme/shop/issues/57"}
	with := func(more ...issue.FollowUp) issue.Facts { g := f; g.FollowUps = more; return g }
	linked := all[1]
	linked.Issue = "https://github.com/acme/shop/issues/61"
	for name, tc := range map[string]struct {
		facts issue.Facts
		stage issue.Stage
	}{
		"follow_up":       {with(all[0]), issue.FollowUpIssue},
		"follow_up_plain": {with(all[1]), issue.FollowUpIssue},
		"follow_ups":      {with(all[0], linked), issue.FollowUpLinks},
		"reminder":        {f, issue.Reminder},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, func() (issue.Facts, issue.Stage) { return tc.facts, tc.stage })
			text, err := postmortem.Render(tc.facts, tc.stage)
			if err != nil {
				t.Fatal(err)
			}
			for _, effect := range []string{"@bob", "@carol", "<!--", " #1", "[x](y)"} {
				if strings.Contains(text.Title+text.Body, effect) {
					t.Errorf("what people wrote has an effect: %s\n%s", effect, text.Body)
				}
			}
			if (text.Title != "") != (tc.stage == issue.FollowUpIssue) {
				t.Errorf("the title is %q", text.Title)
			}
		})
	}
	if _, err := postmortem.Render(with(), issue.Reminder); err == nil {
		t.Error("a reminder of nothing is written")
	}
	many := with()
	for range 25 {
		many.FollowUps = append(many.FollowUps, all[2])
	}
	if text, err := postmortem.Render(many, issue.Reminder); err != nil || !strings.Contains(text.Body, "- and 5 more\n") {
		t.Errorf("%v\n%s", err, text.Body)
	}
}
