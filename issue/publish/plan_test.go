package publish

import (
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// TestPlanDropsTheLintOfAnIncidentThatCameBack has a comment that was not sent yet when the
// incident came back: what people wrote is not finished any more.
func TestPlanDropsTheLintOfAnIncidentThatCameBack(t *testing.T) {
	onset := time.Date(2026, 10, 14, 10, 0, 0, 0, time.UTC)
	over := alert.Incident{ID: "a-1", Group: "a", Windows: []alert.Window{{Kind: alert.Burn, Onset: onset, Detected: onset, Ended: onset.Add(time.Hour)}}}
	back := over
	back.Windows = append(slices.Clone(over.Windows), alert.Window{Kind: alert.Burn, Onset: onset.Add(2 * time.Hour), Detected: onset.Add(2 * time.Hour)})
	for name, tc := range map[string]struct {
		incident alert.Incident
		want     bool
	}{"over": {over, true}, "back": {back, false}} {
		j := newJob(issue.Single, tc.incident)
		j.pub.Want(issue.Opening, time.Time{})
		j.pub.Create(j.pub.Opening(), nil, issue.Found{Ref: issue.Ref{Number: 1}})
		j.pub.Opening().Done()
		j.pub.Want(issue.Lint, time.Time{})
		j.plan(onset.Add(3 * time.Hour))
		if got := slices.ContainsFunc(j.pub.Writes, func(w issue.Write) bool { return w.Stage == issue.Lint }); got != tc.want {
			t.Errorf("%s: to be linted is %v, want %v", name, got, tc.want)
		}
	}
}
