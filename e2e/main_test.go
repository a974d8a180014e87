//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The programs that are built for this run.
var binary, shopBinary string

// atOnce is how many tests run at the same time, whatever the number of cores: most of their time
// is spent on letting faults last. The flag -parallel takes precedence.
const atOnce = 6

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(atOnce)); err != nil {
			panic(err)
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postburn-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	imageStore = filepath.Join(dir, "images")
	if err := os.Mkdir(imageStore, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary, shopBinary = filepath.Join(dir, "postburn"), filepath.Join(dir, "shop")
	for out, source := range map[string]string{binary: "../cmd/postburn", shopBinary: "../cmd/internal/shop/server"} {
		build := exec.Command("go", "build", "-o", out, source)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n", source, err)
			return 1
		}
	}
	code := m.Run()
	if err := writeAttempts(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// patience is how long anything that is waited for may take, on however slow a machine. Waiting
// ends as soon as it is there, so only a test that fails lasts that long.
const patience = 2 * time.Minute

var errNotYet = errors.New("not yet")

// await asks again and again until there is no error. After the limit it fails the test with the
// last one.
func await(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s: %v", limit, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// pass lets a fault last, or the time between two. It waits for nothing: what happens meanwhile is
// the test.
func pass(d time.Duration) { time.Sleep(d) }
