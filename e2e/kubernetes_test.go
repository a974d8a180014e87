//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/web"
)

// TestKubernetes follows the README on a real API server, and runs the image as the Deployment
// says. Then it does the same with Helm.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	c.prepare()
	for _, line := range readmeCommands(t) {
		if out, err := quietly(c.command("bash", "-euo", "pipefail", "-c", line)); err != nil {
			t.Fatalf("the README's %q: %v\n%s", line, err, out)
		}
	}
	c.do("config", "set-context", "--current", "--namespace=postburn")
	t.Run("Pod Security", func(t *testing.T) { podSecurity(t, c) })
	t.Run("a kustomization of one's own", func(t *testing.T) { ownKustomization(t, c) })

	var before, now deployment
	c.get(&before, "deployment", "postburn")
	server, env := newGitHubAt(t, httptest.NewTLSServer)
	c.edit("postburn.env", func(string) string {
		return strings.Join(withoutSecret(env), "\n") + "\nPOSTBURN_PROMETHEUS_URL=http://127.0.0.1:1\n"
	})
	c.apply()
	c.get(&now, "deployment", "postburn")
	if now.Metadata.Generation == before.Metadata.Generation {
		t.Error("a changed environment is not rolled out")
	}
	k := &kubelet{t: t, cluster: c, pod: now.Spec.Template.Spec, dir: t.TempDir()}
	run := k.container()
	run.run()
	url := verifyPod(t, run, k.pod)
	await(t, patience, "GitHub to be asked with the token of the Secret", func() error {
		if all := server.Requests(); len(all) == 0 || all[0].User == "" {
			return fmt.Errorf("requests: %+v", all)
		}
		return run.alive()
	})
	verifyReload(t, c, k, url)
	var after deployment
	if c.get(&after, "deployment", "postburn"); after.Metadata.Generation != now.Metadata.Generation {
		t.Error("changed objectives restart the daemon")
	}
	if entries := names(t, k.folder("data")); !slices.Contains(entries, "postburn.db") {
		t.Errorf("the claim's volume has %v", entries)
	}
	if code := run.stop(time.Duration(k.pod.TerminationGracePeriodSeconds) * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Run("replicas", func(t *testing.T) { makeReplicas(t, c) })
	t.Run("Helm", func(t *testing.T) { installByHelm(t, c) })
}

// withoutSecret leaves out what is given by a Secret.
func withoutSecret(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool { return strings.Contains(e, "TOKEN") })
}

// prepare puts the files that the commands name into a folder of their own.
func (c *cluster) prepare() {
	c.t.Helper()
	if err := os.CopyFS(filepath.Join(c.dir, "deploy"), os.DirFS("../deploy")); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte(githubToken+"\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// readmeCommands are the lines of the README that call kubectl.
func readmeCommands(t *testing.T) (lines []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "    kubectl ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) < 3 {
		t.Fatalf("the README calls kubectl by %q", lines)
	}
	return lines
}

// ownKustomization has the API server take what docs/kubernetes.md shows.
func ownKustomization(t *testing.T, c *cluster) {
	docs, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	const kind = "apiVersion: kustomize.config.k8s.io/"
	_, rest, found := strings.Cut(string(docs), "```yaml\n"+kind)
	text, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/kubernetes.md has no kustomization")
	}
	if err := os.CopyFS(filepath.Join(c.dir, "postburn/deploy"), os.DirFS("../deploy")); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(c.dir, "own")
	if err := os.Mkdir(own, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"kustomization.yaml": kind + text, "postburn.env": "POSTBURN_PROMETHEUS_URL=http://prometheus.acme:9090\n", "slos.yaml": onlyBurns(),
	} {
		if err := os.WriteFile(filepath.Join(own, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	applied, err := c.try(nil, "apply", "--server-side", "--dry-run=server", "-k", "own", "-o", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"image: images.acme.example/postburn:7", "POSTBURN_PROMETHEUS_URL: http://prometheus.acme:9090",
		"POSTBURN_GITHUB_REPOSITORY: acme/checkout", "name: postburn-slos\n", "name: checkout\n",
	} {
		if !strings.Contains(applied, want) {
			t.Errorf("%q is not in\n%s", want, applied)
		}
	}
}

// edit changes a file of deploy/kubernetes as people do.
func (c *cluster) edit(name string, change func(string) string) {
	c.t.Helper()
	path := filepath.Join(c.dir, "deploy/kubernetes", name)
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(change(string(text))), 0o666); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) apply() {
	c.t.Helper()
	c.do("apply", "--server-side", "-k", "deploy/kubernetes")
}

// podSecurity has the API server accept a Pod of the Deployment's template, and refuse it with any
// one setting less strict.
func podSecurity(t *testing.T, c *cluster) {
	c.do("create", "serviceaccount", "default") // a controller would
	pod := func(change func(spec, container map[string]any)) error {
		var d struct {
			Spec struct{ Template map[string]any }
		}
		c.get(&d, "deployment", "postburn")
		spec := d.Spec.Template["spec"].(map[string]any)
		if change != nil {
			change(spec, spec["containers"].([]any)[0].(map[string]any)["securityContext"].(map[string]any))
		}
		_, err := c.try(map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "postburn"}, "spec": spec,
		}, "create", "--dry-run=server", "-f", "-")
		return err
	}
	if err := pod(nil); err != nil {
		t.Errorf("a Pod as the Deployment has it: %v", err)
	}
	for name, change := range map[string]func(spec, container map[string]any){
		"privileged": func(_, container map[string]any) {
			container["privileged"], container["allowPrivilegeEscalation"] = true, true
		},
		"runAsNonRoot":             func(spec, _ map[string]any) { delete(spec["securityContext"].(map[string]any), "runAsNonRoot") },
		"seccompProfile":           func(spec, _ map[string]any) { delete(spec["securityContext"].(map[string]any), "seccompProfile") },
		"allowPrivilegeEscalation": func(_, container map[string]any) { delete(container, "allowPrivilegeEscalation") },
		"capabilities":             func(_, container map[string]any) { delete(container, "capabilities") },
		"hostNetwork":              func(spec, _ map[string]any) { spec["hostNetwork"] = true },
	} {
		if err := pod(change); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
			t.Errorf("a Pod with another %s: %v", name, err)
		}
	}
}

// verifyPod compares a container with what the Pod says of it, and returns its address.
func verifyPod(t *testing.T, run *container, pod podSpec) (url string) {
	t.Helper()
	spec := pod.Containers[0]
	if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		t.Error("service links would be variables of postburn's")
	}
	awaitProbes(t, run, spec)
	verifyMemoryLimit(t, run, spec)
	for _, path := range []string{"x", "etc/postburn/slos/x"} {
		err := os.WriteFile(filepath.Join(run.seen(), path), nil, 0o666)
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing /%s: %v", path, err)
		}
	}
	return fmt.Sprintf("http://127.0.0.1:%d", spec.port("http"))
}

// awaitProbes asks what a node asks of a container until both answer as they should.
func awaitProbes(t *testing.T, run *container, spec containerSpec) {
	t.Helper()
	for _, p := range []probe{spec.LivenessProbe, spec.ReadinessProbe} {
		await(t, patience, p.HTTPGet.Path, func() error {
			if err := run.alive(); err != nil {
				t.Fatal(err)
			}
			_, err := get(spec.url(p))
			return err
		})
	}
}

// verifyMemoryLimit has the container's Go know its memory limit.
func verifyMemoryLimit(t *testing.T, run *container, spec containerSpec) {
	t.Helper()
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", run.pid()))
	if err != nil {
		t.Fatal(err)
	}
	want := "GOMEMLIMIT=" + mebibytes(t, spec.Resources.Limits.Memory)
	if all := strings.Split(string(environ), "\x00"); !slices.Contains(all, want) {
		t.Errorf("the container has no %s: %q", want, all)
	}
}

// verifyReload changes the objectives in the cluster, and sees postburn take them up.
func verifyReload(t *testing.T, c *cluster, k *kubelet, url string) {
	t.Helper()
	objectives := func() (names []string) {
		body, err := get(url + "/api/v1/slos")
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ SLOs []web.Objective }
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		for _, o := range answer.SLOs {
			names = append(names, fmt.Sprintf("%s %v", o.SLO, o.Target))
		}
		return names
	}
	if got := objectives(); !slices.Equal(got, []string{"checkout-availability 0.999"}) {
		t.Errorf("the objectives are %q", got)
	}
	c.edit("slos.yaml", func(text string) string { return strings.Replace(text, "99.9%", "99.5%", 1) })
	c.apply()
	k.syncVolumes()
	await(t, patience, "the new objectives", func() error {
		if got := objectives(); !slices.Equal(got, []string{"checkout-availability 0.995"}) {
			return fmt.Errorf("the objectives are %q", got)
		}
		return nil
	})
}
