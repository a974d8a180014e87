//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is one run of a program. Its output goes to a file, which is shown if the test fails.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	out   string
	begin int64 // where the output of this run begins: runs of one program share a file
	ended chan struct{}
	end   int64 // where the output of this run ends, once ended
	err   error // of Wait, once ended
}

// start runs a program until it ends by itself or the test does.
func start(t *testing.T, out string, env []string, name string, args ...string) *process {
	t.Helper()
	p := launch(t, out, env, name, args...)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s ended with %v and said:\n%s", name, p.err, lastLines(p.output(), 60))
		}
	})
	return p
}

// launch runs a program until it ends by itself or is killed.
func launch(t *testing.T, out string, env []string, name string, args ...string) *process {
	t.Helper()
	file, err := os.OpenFile(out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, cmd: exec.Command(name, args...), out: out, begin: info.Size(), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the test is killed itself
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		if info, err := os.Stat(out); err == nil {
			p.end = info.Size()
		}
		close(p.ended)
	}()
	return p
}

// kill ends the process at once, as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks the process to end, and returns its exit code. It fails the test if that takes longer
// than the limit.
func (p *process) stop(limit time.Duration) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("stopping %s: %v", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.t.Fatalf("%s did not end within %s", p.name, limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// alive returns an error if the process has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %s", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// output is what this run has said so far.
func (p *process) output() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		return err.Error()
	}
	end := int64(len(text))
	if p.alive() != nil {
		end = min(end, p.end) // it may have said more, and ended, since the file was read
	}
	return string(bytes.ToValidUTF8(text[p.begin:end], nil))
}

// said counts the lines of this run that have all of these parts.
func (p *process) said(parts ...string) int {
	n := 0
lines:
	for line := range strings.Lines(p.output()) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		n++
	}
	return n
}

// awaitSaid waits until this run has said something so many times. It must not say it more often.
func (p *process) awaitSaid(times int, parts ...string) {
	p.t.Helper()
	await(p.t, patience, fmt.Sprintf("%q in the log", parts), func() error {
		if n := p.said(parts...); n < times {
			return errors.Join(fmt.Errorf("it is there %d times, not %d", n, times), p.alive())
		}
		return nil
	})
	if n := p.said(parts...); n != times {
		p.t.Errorf("%q is logged %d times, not %d", parts, n, times)
	}
}

func (p *process) awaitSaidOnce(parts ...string) { p.t.Helper(); p.awaitSaid(1, parts...) }

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
