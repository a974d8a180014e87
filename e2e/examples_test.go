//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestExamplesKubernetes asks a real Prometheus, which scrapes a real etcd and a real API server,
// whether it has the data of their examples.
func TestExamplesKubernetes(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	p := newPrometheus(t, "")
	p.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: etcd
    static_configs: [{targets: [%q]}]
  - job_name: apiserver
    scheme: https
    authorization: {credentials: %s}
    tls_config: {insecure_skip_verify: true}
    static_configs: [{targets: [%q]}]
`, c.etcd, clusterToken, c.server))
	p.start()
	c.do("create", "namespace", "examples")
	c.do("create", "configmap", "example", "--namespace=examples", "--from-literal=a=b")
	c.do("get", "configmap", "example", "--namespace=examples")
	c.do("get", "configmaps", "--all-namespaces")
	for _, query := range []string{
		`min(count_over_time(up{job="etcd"}[1m])) > 2`,
		`min(count_over_time(up{job="apiserver"}[1m])) > 2`,
		`etcd_server_has_leader == 1`,
		`apiserver_request_sli_duration_seconds_count{verb="POST",resource="configmaps"}`,
		`apiserver_request_sli_duration_seconds_count{verb="LIST",scope="cluster",resource="configmaps"}`,
	} {
		p.awaitResult(query)
	}
	for file, objectives := range map[string]int{"etcd.yaml": 4, "kube-apiserver.yaml": 4} {
		t.Run(file, func(t *testing.T) { checkOnline(t, p.url(), "../examples/"+file, objectives) })
	}
	t.Run("another cluster", func(t *testing.T) { // as on a Prometheus that names its jobs otherwise
		text, err := os.ReadFile("../examples/etcd.yaml")
		if err != nil {
			t.Fatal(err)
		}
		file := t.TempDir() + "/etcd.yaml"
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(`job="etcd"`), []byte(`job="kube-etcd"`)), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, problems, err := online(p.url(), file); err == nil || strings.Count(problems, "has no data of") != 4 {
			t.Errorf("%v\n%s%s", err, out, problems)
		}
	})
}

// checkOnline expects `check --online` to find all objectives of a file fine. An idle cluster has
// too few requests for some rules to fire, which is a warning.
func checkOnline(t *testing.T, prometheusURL, file string, objectives int) {
	t.Helper()
	out, problems, err := online(prometheusURL, file)
	if err != nil || !strings.HasPrefix(out, fmt.Sprintf("%d objectives in 1 file are fine", objectives)) {
		t.Fatalf("%v\n%s%s", err, out, problems)
	}
	for line := range strings.Lines(problems) {
		if !strings.Contains(line, "warning: ") || !strings.Contains(line, "min_bad_events") {
			t.Errorf("%s", line)
		}
	}
}

// online runs `postburn check --online`.
func online(prometheusURL, file string) (out, problems string, err error) {
	check := exec.Command(binary, "check", "--online", "--prometheus", prometheusURL, file)
	var stderr strings.Builder
	check.Stderr = &stderr
	text, err := check.Output()
	return string(text), stderr.String(), err
}
