package publish

import (
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
)

// draft is what the tracker is asked to write for a job: an issue or a comment, its labels, and its
// people. The settings of the objectives decide much of it; for example, whether owners are
// assigned or mentioned.
type draft struct {
	*job
	settings func(slo string) issue.Settings
}

func (o Options) draft(j *job) draft { return draft{j, o.Settings} }

// post returns what to ask the tracker to write, or to look for.
func (d draft) post(w *issue.Write) issue.Post {
	if w.Stage == issue.FollowUpIssue {
		return d.followUpPost(w)
	}
	post := issue.Post{Key: w.Key, Kind: d.pub.Kind, Group: d.pub.Group, Onset: d.onset(), Repository: d.pub.Repository, Ref: w.Ref, Text: w.Text}
	if d.pub.Kind == issue.Single {
		post.MergeGap = d.mergeGap(d.settings)
	}
	o := d.pub.Opening()
	switch {
	case w.Stage == issue.Opening:
		post.Labels = d.labels()
		post.Assignees, _ = d.owners()
	case w.Issue != issue.Ref{}:
		post.Parent = &issue.Found{Key: o.Key, Ref: w.Issue}
	default:
		post.Parent = &issue.Found{Key: o.Key, Ref: o.Ref, Text: o.Text}
	}
	return post
}

// followUpPost returns the issue of a follow-up. It belongs to no incident, so its marker has only
// a key.
func (d draft) followUpPost(w *issue.Write) issue.Post {
	post := issue.Post{Key: w.Key, Repository: d.pub.Repository, Ref: w.Ref, Text: w.Text, Labels: []string{issue.FollowUpLabel}}
	if service := d.worst().Objective.Service; service != "" {
		post.Labels = append(post.Labels, issue.ServiceLabel+service)
	}
	if f := d.pub.FollowUps.Of(w.Key); f != nil {
		if parts := login.FindStringSubmatch(f.Owner); parts != nil && parts[2] == "" {
			post.Assignees = []string{parts[1]}
		}
	}
	return post
}

// followUps returns the follow-ups that a text is about.
func (d draft) followUps(w *issue.Write, now time.Time) []issue.FollowUp {
	switch w.Stage {
	case issue.FollowUpIssue:
		if f := d.pub.FollowUps.Of(w.Key); f != nil {
			return []issue.FollowUp{*f}
		}
	case issue.FollowUpLinks:
		return d.pub.FollowUps.WithIssues()
	case issue.Reminder:
		late := d.pub.FollowUps.Overdue(d.settings(d.worst().Objective.Name).RemindAfter, now)
		slices.SortStableFunc(late, func(a, b issue.FollowUp) int { return a.Opened.Compare(b.Opened) })
		return late
	}
	return nil
}
