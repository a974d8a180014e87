package githubtest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// shapes writes answers as GitHub describes them (https://github.com/github/rest-api-description).
// Addresses that nobody follows are short.
type shapes struct {
	accounts *accounts
	base     string // the server's address as the client knows it
	user     *User  // whose token it is
	repo     *Repository
	label    func(name, color, description string) *Label
}

func (s *shapes) userJSON(login string) map[string]any {
	id, kind := int64(1), "User"
	if u := s.accounts.byLogin(login); u != nil {
		id = u.ID
		if u.Bot {
			kind = "Bot"
		}
	}
	u := map[string]any{"login": login, "id": id, "node_id": fmt.Sprintf("U_%d", id), "gravatar_id": "", "type": kind, "site_admin": false}
	for _, name := range []string{
		"avatar_url", "events_url", "followers_url", "following_url", "gists_url", "html_url", "organizations_url", "received_events_url", "repos_url",
		"starred_url", "subscriptions_url", "url",
	} {
		u[name] = s.base + "/users/" + login
	}
	return u
}

// fullUser is the account as its own token sees it.
func (s *shapes) fullUser(u *User) map[string]any {
	full := s.userJSON(u.Login)
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

func (s *shapes) app(slug string) map[string]any {
	return map[string]any{
		"id": 1, "slug": slug, "node_id": "A_1", "owner": s.userJSON("acme"), "name": slug, "description": nil, "external_url": s.base,
		"html_url": s.base + "/apps/" + slug, "created_at": stamp(time.Unix(0, 0)), "updated_at": stamp(time.Unix(0, 0)),
		"permissions": map[string]string{"issues": "write", "metadata": "read"}, "events": []string{},
	}
}

func (s *shapes) repositoryURL() string { return s.base + "/repos/" + s.repo.FullName() }

func (s *shapes) repository() map[string]any {
	r := map[string]any{
		"id": s.repo.ID, "node_id": fmt.Sprintf("R_%d", s.repo.ID), "name": s.repo.Name, "full_name": s.repo.FullName(),
		"owner": s.userJSON(s.repo.Owner), "private": s.repo.Private, "description": nil, "fork": false, "default_branch": "main",
		"has_issues": !s.repo.IssuesOff, "archived": s.repo.Archived, "disabled": false, "homepage": nil, "language": nil, "license": nil,
		"mirror_url": nil, "html_url": s.htmlURL(), "url": s.repositoryURL(),
		"permissions": map[string]bool{"admin": false, "maintain": false, "push": s.user.Push, "triage": s.user.Push, "pull": true},
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
		r[name] = stamp(s.repo.createdAt)
	}
	for name := range strings.FieldsSeq(`archive_url assignees_url blobs_url branches_url collaborators_url comments_url commits_url compare_url
		contents_url contributors_url deployments_url downloads_url events_url forks_url git_commits_url git_refs_url git_tags_url hooks_url
		issue_comment_url issue_events_url issues_url keys_url labels_url languages_url merges_url milestones_url notifications_url pulls_url
		releases_url stargazers_url statuses_url subscribers_url subscription_url tags_url teams_url trees_url clone_url git_url ssh_url svn_url`) {
		r[name] = s.repositoryURL()
	}
	return r
}

// htmlURL returns the address for people.
func (s *shapes) htmlURL() string { return s.base + "/" + s.repo.FullName() }

func (s *shapes) issueJSON(i *Issue) map[string]any {
	url := fmt.Sprintf("%s/issues/%d", s.repositoryURL(), i.Number)
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, s.labelJSON(s.label(name, "ededed", "")))
	}
	assignees := []any{}
	var assignee any
	for _, login := range i.Assignees {
		assignees = append(assignees, s.userJSON(login))
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
		"id": i.ID, "node_id": fmt.Sprintf("I_%d", i.ID), "url": url, "repository_url": s.repositoryURL(), "labels_url": url + "/labels{/name}",
		"comments_url": url + "/comments", "events_url": url + "/events", "html_url": fmt.Sprintf("%s/issues/%d", s.htmlURL(), i.Number),
		"number": i.Number, "state": i.State, "state_reason": reason, "title": i.Title, "body": i.Body, "user": s.userJSON(i.Author),
		"labels": labels, "assignee": assignee, "assignees": assignees, "milestone": nil, "locked": i.Locked, "active_lock_reason": nil,
		"comments": len(i.Comments), "closed_at": closedAt, "created_at": stamp(i.Created), "updated_at": stamp(i.Updated),
		"author_association": "COLLABORATOR",
	}
	if i.PullRequest {
		answer["pull_request"] = map[string]any{"url": url, "html_url": url, "diff_url": url, "patch_url": url}
	}
	return answer
}

func (s *shapes) commentJSON(i *Issue, comment *Comment) map[string]any {
	return map[string]any{
		"id": comment.ID, "node_id": fmt.Sprintf("IC_%d", comment.ID), "url": fmt.Sprintf("%s/issues/comments/%d", s.repositoryURL(), comment.ID),
		"html_url":  fmt.Sprintf("%s/issues/%d#issuecomment-%d", s.htmlURL(), i.Number, comment.ID),
		"issue_url": fmt.Sprintf("%s/issues/%d", s.repositoryURL(), i.Number), "body": comment.Body, "user": s.userJSON(comment.Author),
		"created_at": stamp(comment.Created), "updated_at": stamp(comment.Updated), "author_association": cmp.Or(comment.Association, "COLLABORATOR"),
	}
}

func (s *shapes) labelJSON(l *Label) map[string]any {
	return map[string]any{
		"id": l.ID, "node_id": fmt.Sprintf("LA_%d", l.ID), "url": s.repositoryURL() + "/labels/" + l.Name, "name": l.Name, "color": l.Color,
		"description": l.Description, "default": false,
	}
}

func (s *shapes) eventJSON(i *Issue, n int, e Event) map[string]any {
	return map[string]any{
		"id": 1000*i.ID + int64(n), "node_id": fmt.Sprintf("LE_%d_%d", i.ID, n), "url": fmt.Sprintf("%s/issues/events/%d", s.repositoryURL(), 1000*i.ID+int64(n)),
		"actor": s.userJSON(e.Actor), "event": e.Kind, "commit_id": nil, "commit_url": nil, "created_at": stamp(e.Created),
		"label": map[string]any{"name": e.Label, "color": "5319e7"}, "performed_via_github_app": nil,
	}
}

// base returns the branch that a pull request targets.
func (i *Issue) base() string {
	if i.Base == "" {
		return "main"
	}
	return i.Base
}

func (s *shapes) pullJSON(i *Issue, whole bool) map[string]any {
	url := fmt.Sprintf("%s/pulls/%d", s.repositoryURL(), i.Number)
	html := fmt.Sprintf("%s/pull/%d", s.htmlURL(), i.Number)
	repo := s.repository()
	delete(repo, "network_count")
	delete(repo, "subscribers_count")
	side := func(ref string) map[string]any {
		return map[string]any{"label": s.repo.Owner + ":" + ref, "ref": ref, "sha": "0123456789abcdef0123456789abcdef01234567", "repo": repo, "user": s.userJSON(s.repo.Owner)}
	}
	var merged, closed any
	if !i.MergedAt.IsZero() {
		merged = stamp(i.MergedAt)
	}
	if i.State == "closed" {
		closed = stamp(i.Updated)
	}
	links := map[string]any{}
	for _, name := range []string{"comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self"} {
		links[name] = map[string]any{"href": url}
	}
	p := map[string]any{
		"id": i.ID, "node_id": fmt.Sprintf("PR_%d", i.ID), "url": url, "html_url": html, "number": i.Number, "state": i.State, "locked": false,
		"title": i.Title, "body": i.Body, "user": s.userJSON(i.Author), "labels": []any{}, "milestone": nil, "assignee": nil, "auto_merge": nil,
		"created_at": stamp(i.Created), "updated_at": stamp(i.Updated), "closed_at": closed, "merged_at": merged, "merge_commit_sha": nil,
		"head": side("topic"), "base": side(i.base()), "_links": links, "author_association": "COLLABORATOR",
	}
	for _, name := range []string{
		"diff_url", "patch_url", "issue_url", "commits_url", "review_comments_url", "review_comment_url", "comments_url", "statuses_url",
	} {
		p[name] = url
	}
	if !whole {
		return p
	}
	p["merged"], p["mergeable"], p["mergeable_state"], p["maintainer_can_modify"], p["merged_by"] = merged != nil, nil, "unknown", false, nil
	if i.MergedBy != "" {
		p["merged_by"] = s.userJSON(i.MergedBy)
	}
	for _, name := range []string{"comments", "review_comments", "commits", "additions", "deletions", "changed_files"} {
		p[name] = 1
	}
	return p
}
