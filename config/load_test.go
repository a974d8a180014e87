package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// TestLoadDropsText reads a file of native form and a foreign one: only the foreign one's text is
// there when all files are read.
func TestLoadDropsText(t *testing.T) {
	foreign := Format{Has: func(h Header) bool { return h.Version == "foreign" }, Translate: func(objects []Node) [][]*SLO {
		return make([][]*SLO, len(objects))
	}}
	write(t, map[string]string{"a.yaml": named("a"), "b.yaml": "version: foreign\n"})
	sources, definitions, problems := load([]string{"."}, []Format{foreign})
	if len(sources) != 2 || len(definitions) != 1 || len(problems) > 0 {
		t.Fatalf("%d sources, definitions %v, problems %v", len(sources), definitions, problems)
	}
	if native := sources[0]; native.doc.lines != nil || native.objects[0].root.value != nil {
		t.Error("the text of the native file is kept")
	}
	if sources[1].objects[0].root.value == nil {
		t.Error("the foreign file is gone")
	}
}

// TestLoadFormats has documents of a foreign format beside native ones, with names over files.
func TestLoadFormats(t *testing.T) {
	foreign := Format{
		Name: "Foreign", Has: func(h Header) bool { return h.APIVersion == "foreign/v1" },
		Translate: func(objects []Node) (all [][]*SLO) {
			target := ""
			for _, o := range objects {
				target += o.Mapping().Get("target").Text("a percentage")
			}
			for _, o := range objects {
				m := o.Mapping("apiVersion", "name", "target", "total")
				if !m.Get("name").Exists() {
					all = append(all, nil)
					continue
				}
				s := NewSLO(o)
				s.Set("name", m.Get("name").Text("a name"), m.Get("name"))
				s.Set("service", "shop", o)
				s.Set("target", target, o)
				s.Set("indicator.ratio.bad", "bad_total", o)
				s.Set("indicator.ratio.total", m.Get("total").Text("PromQL"), m.Get("total"))
				all = append(all, []*SLO{s})
			}
			return all
		},
	}
	const slo = "apiVersion: foreign/v1\nname: %s\ntotal: %s\n"
	write(t, map[string]string{
		"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: foreign/v1, name: a, total: a_total}\n- {apiVersion: v1, kind: Secret}\n",
		"b.yaml": named("b"),
		"c.yaml": fmt.Sprintf(slo, "c", "c_total") + "---\n" + named("d") + "---\n" + fmt.Sprintf(slo, "e", "e_total\nmore: 1"),
		"t.yaml": "{apiVersion: foreign/v1, target: 99.9%}",
	})
	definitions, problems := Load([]string{"."}, foreign)
	want := []string{`a.yaml:5:3: warning: "Secret" of "v1" is no SLO and is left out`, "c.yaml:14:1: warning: more is not carried over"}
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a.yaml a", "b.yaml b", "c.yaml c", "c.yaml d", "c.yaml e"}, names(definitions)); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	kinds := []string{"a.yaml is a file of Foreign (foreign/v1), read as it is", "c.yaml is a file of Foreign (foreign/v1), read as it is", "t.yaml is a file of Foreign (foreign/v1), read as it is"}
	if diff := cmp.Diff(kinds, Kinds([]string{"."}, foreign)); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	write(t, map[string]string{"a.yaml": "apiVersion: foreign/v1\nname: a\ntarget: 99%\ntotal: 'sum(a)'\n"})
	_, problems = Load([]string{"."}, foreign)
	want = []string{"a.yaml:4:8: indicator.ratio.total: sum() is not needed: all series are counted together; give the counter itself: a"}
	if diff := cmp.Diff(want, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	write(t, map[string]string{"t.yaml": "{apiVersion: foreign/v1, target: 99.9%}"})
	_, problems = Load([]string{"."}, foreign)
	if diff := cmp.Diff([]string{"t.yaml: no slos: there is none in the files"}, texts(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
