package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	dir := t.TempDir()
	var out bytes.Buffer
	err := run(ctx, dir, []act{
		{0, 0, "opens"},
		{3 * time.Second, 0.9, "breaks"},
		{8 * time.Second, 0, "is repaired"},
	}, &out)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "postburn.log"))
		t.Fatalf("%v\n%s\n%s", err, out.String(), log)
	}
	files, err := filepath.Glob(filepath.Join(dir, "postmortems", "*.md"))
	if err != nil || len(files) != 1 {
		t.Fatalf("post-mortems are %q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !complete(string(text)) {
		t.Errorf("the post-mortem is not complete:\n%s", text)
	}
	told := out.String()
	at := 0
	for _, want := range []string{
		"shop      opens", "shop      breaks", "finds an incident", "opens the post-mortem: " + files[0],
		"is over", "completes the post-mortem: " + files[0], strings.TrimSpace(string(text)),
	} {
		i := strings.Index(told[at:], want)
		if i < 0 {
			t.Fatalf("%q is not told, or not in its place:\n%s", want, told)
		}
		at += i
	}
	counts := regexp.MustCompile(`itself counted (\d+) failed checkouts, postburn's post-mortem says (\d+)`).FindStringSubmatch(told)
	if counts == nil {
		t.Fatalf("the shop's count is not told:\n%s", told)
	}
	own, _ := strconv.ParseFloat(counts[1], 64)
	found, _ := strconv.ParseFloat(counts[2], 64)
	if own < 100 || found < 0.98*own || found > own {
		t.Errorf("the shop counted %v failures, postburn %v", own, found)
	}
}

func TestDemoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	began := time.Now()
	dir := t.TempDir()
	err := run(ctx, dir, schedule(), &bytes.Buffer{})
	if !errors.Is(err, errInterrupted) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %s to end", took)
	}
}

func TestDemoFailsClearly(t *testing.T) {
	err := run(t.Context(), filepath.Join(t.TempDir(), "missing"), schedule(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "writing the SLO file") {
		t.Errorf("got %v", err)
	}
}
