package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestPreCommitHook runs the hook's command on an SLO file that is fine, and on one that is not.
func TestPreCommitHook(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Name, Entry, Language, Files string }
	if err := yaml.Unmarshal(text, &hooks); err != nil || len(hooks) != 1 {
		t.Fatalf("%d hooks: %v", len(hooks), err)
	}
	hook := hooks[0]
	files := regexp.MustCompile(hook.Files)
	for name, want := range map[string]bool{
		"slos.yaml": true, "deploy/slo.yml": true, "slos/shop.yaml": true, "a/slos/shop.yaml": true,
		"values.yaml": false, "slos/README.md": false, "myslos.yaml": false, "slos/testdata/x.yaml": false,
	} {
		if files.MatchString(name) != want {
			t.Errorf("the hook takes %s: %v", name, !want)
		}
	}
	wrong := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(wrong, []byte("slos: [{nam: x}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	entry := strings.Fields(hook.Entry)
	for file, fine := range map[string]bool{"../../examples/etcd.yaml": true, wrong: false} {
		out, err := exec.Command(entry[0], append(entry[1:], file)...).CombinedOutput() // testscript.Main puts it on the path
		if (err == nil) != fine {
			t.Errorf("%s %s: %v\n%s", hook.Entry, file, err, out)
		}
	}
}
