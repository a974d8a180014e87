//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// prometheus is a real server that scrapes one target every second. Its data and its port survive a
// restart.
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

// The ports that freePort gives, each once. Linux takes the ports of connections and of ":0" from
// 32768 on (net.ipv4.ip_local_port_range), so nothing else takes these before they are bound.
const firstPort, lastPort = 20_000, 32_767

var nextPort atomic.Uint32

// freePort returns a port for a program that can't say which one it got, or that listens on the
// same one again after a restart.
func freePort(t *testing.T) string {
	t.Helper()
	nextPort.CompareAndSwap(0, 1+rand.Uint32N(lastPort-firstPort)) // other runs may be under way
	for range lastPort - firstPort {
		port := strconv.Itoa(firstPort + int(nextPort.Add(1)%(lastPort-firstPort+1)))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("all ports are in use")
	return ""
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
	await(p.t, patience, "Prometheus", func() error {
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
	await(p.t, patience, query, func() error {
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
