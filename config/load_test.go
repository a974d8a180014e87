package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

// write makes files in a new folder and goes there, so that problems have short names.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func named(name string) string { return strings.ReplaceAll(one, "name: checkout", "name: "+name) }

func names(definitions []Definition) (names []string) {
	for _, d := range definitions {
		names = append(names, d.Position.File+" "+d.Objective.Name)
	}
	return names
}

func texts(problems []Problem) (texts []string) {
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return texts
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name     string
		files    map[string]string
		paths    []string
		want     []string
		problems []string
	}{
		{
			name:  "a file, whatever it is called",
			files: map[string]string{"slos": named("a")}, paths: []string{"slos"},
			want: []string{"slos a"},
		},
		{
			name: "a folder, sorted, without subfolders and other files",
			files: map[string]string{
				"d/b.yaml": named("b"), "d/a.yml": named("a"), "d/sub/c.yaml": named("c"), "d/.hidden.yaml": "[", "d/README.md": "[",
			},
			paths: []string{"d"},
			want:  []string{"d/a.yml a", "d/b.yaml b"},
		},
		{
			name:  "a file that is named twice is read once",
			files: map[string]string{"d/a.yaml": named("a")}, paths: []string{"d", "./d/a.yaml"},
			want: []string{"d/a.yaml a"},
		},
		{
			name:  "one name in two files",
			files: map[string]string{"a.yaml": named("a"), "b.yaml": named("b"), "c.yaml": named("a")}, paths: []string{"."},
			problems: []string{`c.yaml:2:11: name "a" is taken by the slo at a.yaml:2:11; names must be unique`},
		},
		{
			name:  "all problems of all files, and no definitions",
			files: map[string]string{"a.yaml": named("A"), "b.yaml": named("b"), "c.yaml": named("C")}, paths: []string{"c.yaml", "b.yaml", "a.yaml"},
			problems: []string{
				`a.yaml:2:11: name must be made of a-z, 0-9 and -, not "A"`,
				`c.yaml:2:11: name must be made of a-z, 0-9 and -, not "C"`,
			},
		},
		{
			name:  "a warning does not keep definitions back",
			files: map[string]string{"a.yaml": strings.ReplaceAll(named("a"), "99.9%", "91%")}, paths: []string{"a.yaml"},
			want: []string{"a.yaml a"},
			problems: []string{
				"a.yaml:4:13: warning: the default rule of rate 14.4 can never fire for a target of 91 %: all events bad burn at 11.11; give lower rates in incident.burn",
			},
		},
		{
			name:  "what is not there",
			files: map[string]string{"d/README.md": ""}, paths: []string{"nope.yaml", "d"},
			problems: []string{"d: no slos: the folder has no *.yaml or *.yml file", "nope.yaml: reading the file: no such file or directory"},
		},
		{
			name:  "too large",
			files: map[string]string{"a.yaml": "# " + strings.Repeat("x", maxFile)}, paths: []string{"a.yaml"},
			problems: []string{"a.yaml: reading the file: larger than 8 MiB: split it into several files"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, test.files)
			definitions, problems := Load(test.paths)
			if diff := cmp.Diff(test.want, names(definitions)); diff != "" {
				t.Errorf("definitions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, texts(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLoadConfigMap lays a folder out as Kubernetes mounts a ConfigMap.
func TestLoadConfigMap(t *testing.T) {
	write(t, map[string]string{"slos/..2026_11_22/a.yaml": named("a")})
	for link, target := range map[string]string{"..data": "..2026_11_22", "a.yaml": "..data/a.yaml", "gone.yaml": "..data/gone.yaml"} {
		if err := os.Symlink(target, filepath.Join("slos", link)); err != nil {
			t.Fatal(err)
		}
	}
	_, problems := Load([]string{"slos"})
	want := []string{"slos/gone.yaml: reading the file: no such file or directory"}
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if err := os.Remove("slos/gone.yaml"); err != nil {
		t.Fatal(err)
	}
	definitions, problems := Load([]string{"slos"})
	if diff := cmp.Diff([]string{"slos/a.yaml a"}, names(definitions)); diff != "" || len(problems) > 0 {
		t.Errorf("problems %v, definitions (-want +got):\n%s", problems, diff)
	}
}

// TestLoadReaders hands files to the first reader that knows them.
func TestLoadReaders(t *testing.T) {
	foreign := func(doc []byte, name string) ([]Definition, []Problem) {
		if !strings.HasPrefix(string(doc), "foreign: ") {
			return nil, nil
		}
		found := strings.TrimSpace(strings.TrimPrefix(string(doc), "foreign: "))
		return []Definition{{Objective: slo.Objective{Name: found}, Position: Position{name, 1, 10}}}, nil
	}
	write(t, map[string]string{"a.yaml": "foreign: a", "b.yaml": named("b"), "c.yaml": "foreign: c"})
	definitions, problems := Load([]string{"."}, foreign)
	if diff := cmp.Diff([]string{"a.yaml a", "b.yaml b", "c.yaml c"}, names(definitions)); diff != "" || len(problems) > 0 {
		t.Errorf("problems %v, definitions (-want +got):\n%s", problems, diff)
	}
}
