package githubtest

import (
	"fmt"
	"strings"
	"time"
)

// The shapes of answers, as GitHub describes them. Addresses that nobody follows are left as short as they may be.

func (c *call) userJSON(login string) map[string]any {
	id, kind := int64(1), "User"
	for _, u := range c.s.tokens {
		if strings.EqualFold(u.Login, login) {
			id = u.ID
			if u.Bot {
				kind = "Bot"
			}
		}
	}
	u := map[string]any{"login": login, "id": id, "node_id": fmt.Sprintf("U_%d", id), "gravatar_id": "", "type": kind, "site_admin": false}
	for _, name := range []string{
		"avatar_url", "events_url", "followers_url", "following_url", "gists_url", "html_url", "organizations_url", "received_events_url", "repos_url",
		"starred_url", "subscriptions_url", "url",
	} {
		u[name] = c.base() + "/users/" + login
	}
	return u
}

// fullUser is the account itself, as a token of its own sees it.
func (c *call) fullUser(u *User) map[string]any {
	full := c.userJSON(u.Login)
	for _, name := range []string{"bio", "blog", "company", "email", "hireable", "location", "name"} {
		full[name] = nil
	}
	full["blog"] = ""
	for _, name := range []string{"followers", "following", "public_gists", "public_repos"} {
		full[name] = 0
	}
	full["created_at"], full["updated_at"] = stamp(time.Unix(0, 0)), stamp(time.Unix(0, 0))
	return full
}

func (c *call) app(slug string) map[string]any {
	return map[string]any{
		"id": 1, "slug": slug, "node_id": "A_1", "owner": c.userJSON("acme"), "name": slug, "description": nil, "external_url": c.base(),
		"html_url": c.base() + "/apps/" + slug, "created_at": stamp(time.Unix(0, 0)), "updated_at": stamp(time.Unix(0, 0)),
		"permissions": map[string]string{"issues": "write", "metadata": "read"}, "events": []string{},
	}
}

func (c *call) repositoryURL() string { return c.base() + "/repos/" + c.repo.FullName() }

func (c *call) repository() map[string]any {
	r := map[string]any{
		"id": c.repo.ID, "node_id": fmt.Sprintf("R_%d", c.repo.ID), "name": c.repo.Name, "full_name": c.repo.FullName(),
		"owner": c.userJSON(c.repo.Owner), "private": c.repo.Private, "description": nil, "fork": false, "default_branch": "main",
		"has_issues": !c.repo.IssuesOff, "archived": c.repo.Archived, "disabled": false, "homepage": nil, "language": nil, "license": nil,
		"mirror_url": nil, "html_url": c.htmlURL(), "url": c.repositoryURL(),
		"permissions": map[string]bool{"admin": false, "maintain": false, "push": c.user.Push, "triage": c.user.Push, "pull": true},
	}
	for _, name := range []string{"has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads"} {
		r[name] = false
	}
	for _, name := range []string{
		"forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers", "watchers_count", "network_count",
		"subscribers_count",
	} {
		r[name] = 0
	}
	for _, name := range []string{"created_at", "updated_at", "pushed_at"} {
		r[name] = stamp(c.repo.createdAt)
	}
	for name := range strings.FieldsSeq(`archive_url assignees_url blobs_url branches_url collaborators_url comments_url commits_url compare_url
		contents_url contributors_url deployments_url downloads_url events_url forks_url git_commits_url git_refs_url git_tags_url hooks_url
		issue_comment_url issue_events_url issues_url keys_url labels_url languages_url merges_url milestones_url notifications_url pulls_url
		releases_url stargazers_url statuses_url subscribers_url subscription_url tags_url teams_url trees_url clone_url git_url ssh_url svn_url`) {
		r[name] = c.repositoryURL()
	}
	return r
}

// htmlURL is the address for people.
func (c *call) htmlURL() string { return c.base() + "/" + c.repo.FullName() }

func (c *call) issueJSON(i *Issue) map[string]any {
	url := fmt.Sprintf("%s/issues/%d", c.repositoryURL(), i.Number)
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, c.labelJSON(c.label(name, "ededed", "")))
	}
	assignees := []any{}
	var assignee any
	for _, login := range i.Assignees {
		assignees = append(assignees, c.userJSON(login))
		assignee = assignees[0]
	}
	var closedAt, reason any
	if i.State == "closed" {
		closedAt = stamp(i.Updated)
	}
	if i.Reason != "" {
		reason = i.Reason
	}
	answer := map[string]any{
		"id": i.ID, "node_id": fmt.Sprintf("I_%d", i.ID), "url": url, "repository_url": c.repositoryURL(), "labels_url": url + "/labels{/name}",
		"comments_url": url + "/comments", "events_url": url + "/events", "html_url": fmt.Sprintf("%s/issues/%d", c.htmlURL(), i.Number),
		"number": i.Number, "state": i.State, "state_reason": reason, "title": i.Title, "body": i.Body, "user": c.userJSON(i.Author),
		"labels": labels, "assignee": assignee, "assignees": assignees, "milestone": nil, "locked": false, "active_lock_reason": nil,
		"comments": len(i.Comments), "closed_at": closedAt, "created_at": stamp(i.Created), "updated_at": stamp(i.Updated),
		"author_association": "COLLABORATOR",
	}
	if i.PullRequest {
		answer["pull_request"] = map[string]any{"url": url, "html_url": url, "diff_url": url, "patch_url": url}
	}
	return answer
}

func (c *call) commentJSON(i *Issue, comment *Comment) map[string]any {
	return map[string]any{
		"id": comment.ID, "node_id": fmt.Sprintf("IC_%d", comment.ID), "url": fmt.Sprintf("%s/issues/comments/%d", c.repositoryURL(), comment.ID),
		"html_url":  fmt.Sprintf("%s/issues/%d#issuecomment-%d", c.htmlURL(), i.Number, comment.ID),
		"issue_url": fmt.Sprintf("%s/issues/%d", c.repositoryURL(), i.Number), "body": comment.Body, "user": c.userJSON(comment.Author),
		"created_at": stamp(comment.Created), "updated_at": stamp(comment.Updated), "author_association": "COLLABORATOR",
	}
}

func (c *call) labelJSON(l *Label) map[string]any {
	return map[string]any{
		"id": l.ID, "node_id": fmt.Sprintf("LA_%d", l.ID), "url": c.repositoryURL() + "/labels/" + l.Name, "name": l.Name, "color": l.Color,
		"description": l.Description, "default": false,
	}
}
