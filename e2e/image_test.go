//go:build e2e

package e2e

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tlsCertificate is the certificate of httptest's TLS servers, which signs itself.
func tlsCertificate() []byte {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// TestImage runs the image with an SLO file in its own folder, and as few settings as possible. It
// knows time zones, and trusts a server whose certificate only the image's bundle has.
func TestImage(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	want := image{
		User: "65532:65532", ExposedPorts: map[string]struct{}{"9847/tcp": {}}, Entrypoint: []string{"/postburn"}, Cmd: []string{"run"},
		WorkingDir: "/data", Env: c.image.Env, // buildah adds a PATH
	}
	if diff := cmp.Diff(want, c.image); diff != "" {
		t.Errorf("the image's configuration (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"data", "etc", "postburn", "tmp"}, names(t, c.root)); diff != "" {
		t.Errorf("what is in the image (-want +got):\n%s", diff)
	}
	data := filepath.Join(c.root, "data")
	if err := os.WriteFile(filepath.Join(data, "slos.yaml"), []byte(slos("{calendar: month, timezone: Europe/Berlin}", "")), 0o644); err != nil {
		t.Fatal(err)
	}
	server, env := newGitHubAt(t, httptest.NewTLSServer)
	c.env = append(append(c.env, env...), "POSTBURN_PROMETHEUS_URL=http://127.0.0.1:1", "POSTBURN_LISTEN=127.0.0.1:0")
	c.run()
	url := c.awaitListening()
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		await(t, patience, path, func() error {
			_, err := get(url + path)
			return errors.Join(err, c.alive())
		})
	}
	await(t, patience, "GitHub to be asked", func() error {
		if len(server.Requests()) == 0 {
			return errNotYet
		}
		return nil
	})
	if n := c.said("certificate"); n > 0 {
		t.Errorf("certificates are complained of:\n%s", c.output())
	}
	store, err := os.Stat(filepath.Join(data, "postburn.db"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := store.Sys().(*syscall.Stat_t).Uid; uid != 65532 {
		t.Errorf("the store is user %d's", uid)
	}
	if code := c.stop(5 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// names are those of a folder's entries.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
