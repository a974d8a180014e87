package learn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse takes any text apart. Lines are in the text, and nothing that people wrote is form.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../postmortem/testdata/*.md", "lint/testdata/built/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add("---\ntitle: x\n---\n<!-- postburn key=a/b -->\n# x\n> - 1. [ ] \"a\n| a |\n|---|\n| `b` |\n")
	f.Add(strings.Repeat("> ", 1000) + "x")
	f.Add(strings.Repeat("- ", 1000) + "x")
	f.Fuzz(func(t *testing.T, text string) {
		d := Parse(text)
		lines := strings.Count(text, "\n") + 1
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				if b.Line < 0 || b.Line > lines {
					t.Errorf("line %d of %d: %+v", b.Line, lines, b)
				}
				if strings.Contains(b.Text, "\n") {
					t.Errorf("several lines: %q", b.Text)
				}
			}
		}
		d.People()
	})
}
