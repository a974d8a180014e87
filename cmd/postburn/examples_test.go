package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples has the real command line check each file of examples/, without as much as a
// warning, and finds each of them in the folder's README.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	readme, err := os.ReadFile("../../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			var problems bytes.Buffer
			check := exec.Command("postburn", "check", file) // testscript.Main puts it on the path
			check.Stderr = &problems
			out, err := check.Output()
			if err != nil || problems.Len() > 0 || !strings.HasSuffix(string(out), " fine\n") {
				t.Errorf("%v\n%s%s", err, out, problems.String())
			}
			if !bytes.Contains(readme, []byte("]("+name+")")) {
				t.Errorf("examples/README.md does not link to %s", name)
			}
		})
	}
	if out, err := exec.Command("postburn", "check", "../../examples").CombinedOutput(); err != nil {
		// names are unique, so that the folder can be watched as it is
		t.Errorf("all together: %v\n%s", err, out)
	}
}
