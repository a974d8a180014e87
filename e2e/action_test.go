//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo/prom/promtest"
)

const (
	actionToken = "ghs_actiontoken0123456789"
	actionBot   = "github-actions[bot]"
	actionPath  = "monitoring/slos.yaml"
	actionPull  = 1
	actionTitle = "Tighten the target"
)

// actionSLOs is the SLO file of the pull requests, with a target.
const actionSLOs = `slos:
  - name: shop-availability
    service: shop
    target: %s
    window: 1d
    group_by: [path]
    indicator:
      ratio:
        bad: requests_total{job="shop",code="500"}
        total: requests_total{job="shop"}
`

// pullRequest is a checkout of a pull request, and the GitHub that has it.
type pullRequest struct {
	t      *testing.T
	dir    string
	github *githubtest.Server
	api    string
	env    map[string]string
}

// newPullRequest has a shop of which half of the requests fail for 20 minutes; its base has a
// target of 90 %.
func newPullRequest(t *testing.T) *pullRequest {
	t.Helper()
	prometheus := promtest.Start(t)
	end := time.Now().Truncate(time.Minute)
	hostile := `/a|b@acme/all <img src=x>`
	series := fmt.Sprintf(`
up{job="shop",instance="a"} 1x960
requests_total{job="shop",instance="a",path=%[1]q,code="200"} 0+150x480 72000+75x80 78000+150x400
requests_total{job="shop",instance="a",path=%[1]q,code="500"} 0+0x480 0+75x80 6000+0x400
`, hostile)
	if err := prometheus.Load(end.Add(-4*time.Hour), 15*time.Second, series); err != nil {
		t.Fatal(err)
	}
	return newPullRequestFor(t, prometheus.URL(), "3h", fmt.Sprintf(actionSLOs, "90%"))
}

// newPullRequestFor has a base with this SLO file, to be replayed as far back as `since` says.
func newPullRequestFor(t *testing.T, prometheus, since, slos string) *pullRequest {
	t.Helper()
	p := &pullRequest{t: t, dir: t.TempDir(), github: &githubtest.Server{PerPage: 30}}
	p.github.AddUser(actionToken, githubtest.User{Login: actionBot, Bot: true, Push: true, Issues: "write"})
	p.github.AddRepository(repository)
	if n := p.github.AddIssue(repository, githubtest.Issue{Title: actionTitle, PullRequest: true, State: "open"}); n != actionPull {
		t.Fatalf("the pull request is number %d", n)
	}
	api := httptest.NewServer(p.github)
	t.Cleanup(api.Close)
	p.api = api.URL
	p.git("init", "--quiet", "--initial-branch=main")
	p.commit(slos)
	base := strings.TrimSpace(p.git("rev-parse", "HEAD"))
	p.env = map[string]string{
		"REVIEW_AUTHOR": actionBot, "REVIEW_BASE": base, "REVIEW_NUMBER": fmt.Sprint(actionPull), "REVIEW_PATH": actionPath,
		"REVIEW_POSTBURN": binary, "REVIEW_PROMETHEUS": prometheus, "REVIEW_SINCE": since, "REVIEW_TOKEN": actionToken, "REVIEW_PAUSE": "0",
		"GITHUB_API_URL": p.api, "GITHUB_REPOSITORY": repository, "GITHUB_STEP_SUMMARY": filepath.Join(t.TempDir(), "summary.md"),
		"XDG_CACHE_HOME": t.TempDir(), "HOME": t.TempDir(), "PATH": os.Getenv("PATH"),
	}
	return p
}

func (p *pullRequest) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", p.dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// commit changes the SLO file.
func (p *pullRequest) commit(text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, actionPath)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.git("add", "--all")
	p.git("commit", "--quiet", "--message=change")
}

// review runs the action's script as a job does, and returns its exit code and what it printed.
func (p *pullRequest) review() (code int, out string) {
	p.t.Helper()
	script, err := filepath.Abs("../.github/actions/review/review.py")
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command("python3", script)
	cmd.Dir = p.dir
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if strings.Contains(string(text), actionToken) || strings.Contains(p.summary(), actionToken) {
		p.t.Error("the token was printed")
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func (p *pullRequest) summary() string {
	text, _ := os.ReadFile(p.env["GITHUB_STEP_SUMMARY"])
	return string(text)
}

// comments returns the texts of the bot's comments.
func (p *pullRequest) comments() (all []string) {
	p.github.Change(repository, func(r *githubtest.Repository) {
		for _, c := range r.Issues[0].Comments {
			if c.Author == actionBot {
				all = append(all, c.Body)
			}
		}
	})
	return all
}

// reviewed runs the script, and returns the one comment that there is then.
func (p *pullRequest) reviewed(code int) string {
	p.t.Helper()
	got, out := p.review()
	if got != code {
		p.t.Fatalf("exit code %d, want %d\n%s", got, code, out)
	}
	all := p.comments()
	if len(all) != 1 {
		p.t.Fatalf("%d comments\n%s\n%s", len(all), strings.Join(all, "\n---\n"), out)
	}
	if problems := p.github.Problems(); len(problems) > 0 {
		p.t.Errorf("GitHub: %q", problems)
	}
	return all[0]
}

// TestAction reviews a pull request again and again, as it changes.
func TestAction(t *testing.T) {
	t.Parallel()
	p := newPullRequest(t)
	const marker = "<!-- postburn-review: monitoring/slos.yaml -->\n"
	p.github.Change(repository, func(r *githubtest.Repository) {
		for n := range 75 { // three pages, one of them a forgery
			body := fmt.Sprintf("comment %d", n)
			if n == 40 {
				body = marker + "mine"
			}
			r.Issues[0].Comments = append(r.Issues[0].Comments, &githubtest.Comment{ID: int64(10_000 + n), Author: "mallory", Body: body})
		}
	})
	p.commit(fmt.Sprintf(actionSLOs, "99%"))
	first := p.reviewed(0)
	for _, want := range []string{marker, "**1 incident instead of 0 in 3 hours", "`shop-availability`: target 90 % → 99 %", "| new |"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is missing in\n%s", want, first)
		}
	}
	if strings.Contains(first, "@acme") || strings.Contains(first, "<img") {
		t.Errorf("a label value got out:\n%s", first)
	}
	p.commit(fmt.Sprintf(actionSLOs, "89%"))
	if again := p.reviewed(0); !strings.HasPrefix(again, marker) || !strings.Contains(again, "**No incidents, as many as before, in 3 hours**") {
		t.Errorf("after a change:\n%s", again)
	}
	writes := len(p.writes())
	if p.reviewed(0); len(p.writes()) != writes {
		t.Errorf("the same text was written again")
	}
	p.commit(strings.Replace(fmt.Sprintf(actionSLOs, "99%"), "target: 99%", "target: 999%\n    \"```\\n@acme/all\": 1", 1))
	if wrong := p.reviewed(1); !strings.Contains(wrong, "These files can't be used") || !strings.Contains(wrong, "slos.yaml:4:13: target") || !strings.Contains(wrong, "````text\n") {
		t.Errorf("with mistakes:\n%s", wrong)
	}
	p.commit(fmt.Sprintf(actionSLOs, "99%"))
	p.env["REVIEW_PROMETHEUS"] = "http://127.0.0.1:1"
	if unread := p.reviewed(1); !strings.Contains(unread, "could not be replayed") || !strings.Contains(unread, "prometheus is unreachable") {
		t.Errorf("without Prometheus:\n%s", unread)
	}
	p.env["REVIEW_PROMETHEUS"] = ""
	if unasked := p.reviewed(0); !strings.Contains(unasked, "They are fine. Without an address of Prometheus nothing was replayed.") {
		t.Errorf("without an address:\n%s", unasked)
	}
	p.github.Change(repository, func(r *githubtest.Repository) {
		if c := r.Issues[0].Comments[40]; c.Body != marker+"mine" {
			t.Errorf("somebody else's comment was changed: %q", c.Body)
		}
	})
}

func (p *pullRequest) writes() (all []githubtest.Request) {
	for _, r := range p.github.Requests() {
		if r.IsWrite() {
			all = append(all, r)
		}
	}
	return all
}

// TestActionFaults has GitHub lose answers, refuse, and lead elsewhere. There is one comment in the
// end, or the summary has the text, and the token goes nowhere else.
func TestActionFaults(t *testing.T) {
	t.Parallel()
	stolen := make(chan string, 10)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	t.Cleanup(thief.Close)
	post := func(r githubtest.Request) bool { return r.Method == http.MethodPost }
	for _, tc := range []struct {
		name     string
		fault    githubtest.Fault
		times    int
		of       func(githubtest.Request) bool
		code     int
		comments int
	}{
		{"the answer to a new comment is lost", githubtest.LostAfter(), 1, post, 0, 1},
		{"a new comment is lost", githubtest.LostBefore(), 1, post, 0, 1},
		{"502 though it was made", githubtest.Fails(http.StatusBadGateway, true), 1, post, 0, 1},
		{"a list is lost", githubtest.LostBefore(), 1, func(r githubtest.Request) bool { return !r.IsWrite() }, 0, 1},
		{"down", githubtest.Fails(http.StatusBadGateway, false), 100, post, 1, 0},
		{"read only", githubtest.Fails(http.StatusForbidden, false), 100, post, 0, 0},
		{"led elsewhere", githubtest.Fault{Answer: http.StatusTemporaryRedirect, Header: map[string]string{"Location": thief.URL}}, 100, func(githubtest.Request) bool { return true }, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPullRequest(t)
			p.env["REVIEW_PROMETHEUS"] = ""
			left := tc.times
			p.github.Fault = func(r githubtest.Request) githubtest.Fault {
				if left == 0 || !tc.of(r) {
					return githubtest.Fault{}
				}
				left--
				return tc.fault
			}
			code, out := p.review()
			if code != tc.code || len(p.comments()) != tc.comments {
				t.Errorf("exit code %d, %d comments, want %d and %d\n%s", code, len(p.comments()), tc.code, tc.comments, out)
			}
			if !strings.Contains(p.summary(), "They are fine.") {
				t.Errorf("summary:\n%s", p.summary())
			}
		})
	}
	select {
	case <-stolen:
		t.Error("the token was sent elsewhere")
	default:
	}
}
