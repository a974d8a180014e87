package githubtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Deployment is one of a commit to an environment.
type Deployment struct {
	ID                    int64
	Ref, SHA, Environment string
	Creator               string
	Created               time.Time
}

// Release is one, or a draft, which has no time.
type Release struct {
	ID                   int64
	Tag, Author          string
	Created, PublishedAt time.Time
}

// mayRead ends the call where the token lacks a permission.
func (c *call) mayRead(permission string) {
	if slices.Contains(c.user.Lacks, permission) {
		c.w.Header().Set("X-Accepted-GitHub-Permissions", permission+"=read")
		panic(failed{status: 403, message: "Resource not accessible by personal access token"})
	}
}

func (c *call) serveDeployments() {
	c.mayRead("deployments")
	var all []any
	for _, d := range slices.SortedFunc(slices.Values(c.repo.Deployments), func(a, b *Deployment) int { return b.Created.Compare(a.Created) }) {
		url := fmt.Sprintf("%s/deployments/%d", c.repositoryURL(), d.ID)
		all = append(all, map[string]any{
			"id": d.ID, "node_id": fmt.Sprintf("D_%d", d.ID), "url": url, "statuses_url": url + "/statuses", "repository_url": c.repositoryURL(),
			"sha": d.SHA, "ref": d.Ref, "task": "deploy", "environment": d.Environment, "payload": map[string]any{}, "description": nil,
			"creator": c.userJSON(d.Creator), "created_at": stamp(d.Created), "updated_at": stamp(d.Created),
		})
	}
	c.answer(200, c.page(all))
}

func (c *call) serveReleases() {
	c.mayRead("contents")
	var all []any
	for _, r := range slices.SortedFunc(slices.Values(c.repo.Releases), func(a, b *Release) int { return b.Created.Compare(a.Created) }) {
		url := fmt.Sprintf("%s/releases/%d", c.repositoryURL(), r.ID)
		var published any
		if !r.PublishedAt.IsZero() {
			published = stamp(r.PublishedAt)
		}
		all = append(all, map[string]any{
			"id": r.ID, "node_id": fmt.Sprintf("RE_%d", r.ID), "url": url, "assets_url": url + "/assets", "upload_url": url + "/assets{?name}",
			"tarball_url": nil, "zipball_url": nil, "html_url": c.htmlURL() + "/releases/tag/" + r.Tag, "tag_name": r.Tag, "name": nil,
			"target_commitish": "main", "draft": published == nil, "prerelease": false, "assets": []any{}, "author": c.userJSON(r.Author),
			"created_at": stamp(r.Created), "published_at": published,
		})
	}
	c.answer(200, c.page(all))
}

func (c *call) servePulls() {
	c.mayRead("pull_requests")
	if len(c.path) > 1 {
		number, _ := strconv.Atoi(c.path[1])
		for _, i := range c.repo.Issues {
			if i.PullRequest && i.Number == number {
				c.answer(200, c.pullJSON(i, true))
				return
			}
		}
		c.notFound()
	}
	query := c.r.URL.Query()
	var all []any
	for _, i := range slices.SortedFunc(slices.Values(c.repo.Issues), func(a, b *Issue) int { return b.Updated.Compare(a.Updated) }) {
		if i.PullRequest && (query.Get("state") == "all" || query.Get("state") == i.State) && (query.Get("base") == "" || query.Get("base") == i.base()) {
			all = append(all, c.pullJSON(i, false))
		}
	}
	c.answer(200, c.page(all))
}

// base is the branch that a pull request is to go to.
func (i *Issue) base() string {
	if i.Base == "" {
		return "main"
	}
	return i.Base
}

func (c *call) pullJSON(i *Issue, whole bool) map[string]any {
	url := fmt.Sprintf("%s/pulls/%d", c.repositoryURL(), i.Number)
	html := fmt.Sprintf("%s/pull/%d", c.htmlURL(), i.Number)
	repo := c.repository()
	delete(repo, "network_count")
	delete(repo, "subscribers_count")
	side := func(ref string) map[string]any {
		return map[string]any{"label": c.repo.Owner + ":" + ref, "ref": ref, "sha": "0123456789abcdef0123456789abcdef01234567", "repo": repo, "user": c.userJSON(c.repo.Owner)}
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
		"title": i.Title, "body": i.Body, "user": c.userJSON(i.Author), "labels": []any{}, "milestone": nil, "assignee": nil, "auto_merge": nil,
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
		p["merged_by"] = c.userJSON(i.MergedBy)
	}
	for _, name := range []string{"comments", "review_comments", "commits", "additions", "deletions", "changed_files"} {
		p[name] = 1
	}
	return p
}
