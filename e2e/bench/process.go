package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that is measured. Its output goes to a file.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// start runs a program until it is killed.
func start(log string, env []string, name string, args ...string) (*process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &process{cmd: exec.Command(name, args...), log: log, ended: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the bench is killed itself
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	return p, nil
}

// kill ends the process, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// alive returns an error, with what the process said last, if it has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

// await asks again and again until there is no error. It returns the last one after the limit, or
// if the process ends.
func (p *process) await(ctx context.Context, limit, every time.Duration, check func() error) error {
	for deadline := time.Now().Add(limit); ; {
		err := check()
		if err == nil {
			return nil
		}
		if dead := p.alive(); dead != nil {
			return dead
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s: %w", limit, err)
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}

var errNotYet = errors.New("not yet")

// usage is what a process has used since it started.
type usage struct {
	cpu     float64 // s
	memory  float64 // resident, bytes: now ...
	peak    float64 // ... and at most
	written float64 // bytes given to the disk
}

// clockTicks is how many clock ticks a second of /proc's CPU times has: 100 on all common machines.
const clockTicks = 100

// usage reads /proc.
func (p *process) usage() (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, errors.Join(err, p.alive())
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third on
	for _, i := range []int{11, 12} {                                         // utime, stime
		ticks, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return u, fmt.Errorf("reading CPU times: %w", err)
		}
		u.cpu += ticks / clockTicks
	}
	if u.memory, err = field(filepath.Join(dir, "status"), "VmRSS:", 1024); err != nil {
		return u, err
	}
	if u.peak, err = field(filepath.Join(dir, "status"), "VmHWM:", 1024); err != nil {
		return u, err
	}
	u.written, err = field(filepath.Join(dir, "io"), "write_bytes:", 1)
	return u, err
}

// field is the number behind a name in a file of /proc, times its unit.
func field(path, name string, unit float64) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			v, err := strconv.ParseFloat(f[1], 64)
			return v * unit, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// build builds postburn.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "postburn")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/postburn/postburn/cmd/postburn")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building postburn: %w\n%s", err, out)
	}
	return binary, nil
}
