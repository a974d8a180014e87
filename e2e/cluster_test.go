//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kubernetesFolder has the API server and kubectl, below the user's folder for caches.
const kubernetesFolder = "postburn/kubernetes-v1.34.2"

// cluster is a real API server with an empty etcd. It has no controllers and no nodes, so nothing
// comes of the objects that it keeps.
type cluster struct {
	t       *testing.T
	dir     string // where its commands run
	kubectl string
	// The addresses, as host:port, at which etcd and the API server have metrics.
	etcd, server string
}

const clusterToken = "a-token-of-the-cluster"

func startCluster(t *testing.T) *cluster {
	t.Helper()
	programs := filepath.Join(cacheFolder(), kubernetesFolder)
	c := &cluster{t: t, dir: t.TempDir(), kubectl: filepath.Join(programs, "kubectl")}
	state := t.TempDir()
	c.etcd, c.server = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	etcdURL, peerURL := "http://"+c.etcd, "http://127.0.0.1:"+freePort(t)
	etcd := start(t, filepath.Join(state, "etcd.log"), nil, "etcd",
		"--data-dir="+filepath.Join(state, "etcd"), "--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+peerURL)
	for name, content := range map[string][]byte{
		"accounts.key": accountsKey(t), "tokens.csv": []byte(clusterToken + ",admin,1,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(state, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := strings.Cut(c.server, ":")
	accounts := filepath.Join(state, "accounts.key")
	server := start(t, filepath.Join(state, "apiserver.log"), nil, filepath.Join(programs, "kube-apiserver"),
		"--etcd-servers="+etcdURL, "--bind-address=127.0.0.1", "--secure-port="+port, "--advertise-address=192.0.2.1",
		"--cert-dir="+filepath.Join(state, "certificates"), "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+accounts,
		"--service-account-signing-key-file="+accounts, "--authorization-mode=RBAC", "--allow-privileged=true", "--token-auth-file="+filepath.Join(state, "tokens.csv"))
	config := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "e2e",
		"clusters": [{"name": "e2e", "cluster": {"server": "https://127.0.0.1:%s", "insecure-skip-tls-verify": true}}],
		"users": [{"name": "e2e", "user": {"token": %q}}],
		"contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}]}`, port, clusterToken)
	if err := os.WriteFile(c.config(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, patience, "the API server", func() error {
		for _, p := range []*process{etcd, server} {
			if err := p.alive(); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.try(nil, "get", "--raw", "/readyz")
		return err
	})
	return c
}

// accountsKey is a new key that signs the tokens of service accounts.
func accountsKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func (c *cluster) config() string { return filepath.Join(c.dir, "kubeconfig") }

// command sets a command up so that its `kubectl` is the cluster's.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.config(), "PATH="+filepath.Join(c.dir, "bin")+":"+filepath.Dir(c.kubectl)+":"+os.Getenv("PATH"), "HOME="+c.dir)
	return cmd
}

// try runs kubectl on an object, if there is one. A warning is an error, too.
func (c *cluster) try(object any, args ...string) (string, error) {
	cmd := c.command(c.kubectl, args...)
	if object != nil {
		in, err := json.Marshal(object)
		if err != nil {
			return "", err
		}
		cmd.Stdin = bytes.NewReader(in)
	}
	return quietly(cmd)
}

// quietly runs a command that has nothing to complain of.
func quietly(cmd *exec.Cmd) (string, error) {
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err == nil && problems.Len() > 0 {
		err = errors.New("it complains")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, problems.String())
	}
	return string(out), nil
}

// do runs kubectl, which has to succeed.
func (c *cluster) do(args ...string) string {
	c.t.Helper()
	out, err := c.try(nil, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// get reads an object.
func (c *cluster) get(into any, args ...string) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.do(append([]string{"get", "-o", "json"}, args...)...)), into); err != nil {
		c.t.Fatal(err)
	}
}
