//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
)

const editor = "edits an SLO file"

// victim is a folder as a daemon's is: the SLO file's folder, and beside it what its author must
// not see.
type victim struct {
	t   *testing.T
	dir string
}

const victimsSecret = "ghp_must-never-be-shown"

func newVictim(t *testing.T) victim {
	t.Helper()
	v := victim{t, t.TempDir()}
	for _, folder := range []string{"github", "slos"} {
		if err := os.Mkdir(filepath.Join(v.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v.write("github/token", victimsSecret)
	return v
}

func (v victim) write(name, text string) {
	v.t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// slos writes an SLO file with a template.
func (v victim) slos(template string) {
	v.write("slos/slos.yaml", strings.Replace(onlyBurns(), "    service: shop\n", fmt.Sprintf("    service: shop\n    issue: {template: %q}\n", template), 1))
}

// refuses runs `postburn check` and `postburn run` under a limit of memory, and fails the test
// unless both end soon, have used little of a processor, and say a text that matches.
func (v victim) refuses(want string) {
	v.t.Helper()
	for _, args := range [][]string{{"check", "slos"}, {"run"}} {
		line := slices.Concat(underLimit(v.t, 256<<20), []string{binary}, args)
		cmd := exec.CommandContext(v.t.Context(), line[0], line[1:]...)
		cmd.Dir = v.dir
		cmd.Env = append(os.Environ(), "POSTBURN_PROMETHEUS_URL=http://127.0.0.1:1", "POSTBURN_SLO_PATH=slos", "POSTBURN_LISTEN=127.0.0.1:0",
			"POSTBURN_GITHUB_REPOSITORY=acme/shop", "POSTBURN_GITHUB_TOKEN_FILE=github/token", "POSTBURN_GITHUB_URL=http://127.0.0.1:1")
		limit := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		out, _ := cmd.CombinedOutput() // how it ended is looked at
		limit.Stop()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !regexp.MustCompile(want).Match(out) {
			v.t.Errorf("%s: exit code %d, want 1 and %s:\n%s", args[0], code, want, lastLines(string(out), 20))
		}
		if strings.Contains(string(out), victimsSecret) {
			v.t.Errorf("%s shows the secret", args[0])
		}
		visible(v.t, string(out))
		if cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); cpu > 10*time.Second {
			v.t.Errorf("%s: it took %s of a processor", args[0], cpu)
		}
	}
}

// TestAttackTemplateFiles names files as templates that whoever edits the SLO file must not read.
func TestAttackTemplateFiles(t *testing.T) {
	t.Parallel()
	const below = `slos/slos.yaml:5:23: issue.template must be below the SLO file's folder, not `
	const leadsOut = `slos/slos.yaml:5:23: issue.template: ".*" leads out of the SLO file's folder`
	const irregular = `slos/slos.yaml:5:23: issue.template: ".*" must be a regular file, not a `
	link := func(to string) func(string) error { return func(name string) error { return os.Symlink(to, name) } }
	for _, tc := range []struct {
		tried, template string
		make            func(name string) error
		want            string
	}{
		{"template reads the token by ..", "../github/token", nil, below},
		{"template reads the token by .. within", "a/../../github/token", nil, below},
		{"template reads the environment", "/proc/self/environ", nil, below},
		{"template is a link to the token", "own.tmpl", link("../github/token"), leadsOut},
		{"template is a link to the environment", "own.tmpl", link("/proc/self/environ"), leadsOut},
		{"template is behind a link to a folder", "out/token", func(string) error { return nil }, leadsOut},
		{"template is a pipe that nobody writes to", "own.tmpl", func(name string) error { return syscall.Mkfifo(name, 0o644) }, irregular + "named pipe"},
		{"template is a device", "own.tmpl", link("/dev/zero"), leadsOut},
		{"template is a folder", "folder", func(name string) error { return os.Mkdir(name, 0o755) }, irregular + "folder"},
		{"template is another name of the token's file", "own.tmpl", func(name string) error {
			return os.Link(filepath.Join(filepath.Dir(name), "../github/token"), name)
		}, `slos/slos.yaml:5:23: issue.template: "own.tmpl" is one of the daemon's own files`},
		{"template is a huge file", "own.tmpl", func(name string) error {
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(name, 1<<40)
		}, `slos/slos.yaml:5:23: issue.template: ".*" is larger than 256 KiB`},
	} {
		attack(t, editor, tc.tried, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			if err := os.Symlink("../github", filepath.Join(v.dir, "slos/out")); err != nil {
				t.Fatal(err)
			}
			if tc.make != nil {
				if err := tc.make(filepath.Join(v.dir, "slos", tc.template)); err != nil {
					t.Fatal(err)
				}
			}
			v.slos(tc.template)
			v.refuses(tc.want)
		})
	}
}

// TestAttackTemplateBudget has templates that never end, or take all memory.
func TestAttackTemplateBudget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ tried, text, want string }{
		{"template loops", "{{.Summary}}\n{{range 9000000000000000000}}{{end}}", `slos/own.tmpl:2:9: the template takes more than 200000 steps`},
		{"template loops without a step", `{{range 9000000000000000000}}{{continue}}{{end}}`, `slos/own.tmpl:1:9: the template takes more than 200000 steps`},
		{"template doubles a string 40 times", `{{$s := "0123456789"}}{{range 40}}{{$s = print $s $s}}{{end}}`, `slos/own.tmpl:1:42: print makes a text of more than 64 KiB`},
		{"template prints a million digits", `{{printf "%1000000000d" 1}}`, `slos/own.tmpl:1:3: .*printf`},
		{"template contains itself", `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, `slos/own.tmpl:1:26: template "a" contains itself`},
		{"templates double 60 times", doubling(60), `slos/own.tmpl:1:[0-9]+: the template takes more than 200000 steps`},
		{"template writes without end", `{{range 9000000000000000000}}` + strings.Repeat("text", 10_000) + `{{end}}`, `slos/own.tmpl:1:30: the text is longer than 1024 KiB`},
		{"template is nested very deep", strings.Repeat("{{if 1}}", 15_000) + strings.Repeat("{{end}}", 15_000), `nested more than 500 deep`},
		{"template has very many parentheses", "{{" + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + "}}", `slos/own.tmpl:1:1: max expression depth exceeded`},
		{"template repeats a text", `{{repeat 1000000000 "a"}}`, `slos/own.tmpl:1:1: function "repeat" not defined`},
		{"template asks for the environment", `{{env "POSTBURN_GITHUB_TOKEN"}}`, `slos/own.tmpl:1:1: function "env" not defined`},
		{"template's mistake acts in a terminal", "{{index \"\x1b]0;owned\x07\u202e\" \"a\"}}", `slos/own.tmpl:1:3: <index "\\x1b]0;owned\\a\\u202e" "a">: error calling index`},
		{"template calls what it is given", `{{call .Summary}}`, `slos/own.tmpl:1:3: .*call`},
	} {
		attack(t, editor, tc.tried, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			v.write("slos/own.tmpl", tc.text)
			v.slos("own.tmpl")
			v.refuses(tc.want)
		})
	}
}

// doubling is a chain of templates that each call the next one twice.
func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{{define "t%d"}}{{template "t%d"}}{{template "t%d"}}{{end}}`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `{{define "t%d"}}{{end}}{{template "t0"}}`, n)
	return b.String()
}

// TestAttackTemplateOfARunningDaemon has a template that is fine with samples loop once there is an
// incident, and one that a reload refuses. The post-mortem is published all the same.
func TestAttackTemplateOfARunningDaemon(t *testing.T) {
	t.Parallel()
	attack(t, editor, "template loops once there is an incident", func(t *testing.T) {
		s := newStage(t, strings.Replace(onlyBurns(), "    service: shop\n", "    service: shop\n    issue: {template: own.tmpl}\n", 1))
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(s.postburn.path("own.tmpl"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("{{.Summary}}\n{{if ne .Subject \"sample\"}}{{range 1000000000000}}{{end}}{{end}}")
		s.start()
		f := s.breakDown()
		file := s.awaitOpened()
		const where = "own.tmpl:2:36: the template takes more than 200000 steps: loop less"
		if text := s.postburn.postMortems()[file]; !strings.Contains(text, "## Analysis") ||
			!strings.Contains(text, "\nThe template of this objective can't be used, so this is the built-in text: `own.tmpl:2:36`: the template takes more than 200000 steps: loop less\n") {
			t.Errorf("the post-mortem is not the built-in text that says why:\n%s", text)
		}
		if n := s.postburn.said("the template of an objective was refused", where); n != 1 {
			t.Errorf("%d log lines about it", n)
		}
		if n, err := s.postburn.metric("postburn_templates_refused_total"); err != nil || n < 1 {
			t.Errorf("%v texts are counted, %v", n, err)
		}
		all, err := s.postburn.incidents()
		if err != nil || len(all) != 1 {
			t.Fatalf("incidents %v, %v", all, err)
		}
		if page, err := get(s.postburn.url + "/incidents/" + all[0].ID); err != nil || !strings.Contains(string(page), where) {
			t.Errorf("the incident's page does not say why: %v\n%s", err, page)
		}
		write("{{range 1000000000000}}{{end}}")
		await(t, patience, "the reload that refuses", func() error {
			ok, err := s.postburn.metric("postburn_config_last_reload_successful")
			if err == nil && (ok != 0 || s.postburn.said("own.tmpl:1:9: the template takes more than") == 0) {
				err = errNotYet
			}
			return err
		})
		write("{{.Summary}}\n\n{{template \"analysis.md.tmpl\" .}}")
		s.repair(f)
		s.verify(f)
		if code := s.postburn.stop(10 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestAttackRepositories names repositories that the token reaches and that are none of the
// author's business.
func TestAttackRepositories(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ tried, key, column string }{
		{"issues are opened in another owner's repository", "issue", "25"},
		{"another owner's repository is read as evidence", "evidence", "28"},
	} {
		attack(t, editor, tc.tried, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			v.write("slos/slos.yaml", strings.Replace(onlyBurns(), "    service: shop\n", fmt.Sprintf("    service: shop\n    %s: {repository: Other/payroll}\n", tc.key), 1))
			v.refuses(`slos/slos.yaml:5:` + tc.column + `: ` + tc.key + `.repository: Other/payroll is not allowed: without POSTBURN_GITHUB_ALLOW it has to be one of acme/\*`)
		})
	}
}

// TestAttackHangingGitHub has GitHub hang for good, and then an incident in the store that is for a
// repository that is allowed no more. What waits is counted, SIGTERM is obeyed, and GitHub hears
// nothing of that repository.
func TestAttackHangingGitHub(t *testing.T) {
	t.Parallel()
	server, env := newGitHub(t)
	const other = "other/shop"
	server.AddRepository(other)
	s := newStage(t, strings.Replace(onlyBurns(), "    service: shop\n", "    service: shop\n    issue: {repository: "+other+"}\n", 1))
	own := slices.Clone(s.postburn.env)
	s.postburn.env = append(s.postburn.env, append(env, "POSTBURN_GITHUB_ALLOW="+other)...)
	attack(t, "answers for GitHub", "GitHub never answers", func(t *testing.T) {
		server.Fault = func(r githubtest.Request) githubtest.Fault {
			if strings.Contains(r.Path, other) {
				return githubtest.Hangs()
			}
			return githubtest.Fault{}
		}
		s.start()
		s.breakDown()
		await(t, patience, "what waits to be counted while GitHub hangs", func() error {
			waiting, err := s.postburn.metric("postburn_publications_waiting")
			oldest, err2 := s.postburn.metric("postburn_publication_oldest_wait_seconds")
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			if waiting != 1 || oldest <= 1 {
				return fmt.Errorf("%v publications wait, the oldest for %v s", waiting, oldest)
			}
			return nil
		})
		if code := s.postburn.stop(10 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	attack(t, editor, "an old incident is for a repository that is allowed no more", func(t *testing.T) {
		before := len(server.Requests())
		s.postburn.env = append(own, env...)
		if err := os.WriteFile(s.postburn.path("slos.yaml"), []byte(onlyBurns()), 0o644); err != nil {
			t.Fatal(err)
		}
		s.postburn.start()
		await(t, patience, "the page to say what it waits for", func() error {
			all, err := s.postburn.incidents()
			if err != nil || len(all) != 1 {
				return errors.Join(err, errNotYet)
			}
			page, err := get(s.postburn.url + "/incidents/" + all[0].ID)
			if err == nil && !strings.Contains(string(page), other+" is not allowed: without POSTBURN_GITHUB_ALLOW") {
				err = errNotYet
			}
			return err
		})
		if waiting, err := s.postburn.metric("postburn_publications_waiting"); err != nil || waiting != 1 {
			t.Errorf("%v publications wait, %v", waiting, err)
		}
		for _, r := range server.Requests()[before:] {
			if strings.Contains(strings.ToLower(r.Path), other) {
				t.Errorf("GitHub was asked %s %s", r.Method, r.Path)
			}
		}
	})
}
