//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

// newcomer follows a page of the docs word by word, in a folder of their own. Only the addresses of
// Prometheus, GitHub and postburn differ.
type newcomer struct {
	t        *testing.T
	dir      string // where they began
	setup    string // the exports and changes of folder so far: a terminal of one's own has them
	env      []string
	replace  *strings.Replacer
	postburn *postburn // what `bin/postburn run` started last
}

// daemonLine is the command that goes on until it is stopped.
const daemonLine = "bin/postburn run"

func newNewcomer(t *testing.T, prometheusURL string, env ...string) *newcomer {
	t.Helper()
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	listen := "127.0.0.1:" + freePort(t)
	return &newcomer{
		t: t, dir: t.TempDir(),
		env: append(env,
			"POSTBURN_LISTEN="+listen, "POSTBURN_INTERVAL=1s", "POSTBURN_DELAY=2s", // nobody waits for minutes in a test
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+repository+".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/postburn/postburn",
		),
		replace: strings.NewReplacer("http://localhost:9090", prometheusURL, "http://prometheus:9090", prometheusURL, "http://localhost:9847", "http://"+listen),
	}
}

// do runs commands as they stand. Before `bin/postburn run` the one that still runs is stopped.
func (n *newcomer) do(commands string) (out string) {
	n.t.Helper()
	for i, part := range strings.Split("\n"+commands, "\n"+daemonLine) {
		if i > 0 {
			n.run()
		}
		if strings.TrimSpace(part) == "" {
			continue
		}
		cmd := n.command(part)
		text, err := cmd.CombinedOutput()
		if err != nil {
			n.t.Fatalf("the docs' %s: %v\n%s", part, err, text)
		}
		out += string(text)
		for line := range strings.Lines(part) {
			if strings.HasPrefix(line, "export ") || strings.HasPrefix(line, "cd ") {
				n.setup += n.replace.Replace(line) + "\n"
			}
		}
	}
	return out
}

func (n *newcomer) command(text string) *exec.Cmd {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", n.setup+n.replace.Replace(text))
	cmd.Dir, cmd.Env = n.dir, append(os.Environ(), n.env...)
	return cmd
}

// run starts the daemon and waits until it is ready.
func (n *newcomer) run() {
	n.t.Helper()
	n.stop()
	n.postburn = &postburn{t: n.t, dir: n.clone()}
	n.postburn.process = start(n.t, filepath.Join(n.dir, "log"), n.env, "bash", "-euo", "pipefail", "-c",
		"cd "+n.dir+"\n"+n.setup+"exec "+daemonLine)
	await(n.t, patience, "postburn to be ready", func() error {
		if err := n.postburn.alive(); err != nil {
			n.t.Fatal(err)
		}
		n.postburn.url = n.replace.Replace("http://localhost:9847")
		_, err := get(n.postburn.url + "/-/ready")
		return err
	})
}

// stop is Ctrl-C.
func (n *newcomer) stop() {
	n.t.Helper()
	if n.postburn == nil || n.postburn.alive() != nil {
		return
	}
	if code := n.postburn.stop(10 * time.Second); code != 0 {
		n.t.Errorf("postburn ended with %d", code)
	}
}

// clone is where the project was cloned to.
func (n *newcomer) clone() string { return filepath.Join(n.dir, "postburn") }

// write puts a file beside the clone's, as the docs ask for.
func (n *newcomer) write(name, content string) {
	n.t.Helper()
	if err := os.WriteFile(filepath.Join(n.clone(), name), []byte(content), 0o666); err != nil {
		n.t.Fatal(err)
	}
}

// fencedBlock is a block of code in a page of the docs.
var fencedBlock = regexp.MustCompile("(?ms)^```(bash|yaml)\n(.*?)^```$")

// blocks returns the blocks of one language in the part of a page below a heading.
func blocks(t *testing.T, page, heading, language string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no part %q", page, heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	for _, b := range fencedBlock.FindAllStringSubmatch(part, -1) {
		if b[1] == language {
			found = append(found, b[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s below %q", page, language, heading)
	}
	return found
}

// TestGettingStarted does what docs/getting-started.md says, from a fresh clone to an issue at the
// stand-in for GitHub, on a real Prometheus that scrapes itself.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	const page = "../docs/getting-started.md"
	p := newPrometheus(t, "")
	p.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: prometheus, static_configs: [{targets: ["127.0.0.1:%s"]}]}]
`, p.port))
	p.start()
	p.awaitResult(`prometheus_http_requests_total{handler="/api/v1/query"} > 1`)
	server, env := newGitHub(t)
	server.WriteEvery = 0                                   // `check` and `run` don't know of each other's writes
	n := newNewcomer(t, p.url(), withoutSecret(env)[1:]...) // the repository is in the docs
	n.do(blocks(t, page, "1. Build it", "bash")[0])
	n.write("slos.yaml", blocks(t, page, "2. Write down a promise", "yaml")[0])
	if out := n.do(blocks(t, page, "2. Write down a promise", "bash")[0]); !strings.Contains(out, "1 objective in 1 file is fine") {
		t.Errorf("the check says %q", out)
	}
	n.do(blocks(t, page, "3. Watch it", "bash")[0])
	await(t, patience, "numbers", func() error { return n.state(alert.OK) })
	sees(t, n.postburn.url, "prometheus-queries")

	breaking := blocks(t, page, "4. Break it", "bash")
	n.do(breaking[0])
	await(t, patience, "the page to burn", func() error { return n.state(alert.Burning) })
	await(t, patience, "the file", func() error {
		if len(n.postburn.postMortems()) == 0 {
			return errors.Join(errNotYet, n.postburn.alive())
		}
		return nil
	})
	if out := n.do(breaking[1]); !strings.Contains(out, "prometheus-queries") || !strings.Contains(out, "## Facts") {
		t.Errorf("the post-mortem is %s", out)
	}
	await(t, 4*time.Minute, "the end, two minutes after the last bad query", func() error { return n.state(alert.OK) })

	gitHub := blocks(t, page, "5. Have issues on GitHub", "bash")
	n.write("token", githubToken+"\n")
	n.do(gitHub[0])
	n.do(gitHub[1])
	n.do(breaking[0])
	await(t, patience, "the issue", func() error {
		if len(issues(server)) == 0 {
			return errors.Join(errNotYet, n.postburn.alive())
		}
		return nil
	})

	n.write("slos.yaml", blocks(t, page, "6. A service of your own", "yaml")[0])
	n.do(blocks(t, page, "6. A service of your own", "bash")[0])
	await(t, patience, "the new file to be watched", func() error {
		_, err := n.postburn.objectiveOf("checkout-availability")
		return errors.Join(err, n.postburn.alive())
	})
	n.stop()
}

func (n *newcomer) state(want alert.State) error {
	return errors.Join(n.postburn.stateOf("prometheus-queries", want), n.postburn.alive())
}

// TestReadme runs the README's commands. TestKubernetes runs those for Kubernetes.
func TestReadme(t *testing.T) {
	t.Parallel()
	const page = "../README.md"
	p := newPrometheus(t, "127.0.0.1:1")
	p.start()
	n := newNewcomer(t, p.url())
	n.do("git clone https://github.com/postburn/postburn\ncd postburn")
	if out := n.do(blocks(t, page, "See it", "bash")[0]); !strings.Contains(out, "post-mortem") {
		t.Errorf("the demo says %s", out)
	}
	n.write("slos.yaml", blocks(t, page, "Use it", "yaml")[0])
	n.do(blocks(t, page, "Use it", "bash")[0])
	if _, err := n.postburn.objectiveOf("checkout-availability"); err != nil {
		t.Error(err)
	}
	n.stop()
}
