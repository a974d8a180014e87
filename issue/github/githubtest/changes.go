package githubtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Deployment is a deployment of a commit to an environment.
type Deployment struct {
	ID                    int64
	Ref, SHA, Environment string
	Creator               string
	Created               time.Time
}

// Release is a release, or a draft, which has no time.
type Release struct {
	ID                   int64
	Tag, Author          string
	Created, PublishedAt time.Time
}

// changeCalls answers what was deployed, released and merged.
type changeCalls struct{ *call }

// mayRead ends the call if the token lacks a permission.
func (c changeCalls) mayRead(permission string) {
	if slices.Contains(c.user.Lacks, permission) {
		c.w.Header().Set("X-Accepted-GitHub-Permissions", permission+"=read")
		panic(failed{status: 403, message: "Resource not accessible by personal access token"})
	}
}

func (c changeCalls) serveDeployments() {
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

func (c changeCalls) serveReleases() {
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

func (c changeCalls) servePulls() {
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
