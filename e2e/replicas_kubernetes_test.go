//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// makeReplicas does what docs/replicas.md says to a postburn with a volume: three replicas of it,
// of which one is run, with its database on a real PostgreSQL.
func makeReplicas(t *testing.T, c *cluster) {
	c.writeDatabase(t, startDatabase(t))
	for _, line := range docsCommands(t, "    kubectl ", "create secret", "apply") {
		c.followDocs(t, line)
	}
	var made deployment
	c.get(&made, "deployment", "postburn")
	c.verifyReplicas(t, made)
	runReplica(t, c, made)
	for _, line := range docsCommands(t, "kubectl ", "scale", "wait") { // before an upgrade
		c.followDocs(t, line)
	}
	if c.get(&made, "deployment", "postburn"); made.Spec.Replicas != 0 {
		t.Errorf("%d replicas are left", made.Spec.Replicas)
	}
}

// makeHelmReplicas does what docs/replicas.md says to a release with a volume, which stays.
func makeHelmReplicas(t *testing.T, c *cluster) {
	for _, line := range docsCommands(t, "    helm ", "upgrade") {
		c.followDocs(t, strings.Replace(line, "--namespace postburn ", "--namespace "+helmNamespace+" ", 1))
	}
	var made deployment
	c.get(&made, "deployment", "postburn")
	c.verifyReplicas(t, made)
	c.do("get", "persistentvolumeclaim", "postburn")
}

// followDocs runs a command of docs/replicas.md.
func (c *cluster) followDocs(t *testing.T, line string) {
	t.Helper()
	if out, err := quietly(c.command("bash", "-euo", "pipefail", "-c", line)); err != nil {
		t.Fatalf("%q of docs/replicas.md: %v\n%s", line, err, out)
	}
}

// startDatabase starts a PostgreSQL that is reached by TCP, as a container's is, and asks postburn
// for a password. It returns the address without that.
func startDatabase(t *testing.T) (address string) {
	t.Helper()
	server, _ := startPostgres(t)
	rules, err := os.ReadFile(server.Data("pg_hba.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(server.Data("pg_hba.conf"), append([]byte("local all postburn scram-sha-256\n"), rules...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Exec("postgres", "CREATE ROLE postburn LOGIN PASSWORD '"+databasePassword+"'; GRANT CREATE ON DATABASE postgres TO postburn; SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	proxy, err := server.Proxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return strings.Replace(proxy.URL("postgres"), "postgres@", "postburn@", 1)
}

// writeDatabase writes the files that the Secret of a PostgreSQL is made of.
func (c *cluster) writeDatabase(t *testing.T, address string) {
	t.Helper()
	c.write(t, "url", address+"&passfile=/etc/postburn/postgres/pgpass")
	c.write(t, "pgpass", "*:*:postgres:postburn:"+databasePassword+"\n")
	c.write(t, "ca.crt", string(tlsCertificate()))
}

// docsCommands are the lines of docs/replicas.md that begin alike and have one of several parts.
func docsCommands(t *testing.T, begin string, parts ...string) (lines []string) {
	t.Helper()
	docs, err := os.ReadFile("../docs/replicas.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(docs)) {
		has := func(part string) bool { return strings.Contains(line, " "+part+" ") }
		if strings.HasPrefix(line, begin) && slices.ContainsFunc(parts, has) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != len(parts) {
		t.Fatalf("docs/replicas.md has %q, not one of each of %q", lines, parts)
	}
	return lines
}

// verifyReplicas looks at what makes several replicas of one Pod with a volume.
func (c *cluster) verifyReplicas(t *testing.T, made deployment) {
	t.Helper()
	if made.Spec.Replicas != 3 || made.Spec.Strategy.Type != "RollingUpdate" || len(made.Spec.Template.Spec.TopologySpreadConstraints) == 0 {
		t.Errorf("the Deployment is %+v", made.Spec)
	}
	for _, v := range made.Spec.Template.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			t.Errorf("volume %s is of one Pod", v.Name)
		}
	}
	var budget struct {
		Spec struct{ MaxUnavailable int }
	}
	if c.get(&budget, "poddisruptionbudget", "postburn"); budget.Spec.MaxUnavailable != 1 {
		t.Errorf("the budget is %+v", budget)
	}
}

// runReplica runs one of a Deployment's Pods until it takes part, and stops it.
func runReplica(t *testing.T, c *cluster, made deployment) {
	t.Helper()
	k := &kubelet{t: t, cluster: c, pod: made.Spec.Template.Spec, dir: t.TempDir()}
	run, spec := k.container(), k.pod.Containers[0]
	run.run()
	awaitProbes(t, run, spec)
	status, err := get(fmt.Sprintf("http://127.0.0.1:%d/status", spec.port("http")))
	if err != nil || !strings.Contains(string(status), "postgres://127.0.0.1:") {
		t.Errorf("the store is not on the page: %v\n%s", err, status)
	}
	if strings.Contains(run.output()+string(status), databasePassword) {
		t.Error("the password is shown")
	}
	if code := run.stop(time.Duration(k.pod.TerminationGracePeriodSeconds) * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
