package postmortem

import (
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// maxReminded is how many follow-ups a reminder names: those that have been open for longest.
const maxReminded = 20

// followUpsView is what the texts about follow-ups are made of.
type followUpsView struct {
	Lines      []string
	More       int
	Several    bool
	PostMortem string // a link to it
	Text       string // of one task
	Owner      string
	Term       string
	Answers    string
	Longest    string // how long the oldest has been open
}

// renderFollowUps writes what postburn says about follow-ups. What people wrote is escaped: their
// mentions are not repeated.
func renderFollowUps(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	v := followUpsView{Several: len(f.FollowUps) > 1, PostMortem: Link("the post-mortem", f.Original)}
	var text issue.Text
	if len(f.FollowUps) == 0 {
		return text, fmt.Errorf("writing the %s text: there is no follow-up to write about", stage)
	}
	switch stage {
	case issue.FollowUpIssue:
		one := f.FollowUps[0]
		text.Title = plain(one.Text)
		v.Text, v.Owner, v.Term = Escape(one.Text), Escape(one.Owner), Escape(one.Term)
		v.Answers = Escape(one.Answers)
	case issue.FollowUpLinks:
		for _, one := range f.FollowUps {
			v.Lines = append(v.Lines, Link(one.Text, one.Issue))
		}
	case issue.Reminder:
		v.remind(f)
	}
	body, err := execute(string(stage)+".md.tmpl", v)
	if err != nil {
		return issue.Text{}, fmt.Errorf("writing the %s text: %w", stage, err)
	}
	text.Body = body
	return text, nil
}

// remind lists follow-ups, each with its owner and how long it has been open.
func (v *followUpsView) remind(f issue.Facts) {
	oldest := f.Now
	for n, one := range f.FollowUps {
		if one.Opened.Before(oldest) {
			oldest = one.Opened
		}
		if n < maxReminded {
			v.Lines = append(v.Lines, followUp(one)+", for "+age(one.Opened, f.Now))
		}
	}
	v.More = len(f.FollowUps) - len(v.Lines)
	v.Longest = age(oldest, f.Now)
}

// followUp writes a follow-up with its owner, if its text does not name them, and its issue.
func followUp(f issue.FollowUp) string {
	line := Escape(f.Text)
	if owner := Escape(f.Owner); owner != "" && !strings.Contains(f.Text, f.Owner) {
		line += " (" + owner + ")"
	}
	if f.Issue != "" {
		line += ", " + Link("issue "+f.Issue[strings.LastIndex(f.Issue, "/")+1:], f.Issue)
	}
	return line
}

// age writes how long something has been open, in whole days.
func age(since, now time.Time) string {
	return humanize.Plural(max(1, int(now.Sub(since)/day)), "day")
}
