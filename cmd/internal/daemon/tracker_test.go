package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestTrackerCheck has what is wrong with a repository logged once, and again when it changes.
func TestTrackerCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &githubtest.Server{}
		server.AddUser("token", githubtest.User{Login: "postburn-robot"})
		server.AddRepository("acme/shop")
		server.AddRepository("acme/cart")
		var log bytes.Buffer
		g, err := github.New(github.Options{Repository: "acme/shop", Token: "token", URL: "http://github.example.org", Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		shop := func(change func(*githubtest.Repository)) { server.Change("acme/shop", change) }
		shop(func(r *githubtest.Repository) { r.Archived = true })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			repositories := func() []string { return []string{"acme/shop", "acme/cart"} }
			ended <- tracker{github: g}.check(ctx, repositories, slog.New(slog.NewTextHandler(&log, nil)))
		}()
		for _, step := range []struct {
			name   string
			change func(*githubtest.Repository)
			want   []string
		}{
			{"at the start", nil, []string{"level=ERROR post-mortems can't be written yet: acme/shop is archived"}},
			{"nothing changes", func(*githubtest.Repository) {}, nil},
			{"something else is wrong", func(r *githubtest.Repository) { r.Archived, r.IssuesOff = false, true }, []string{"level=ERROR post-mortems can't be written yet: issues are switched off in acme/shop"}},
			{"it is repaired", func(r *githubtest.Repository) { r.IssuesOff = false }, []string{"level=INFO post-mortems can be written again"}},
			{"it is made public", func(r *githubtest.Repository) { r.Private = false }, []string{"level=WARN the repository is public"}},
			{"it stays public", func(*githubtest.Repository) {}, nil},
		} {
			if step.change != nil {
				shop(step.change)
				time.Sleep(checkEvery)
			}
			synctest.Wait()
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if log.Len() == 0 {
				lines = nil
			}
			log.Reset()
			if len(lines) != len(step.want) {
				t.Errorf("%s: logged %q, want %q", step.name, lines, step.want)
				continue
			}
			for i, want := range step.want {
				level, text, _ := strings.Cut(want, " ")
				for part := range strings.SplitSeq(text, ": ") {
					if !strings.Contains(lines[i], level) || !strings.Contains(lines[i], part) || !strings.Contains(lines[i], "repository=acme/shop") {
						t.Errorf("%s: logged %q, want %q", step.name, lines[i], want)
					}
				}
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestRepositories has all that are in use checked, once each.
func TestRepositories(t *testing.T) {
	r := &reloader{repository: "acme/shop"}
	r.current.Store(&map[string]issue.Settings{
		"a": {Repository: "acme/cart"}, "b": {}, "c": {Repository: "acme/shop"}, "d": {Repository: "acme/cart"},
	})
	if diff := cmp.Diff([]string{"acme/cart", "acme/shop"}, r.repositories()); diff != "" {
		t.Errorf("repositories (-want +got):\n%s", diff)
	}
}
