//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// imageStore is where images and containers of this run are.
var imageStore string

const imageName = "localhost/postburn"

// image is the configuration of an OCI image, as far as it is looked at.
type image struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts"`
	Env          []string            `json:"Env"`
	Entrypoint   []string            `json:"Entrypoint"`
	Cmd          []string            `json:"Cmd"`
	WorkingDir   string              `json:"WorkingDir"`
}

func buildah(args ...string) *exec.Cmd {
	storage := []string{"--root", filepath.Join(imageStore, "root"), "--runroot", filepath.Join(imageStore, "run"), "--storage-driver", "vfs"}
	return exec.Command("buildah", append(storage, args...)...)
}

// buildImage builds the image by `make image`, once for all tests. It trusts this machine's
// certificates, and that of httptest's servers.
var buildImage = sync.OnceValues(func() (image, error) {
	certificates, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return image{}, err
	}
	bundle := filepath.Join(imageStore, "ca-certificates.crt")
	if err := os.WriteFile(bundle, append(certificates, tlsCertificate()...), 0o666); err != nil {
		return image{}, err
	}
	build := exec.Command("make", "-C", "..", "image", "IMAGE="+imageName, "CA_CERTIFICATES="+bundle,
		"IMAGE_BUILD="+strings.Join(buildah("build", "--isolation", "chroot").Args, " "))
	build.Env = append(os.Environ(), "MAKEFLAGS=", "MFLAGS=") // of the make that runs the tests
	if out, err := build.CombinedOutput(); err != nil {
		return image{}, fmt.Errorf("building the image: %w\n%s", err, out)
	}
	out, err := buildah("inspect", "--type", "image", imageName).Output()
	if err != nil {
		return image{}, fmt.Errorf("inspecting the image: %w", err)
	}
	var inspected struct {
		OCIv1 struct {
			Config image `json:"config"`
		}
	}
	return inspected.OCIv1.Config, json.Unmarshal(out, &inspected)
})

// container runs the image as a container runtime does: with its own root file system and
// processes, as the image's user, and writing only where it may. It has the host's network.
type container struct {
	t        *testing.T
	image    image
	root     string
	readOnly bool
	mounts   []mount
	env      []string
	args     []string // of the entrypoint, instead of the image's
	*process
}

// mount is a folder of the host's that a container sees.
type mount struct {
	source, target string
	readOnly       bool
}

func newContainer(t *testing.T) *container {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("containers need root: run the tests as root")
	}
	built, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSpace(output(t, buildah("from", imageName)))
	return &container{
		t: t, image: built, args: built.Cmd, env: built.Env, root: strings.TrimSpace(output(t, buildah("mount", name))),
	}
}

// output is what a command prints. The test fails if the command does.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var problems strings.Builder
	if cmd.Stderr == nil {
		cmd.Stderr = &problems
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, problems.String())
	}
	return string(out)
}

// inside prepares a container's namespace. Its first two arguments are the root and its mount
// options; then come source, target and options of each mount, "--", and the command.
const inside = `
root=$1; options=$2; shift 2
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	mount -o "remount,bind,$3" "$root$2"
	shift 3
done
shift
mount -o "remount,bind,$options" "$root"
"$@" || exit # not in its place: the namespace and all in it ends with this shell, which ends with its parent`

// run starts the container.
func (c *container) run() {
	c.t.Helper()
	command := []string{
		"--mount", "--pid", "--fork", "--kill-child", "setpriv", "--no-new-privs", "sh", "-euc", inside, "sh", c.root, options(c.readOnly),
	}
	for _, m := range c.mounts {
		command = append(command, m.source, m.target, options(m.readOnly))
	}
	unshare, err := exec.LookPath("unshare") // here it changes the root, the folder and the user alone
	if err != nil {
		c.t.Fatal(err)
	}
	user, group, _ := strings.Cut(c.image.User, ":")
	command = append(append(command, "--", "env", "-i"), c.env...)
	command = append(command, unshare, "--root="+c.root, "--wd="+c.image.WorkingDir, "--setgid="+group, "--setuid="+user)
	command = append(append(command, c.image.Entrypoint...), c.args...)
	c.process = start(c.t, filepath.Join(c.t.TempDir(), "log"), nil, "unshare", command...)
}

func options(readOnly bool) string {
	if readOnly {
		return "ro"
	}
	return "rw"
}

// pid returns the process ID of the container's program, the only child of the namespace's shell.
func (c *container) pid() int {
	c.t.Helper()
	return child(c.t, child(c.t, c.cmd.Process.Pid))
}

func child(t *testing.T, pid int) int {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	only, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		t.Fatal(err)
	}
	return only
}

// seen is the root as the container sees it.
func (c *container) seen() string { return fmt.Sprintf("/proc/%d/root", c.pid()) }

// stop asks the container's program to end, as a runtime does, and returns its exit code.
func (c *container) stop(limit time.Duration) int {
	c.t.Helper()
	if err := syscall.Kill(c.pid(), syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-c.ended:
	case <-time.After(limit):
		c.t.Fatalf("the container did not end within %s", limit)
	}
	return c.cmd.ProcessState.ExitCode()
}

// awaitListening waits until the container says where it listens, and returns its address.
func (c *container) awaitListening() (url string) {
	c.t.Helper()
	await(c.t, patience, "postburn to listen", func() error {
		found := listening.FindStringSubmatch(c.output())
		if found == nil {
			return errors.Join(errNotYet, c.alive())
		}
		url = "http://" + found[1]
		return nil
	})
	return url
}
