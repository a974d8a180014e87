package githubtest

import (
	"slices"
	"strconv"
	"time"
)

// maxSubIssues is how many sub-issues an issue has at most.
// https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/adding-sub-issues
const maxSubIssues = 100

// serveSubIssues lists an issue's sub-issues, or adds one by its ID. A server without them does not
// know the address.
func (c issueCalls) serveSubIssues(i *Issue, post bool) {
	if c.s.NoSubIssues {
		c.notFound()
	}
	if !post {
		all := []any{}
		for _, id := range i.SubIssues {
			if below := c.byIssueID(id); below != nil {
				all = append(all, c.issueJSON(below))
			}
		}
		c.answer(200, c.page(all))
		return
	}
	c.mayWrite()
	if !c.user.Push {
		panic(failed{status: 403, message: "Must have push access to repository"})
	}
	var in struct {
		ID      int64 `json:"sub_issue_id"`
		Replace bool  `json:"replace_parent"`
	}
	c.read(&in, "sub_issue_id", "replace_parent")
	below := c.byIssueID(in.ID)
	switch {
	case below == nil || below.PullRequest:
		c.notFound()
	case below.parent != 0 && !in.Replace:
		panic(failed{status: 422, message: "An error occurred while adding the sub-issue to the parent issue. Issue may not contain duplicate sub-issues and Sub issue may only have one parent"})
	case len(i.SubIssues) >= maxSubIssues, below == i:
		panic(failed{status: 422, message: "An error occurred while adding the sub-issue to the parent issue."})
	}
	below.parent, i.SubIssues = i.ID, append(i.SubIssues, below.ID)
	i.Updated = time.Now()
	c.w.Header().Set("Location", c.repositoryURL()+"/issues/"+strconv.Itoa(i.Number)+"/sub_issues")
	c.answer(201, c.issueJSON(i))
}

// byIssueID returns the issue with an ID; nil if there is none.
func (c issueCalls) byIssueID(id int64) *Issue {
	for _, i := range c.repo.Issues {
		if i.ID == id && !i.Deleted && i.MovedTo == 0 {
			return i
		}
	}
	return nil
}

// HasSubIssue reports whether another issue is a sub-issue of this one.
func (i *Issue) HasSubIssue(other *Issue) bool { return slices.Contains(i.SubIssues, other.ID) }
