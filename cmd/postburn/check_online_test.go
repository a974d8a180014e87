package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/slo/prom/promtest"
)

const online = "testdata/online"

// TestCheckOnline checks SLO files that are wrong and such that are right against one Prometheus.
// e2e has the same test on a real one.
func TestCheckOnline(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(online, "series.txt"))
	if err != nil {
		t.Fatal(err)
	}
	steady, err := promtest.NewSteady(string(text))
	if err != nil {
		t.Fatal(err)
	}
	server := promtest.Start(t)
	server.Describe(steady)
	if err := server.Append(steady.Samples(time.Now(), 24*time.Hour, time.Minute)...); err != nil {
		t.Fatal(err)
	}
	t.Run("wrong", func(t *testing.T) {
		files, said := checkAll(t, server.URL(), "wrong")
		if *update {
			if err := os.WriteFile(filepath.Join(online, "wrong.txt"), []byte(said), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(filepath.Join(online, "wrong.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(said, "\n")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, name := range files {
			if !strings.Contains(said, name+":") {
				t.Errorf("nothing is said of %s", name)
			}
		}
	})
	t.Run("right", func(t *testing.T) {
		if files, said := checkAll(t, server.URL(), "right"); said != "" {
			t.Errorf("of %d files that are right it is said:\n%s", len(files), said)
		}
	})
	t.Run("examples", func(t *testing.T) {
		if _, said, err := checkPaths(t, server.URL(), "../../examples"); said != "" || err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// checkAll checks each file of an archive by itself, since a file with an error keeps the others
// from being asked about, and returns their names and all that is said.
func checkAll(t *testing.T, url, archive string) (names []string, said string) {
	t.Helper()
	all, err := txtar.ParseFile(filepath.Join(online, archive+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range all.Files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, lines, err := checkPaths(t, url, filepath.Join(dir, f.Name))
		if err != nil && lines == "" {
			t.Errorf("%s: %v", f.Name, err)
		}
		names = append(names, f.Name)
		said += strings.ReplaceAll(lines, dir+string(filepath.Separator), "")
	}
	return names, said
}

// checkPaths runs `postburn check --online`.
func checkPaths(t *testing.T, url string, paths ...string) (out, problems string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"check", "--online", "--prometheus", url}, paths...)
	err = run(t.Context(), args, envconfig.MapLookuper(map[string]string{}), &stdout, &stderr)
	var wrong usageError
	if errors.As(err, &wrong) {
		t.Fatal(fmt.Errorf("%v: %w", args, err))
	}
	return stdout.String(), stderr.String(), err
}
