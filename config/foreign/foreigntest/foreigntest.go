// Package foreigntest tests readers of foreign SLO files: by documents with goldens, and by
// any text. It is for tests, and not part of the product.
package foreigntest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
)

var update = flag.Bool("update", false, "write the goldens")

// Documents reads each file and each folder of testdata: what `postburn convert` prints of it is in
// the golden beside it, first the problems as comments, then the native file.
func Documents(t *testing.T, format config.Format) {
	t.Helper()
	t.Chdir("testdata")
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".yaml")
		if strings.HasSuffix(name, ".golden") || name == "fuzz" {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			native, problems := config.Convert([]string{entry.Name()}, format)
			for _, p := range problems {
				got.WriteString("# " + p.String() + "\n")
			}
			got.Write(native)
			golden := name + ".golden.yaml"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			same(t, []string{entry.Name()}, native, format)
		})
	}
	if tried == 0 {
		t.Error("there are no documents")
	}
}

// same compares what foreign files say with what their native form says.
func same(t *testing.T, paths []string, native []byte, format config.Format) {
	t.Helper()
	if len(native) == 0 {
		return
	}
	direct, problems := config.Load(paths, format)
	if config.Failed(problems) {
		t.Fatalf("converted, but not loaded: %v", problems)
	}
	converted, problems := config.Native(native, "native.yaml")
	if config.Failed(problems) {
		t.Fatalf("the native form has errors: %v\n%s", problems, native)
	}
	if d := cmp.Diff(direct, converted, cmp.AllowUnexported(slo.Decimal{}), cmpopts.IgnoreTypes(config.Position{})); d != "" {
		t.Errorf("the native form says something else (-direct +native):\n%s", d)
	}
}

// Fuzz reads any text: each problem is in the file, and what has none is whole, and says the same
// in native form. The documents of testdata are the seeds.
func Fuzz(f *testing.F, format config.Format) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no documents: ", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		file := filepath.Join(t.TempDir(), "a.yaml")
		if err := os.WriteFile(file, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		native, problems := config.Convert([]string{file}, format)
		lines := strings.Count(string(doc), "\n") + 1
		for _, p := range problems {
			if p.File != file || p.Line > lines || p.Text == "" || strings.ContainsAny(p.Text, "\n\r") {
				t.Errorf("%q is not a place in the file, or not a line of text", p)
			}
		}
		same(t, []string{file}, native, format)
	})
}
