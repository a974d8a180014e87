//go:build e2e

package e2e

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestAttackComments floods the issue of a public repository with strangers' lines that look like a
// timeline's, before a member writes the true one.
func TestAttackComments(t *testing.T) {
	t.Parallel()
	const truth, lie = "rolled back the release", "nothing happened, buy this"
	s, server := newGitHubStage(t)
	server.Change(repository, func(r *githubtest.Repository) { r.Private = false })
	s.start()
	f := s.breakDown()
	s.awaitIssue(server)
	comment := func(author, association, body string) {
		server.Change(repository, func(r *githubtest.Repository) {
			i, now := r.Issues[0], time.Now()
			i.Comments = append(i.Comments, &githubtest.Comment{
				ID: int64(len(i.Comments) + 1), Author: author, Association: association, Body: body, Created: now, Updated: now,
			})
		})
	}
	line := func(text string) string { return time.Now().UTC().Format("15:04 ") + text + "\n" }
	comment("mallory", "NONE", strings.Repeat(line(lie), 60))
	for n := range 30 {
		comment(fmt.Sprint("sock-puppet-", n), "FIRST_TIME_CONTRIBUTOR", line(lie))
	}
	var chatter strings.Builder
	for n := range 50 { // equal lines would be one row
		chatter.WriteString(line(fmt.Sprint("chatter ", n)))
	}
	comment("alice", "MEMBER", line(truth)+strings.Repeat("2020-01-01 10:00 long ago\n", 3)+chatter.String())
	f.until(lasting)
	s.repair(f)
	i := s.awaitRecovered()
	want := finalNumbers(i)
	var body string
	await(t, patience, "the final text", func() error {
		if body = issues(server)[0].Body; !strings.Contains(body, want) || strings.Contains(body, " so far: ") {
			return errNotYet
		}
		return s.postburn.alive()
	})
	attack(t, "comments on an issue", "fill the timeline, so that a responder's line is dropped", func(t *testing.T) {
		if strings.Contains(body, lie) || !strings.Contains(body, truth) {
			t.Errorf("the stranger's lines are in, or alice's is not:\n%s", body)
		}
	})
	attack(t, "comments on an issue", "be named as one of those who responded", func(t *testing.T) {
		if strings.Contains(body, "mallory") || strings.Contains(body, "sock-puppet") || !strings.Contains(body, "alice") {
			t.Errorf("it should name alice alone:\n%s", body)
		}
	})
	attack(t, "comments on an issue", "have lines dropped without a word", func(t *testing.T) {
		page, err := get(s.postburn.url + "/incidents/" + i.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, told := range []string{
			"90 by accounts that may not write to the repository", "3 with a time outside the incident's", "31 beyond an author's share",
		} {
			if !strings.Contains(body, told) || !strings.Contains(html.UnescapeString(string(page)), told) {
				t.Errorf("%q is not on the page, or not in\n%s", told, body)
			}
		}
	})
	attack(t, "works on the repository", "fill the timeline alone", func(t *testing.T) {
		rows := 0
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "|") && strings.Contains(line, "chatter") {
				rows++
			}
		}
		if rows != 19 {
			t.Errorf("%d rows of one author, besides the first", rows)
		}
	})
}
