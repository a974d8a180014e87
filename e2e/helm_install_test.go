//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/web"
)

// helmNamespace is one that the kustomization is not in.
const helmNamespace = "postburn-by-helm"

// The password of postburn's port, and what web.yaml says of it.
const (
	webPassword = "a-password-of-the-pages"
	webConfig   = `tls_server_config: {cert_file: tls.crt, key_file: tls.key}
basic_auth_users: {reader: $2b$04$abcdefghijklmnopqrstuuS9wj6PoMr7jOz200Q/bdfbQstyMVPHm}
`
)

// installByHelm does what docs/kubernetes.md says with Helm, in a namespace that enforces
// "restricted", and then turns every option on. It runs the image as the Deployment says, with TLS
// and a password, and changes what can be changed.
func installByHelm(t *testing.T, c *cluster) {
	c.useHelm(t)
	c.do("create", "namespace", helmNamespace)
	c.do("label", "namespace", helmNamespace, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
	c.do("config", "set-context", "--current", "--namespace="+helmNamespace)
	c.write(t, "slos.yaml", onlyBurns())
	line := strings.Replace(helmCommand(t), "--namespace postburn ", "--namespace "+helmNamespace+" ", 1)
	if out, err := quietly(c.command("bash", "-euo", "pipefail", "-c", line)); err != nil {
		t.Fatalf("%q of docs/kubernetes.md: %v\n%s", line, err, out)
	}
	t.Run("Pod Security", func(t *testing.T) { podSecurity(t, c) })

	var installed, changed, after deployment
	c.get(&installed, "deployment", "postburn")
	c.do("apply", "--server-side", "-f", filepath.Join(cacheFolder(), operatorObjects))
	c.do("wait", "--for=condition=Established", "--timeout=60s", "crd/servicemonitors.monitoring.coreos.com", "crd/prometheusrules.monitoring.coreos.com")
	c.webSecret(t)
	server, env := newGitHubAt(t, httptest.NewTLSServer)
	c.write(t, "values.yaml", everyOption(withoutSecret(env)))
	c.upgrade(t, "--values", "values.yaml")
	c.get(&changed, "deployment", "postburn")
	if changed.Metadata.Generation == installed.Metadata.Generation {
		t.Error("a changed environment is not rolled out")
	}
	verifyOptions(t, c)

	k := &kubelet{t: t, cluster: c, pod: changed.Spec.Template.Spec, dir: t.TempDir()}
	run, spec := k.container(), k.pod.Containers[0]
	run.run()
	awaitProbes(t, run, spec)
	verifyMemoryLimit(t, run, spec)
	verifyLocked(t, spec)
	awaitUser(t, server, run, "postburn-robot")

	// issue/github's tests exchange the file's content, and see the next request use it.
	c.write(t, "token", "ghp_another-token\n")
	c.write(t, "slos.yaml", strings.Replace(onlyBurns(), "target: 99%", "target: 98%", 1))
	c.upgrade(t, "--reuse-values", "--set-file", "github.token=token", "--set-file", `slos.slos\.yaml=slos.yaml`)
	k.syncVolumes()
	if c.get(&after, "deployment", "postburn"); after.Metadata.Generation != changed.Metadata.Generation {
		t.Error("a changed token or changed objectives restart the daemon")
	}
	if token, err := os.ReadFile(filepath.Join(run.seen(), "etc/postburn/github/token")); err != nil || string(token) != "ghp_another-token\n" {
		t.Errorf("the token is %q: %v", token, err)
	}
	await(t, patience, "the new objectives", func() error {
		_, body := ask(t, fmt.Sprintf("https://127.0.0.1:%d/api/v1/slos", spec.port("http")), webPassword)
		if !strings.Contains(string(body), `"target":0.98`) {
			return fmt.Errorf("the objectives are %s", body)
		}
		return run.alive()
	})
	if code := run.stop(time.Duration(k.pod.TerminationGracePeriodSeconds) * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	makeHelmReplicas(t, c)
}

// helmCommand is the line of docs/kubernetes.md that calls Helm.
func helmCommand(t *testing.T) string {
	t.Helper()
	docs, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(docs)) {
		if strings.HasPrefix(line, "    helm install ") {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("docs/kubernetes.md does not call Helm")
	return ""
}

// useHelm makes the pinned Helm the one that the cluster's commands find.
func (c *cluster) useHelm(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(c.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(cacheFolder(), helmProgram), filepath.Join(c.dir, "bin/helm")); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// upgrade changes the release. A warning of the API server fails the test, as any complaint does.
func (c *cluster) upgrade(t *testing.T, args ...string) {
	t.Helper()
	upgrade := append([]string{"upgrade", "postburn", "deploy/helm/postburn", "--namespace", helmNamespace}, args...)
	if out, err := quietly(c.command(filepath.Join(c.dir, "bin/helm"), upgrade...)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// webSecret makes the Secret with TLS and a password for postburn's port.
func (c *cluster) webSecret(t *testing.T) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "web.yaml", webConfig)
	c.write(t, "tls.crt", string(tlsCertificate()))
	c.write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	c.do("create", "secret", "generic", "postburn-web", "--from-file=web.yaml", "--from-file=tls.crt", "--from-file=tls.key")
}

// everyOption are values with all options on.
func everyOption(env []string) string {
	var text strings.Builder
	text.WriteString("environment:\n  POSTBURN_PROMETHEUS_URL: http://127.0.0.1:1\n")
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&text, "  %s: %q\n", name, value)
	}
	fmt.Fprintf(&text, `
github: {token: %q}
slos: {slos.yaml: %q}
web: {existingSecret: postburn-web}
extraEnv: [{name: NO_PROXY, value: "127.0.0.1"}]
persistence: {annotations: {helm.sh/resource-policy: null}}
serviceAccount: {create: true, annotations: {team: shop}}
networkPolicy: {enabled: true, from: [{namespaceSelector: {}}]}
serviceMonitor: {enabled: true, labels: {release: prometheus}, endpoint: {interval: 30s, scheme: https, tlsConfig: {insecureSkipVerify: true}}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboard: {enabled: true}
labels: {team: shop}
podLabels: {pod: "yes"}
podAnnotations: {pod: "yes"}
annotations: {deployment: "yes"}
service: {annotations: {service: "yes"}}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}]}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/name: postburn}}}]
pullSecrets: [{name: registry}]
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
`, githubToken, onlyBurns())
	return text.String()
}

// verifyOptions compares what the API server has of the options with what they are made of.
func verifyOptions(t *testing.T, c *cluster) {
	t.Helper()
	var rule struct{ Spec any }
	c.get(&rule, "prometheusrule", "postburn")
	var want any
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects(t, "kind: x\nmetadata: {name: x}\nspec:\n  "+strings.ReplaceAll(string(text), "\n", "\n  ")) {
		want = o["spec"]
	}
	if diff := cmp.Diff(want, rule.Spec); diff != "" {
		t.Errorf("the PrometheusRule (-file +object):\n%s", diff)
	}
	var monitor struct {
		Spec struct {
			Endpoints []struct{ Port, Scheme string }
		}
	}
	c.get(&monitor, "servicemonitor", "postburn")
	if e := monitor.Spec.Endpoints; len(e) != 1 || e[0].Port != "http" || e[0].Scheme != "https" {
		t.Errorf("the ServiceMonitor's endpoints are %+v", e)
	}
	var dashboard struct{ Data map[string]string }
	c.get(&dashboard, "configmap", "postburn-dashboard")
	if !json.Valid([]byte(dashboard.Data["postburn.json"])) {
		t.Errorf("the dashboard is %q", dashboard.Data)
	}
	c.do("get", "networkpolicy", "postburn")
	c.do("get", "serviceaccount", "postburn")
}

// ask asks postburn's port for a page, and returns status and body.
func ask(t *testing.T, url, password string) (int, []byte) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("reader", password)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// verifyLocked has postburn's port speak TLS, and answer nobody without the password.
func verifyLocked(t *testing.T, spec containerSpec) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", spec.port("http"))
	for _, c := range []struct {
		url, password string
		want          int
	}{
		{"https://" + address + "/-/ready", "", http.StatusUnauthorized},
		{"https://" + address + "/-/ready", webPassword, http.StatusOK},
		{"http://" + address + "/-/ready", webPassword, http.StatusBadRequest},
		{fmt.Sprintf("http://127.0.0.1:%d/metrics", spec.port("probes")), "", http.StatusNotFound},
	} {
		if status, _ := ask(t, c.url, c.password); status != c.want {
			t.Errorf("%s with password %q: status %d, not %d", c.url, c.password, status, c.want)
		}
	}
	_, body := ask(t, "https://"+address+"/api/v1/slos", webPassword)
	var answer struct{ SLOs []web.Objective }
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.SLOs) != 1 {
		t.Errorf("the objectives are %s", body)
	}
}

// awaitUser waits until GitHub was asked by an account.
func awaitUser(t *testing.T, server *githubtest.Server, run *container, login string) {
	t.Helper()
	await(t, patience, "GitHub to be asked by "+login, func() error {
		all := server.Requests()
		if !slices.ContainsFunc(all, func(r githubtest.Request) bool { return r.User == login }) {
			return fmt.Errorf("requests: %+v", all)
		}
		return run.alive()
	})
}
