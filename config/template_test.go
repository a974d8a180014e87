package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTemplates has an SLO file name templates: those that it may, as a ConfigMap has them, and
// those that it may not.
func TestTemplates(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "slos")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		must(os.WriteFile(filepath.Join(outside, name), []byte(text), 0o600))
	}
	link := func(to, name string) { t.Helper(); must(os.Symlink(to, filepath.Join(dir, name))) }
	must(os.MkdirAll(filepath.Join(dir, "..2026_11_29", "below"), 0o700))
	must(os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	write("token", "secret")
	write("slos/own.tmpl", "own")
	write("slos/folder/below.tmpl", "below")
	write("slos/..2026_11_29/mounted.tmpl", "mounted")
	write("slos/large.tmpl", strings.Repeat("a", maxTemplate+1))
	link("..2026_11_29", "..data")
	link("..data/mounted.tmpl", "mounted.tmpl")
	link("../token", "out.tmpl")
	link(filepath.Join(outside, "token"), "absolute.tmpl")
	link("..", "up")
	link("/proc/self", "proc")
	link("/dev/zero", "zero.tmpl")
	link("round.tmpl", "round.tmpl")
	must(syscall.Mkfifo(filepath.Join(dir, "pipe.tmpl"), 0o600))
	const leadsOut = "leads out of the SLO file's folder: put the template itself there"
	const below = "issue.template must be below the SLO file's folder, not NAME: put the template there, and name it like checkout.md.tmpl"
	for _, tc := range []struct{ name, text, want string }{
		{"own.tmpl", "own", ""},
		{"./own.tmpl", "own", ""},
		{"folder/below.tmpl", "below", ""},
		{"mounted.tmpl", "mounted", ""},
		{"..data/mounted.tmpl", "mounted", ""},
		{"none.tmpl", "", "issue.template: PATH is not there"},
		{"own.tmpl/none", "", "issue.template: PATH can't be read: not a directory"},
		{"folder", "", "issue.template: PATH must be a regular file, not a folder"},
		{"pipe.tmpl", "", "issue.template: PATH must be a regular file, not a named pipe"},
		{"large.tmpl", "", "issue.template: PATH is larger than 256 KiB"},
		{"round.tmpl", "", "issue.template: PATH "},
		{"out.tmpl", "", "issue.template: PATH " + leadsOut},
		{"absolute.tmpl", "", "issue.template: PATH " + leadsOut},
		{"up/token", "", "issue.template: PATH " + leadsOut},
		{"proc/environ", "", "issue.template: PATH " + leadsOut},
		{"zero.tmpl", "", "issue.template: PATH " + leadsOut},
		{"../token", "", below},
		{"folder/../../token", "", below},
		{filepath.Join(outside, "token"), "", below},
		{"/proc/self/environ", "", below},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(dir, "slos.yaml")
			must(os.WriteFile(file, fmt.Appendf(nil, "slos:\n  - name: shop\n    service: shop\n    target: 99%%\n"+
				"    indicator: {ratio: {bad: errors_total, total: requests_total}}\n    issue: {template: %s}\n", tc.name), 0o600))
			began := time.Now()
			definitions, problems := Load([]string{file})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if tc.want == "" {
				if len(problems) > 0 || definitions[0].Issue.Template.Text != tc.text {
					t.Errorf("got %v and %v", definitions, problems)
				}
				return
			}
			want := file + ":6:23: " + strings.NewReplacer("PATH", quote(filepath.Base(tc.name)), "NAME", quote(tc.name)).Replace(tc.want)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
				t.Errorf("got  %v\nwant %s", problems, want)
			}
		})
	}
}
