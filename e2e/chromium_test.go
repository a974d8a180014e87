//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// headless is a Chromium without a window and without a past, until ctx is done.
func headless(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	name := os.Getenv("CHROMIUM_BIN")
	if name == "" {
		name = "chromium"
	}
	browser := exec.CommandContext(ctx, name, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}, args...)...)
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	browser.Cancel = func() error { return syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) }
	return browser
}

// console is what Chromium logs.
type console struct {
	mu  sync.Mutex
	log bytes.Buffer
}

// Write implements io.Writer.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(b)
}

// lines returns what the console says so far: errors, and what the page's policy blocked.
func (c *console) lines() (said []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, ":CONSOLE:") || strings.Contains(line, ":CONSOLE(") {
			said = append(said, line)
		}
	}
	return said
}

// chromium opens a page until the test ends.
func chromium(t *testing.T, url string, more ...string) (said *console, ended <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	browser := headless(ctx, t, append(more, "--enable-logging=stderr", url)...)
	said = new(console)
	browser.Stderr = said
	if err := browser.Start(); err != nil {
		stop()
		t.Fatalf("starting Chromium: %v; `make setup` installs it", err)
	}
	result, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		result <- browser.Wait()
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return said, result
}

// browse opens a page. It returns the loaded document, and what the console says: errors, and what
// the page's policy blocked.
func browse(t *testing.T, url string, more ...string) (document string, said []string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	browser := headless(ctx, t, append(more, "--enable-logging=stderr", "--dump-dom", url)...)
	var log console
	browser.Stderr = &log
	out, err := browser.Output()
	if err != nil {
		t.Fatalf("opening %s in Chromium: %v\n%s", url, err, lastLines(log.log.String(), 20))
	}
	return string(out), log.lines()
}
