//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// prometheus is a real server that scrapes one target every second. It can be restarted: its data and its port stay.
type prometheus struct {
	t      *testing.T
	dir    string
	binary string
	port   string
	flags  []string
	*process
}

// newPrometheus sets one up, without starting it.
func newPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	binary, err := exec.LookPath(cmp.Or(os.Getenv("PROMETHEUS_BIN"), "prometheus"))
	if err != nil {
		t.Fatalf("no Prometheus: %v (`make setup` installs it, or set PROMETHEUS_BIN)", err)
	}
	p := &prometheus{t: t, dir: t.TempDir(), binary: binary, port: freePort(t)}
	p.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: shop
    static_configs: [{targets: [%q]}]
`, target))
	return p
}

// configure writes the file that the server is started with.
func (p *prometheus) configure(config string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "prometheus.yml"), []byte(config), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

// freePort is one that nobody listens on now. Prometheus does not say which port it got, so it can't choose.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (p *prometheus) url() string { return "http://127.0.0.1:" + p.port }

// start runs the server and waits until it answers.
func (p *prometheus) start() {
	p.t.Helper()
	p.process = start(p.t, filepath.Join(p.dir, "log"), nil, p.binary, append([]string{
		"--config.file=" + filepath.Join(p.dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(p.dir, "data"),
		"--web.listen-address=127.0.0.1:" + p.port,
	}, p.flags...)...)
	await(p.t, 30*time.Second, "Prometheus", func() error {
		if err := p.alive(); err != nil {
			p.t.Fatal(err)
		}
		_, err := get(p.url() + "/-/ready")
		return err
	})
}

// awaitResult waits until a query has one.
func (p *prometheus) awaitResult(query string) {
	p.t.Helper()
	await(p.t, 30*time.Second, query, func() error {
		answer, err := get(p.url() + "/api/v1/query?" + url.Values{"query": {query}}.Encode())
		if err == nil && bytes.Contains(answer, []byte(`"result":[]`)) {
			err = errNotYet
		}
		return err
	})
}

// get returns the body of an answer with status 200.
func get(url string) ([]byte, error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}
