package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"
)

func TestRepositories(t *testing.T) {
	const named = "other/shop is not one of the repositories that POSTBURN_GITHUB_ALLOW allows, "
	for _, tc := range []struct {
		name    string
		allowed Repositories
		ask     string
		want    string
	}{
		{"nothing is known", Repositories{}, "other/shop", ""},
		{"the default one's owner", Repositories{Default: "Acme/postmortems"}, "acme/shop", ""},
		{"another owner", Repositories{Default: "acme/postmortems"}, "other/shop", "other/shop is not allowed: without POSTBURN_GITHUB_ALLOW it has to be one of acme/*, " +
			"whose owner is that of POSTBURN_GITHUB_REPOSITORY; set POSTBURN_GITHUB_ALLOW=acme/*,other/shop for the daemon to allow it"},
		{"an owner that begins alike", Repositories{Default: "acme/postmortems"}, "acme-evil/shop", "acme-evil/shop is not allowed"},
		{"one that is named", Repositories{Default: "acme/a", Patterns: []string{"other/Shop"}}, "Other/shop", ""},
		{"one that is not named", Repositories{Default: "acme/a", Patterns: []string{"acme/*", "other/shop-*"}}, "other/shop", named + "acme/*,other/shop-*: name one of those, or add other/shop there"},
		{"a pattern", Repositories{Default: "acme/a", Patterns: []string{"other/shop-*"}}, "other/shop-1", ""},
		{"a pattern for all owners", Repositories{Patterns: []string{"*/postmortems"}}, "other/postmortems", ""},
		{"the default one, though not named", Repositories{Default: "acme/a", Patterns: []string{"other/*"}}, "ACME/a", ""},
		{"the owner, where others are named", Repositories{Default: "acme/a", Patterns: []string{"other/*"}}, "acme/b", "acme/b is not one of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if err := tc.allowed.Check(tc.ask); err != nil {
				got = err.Error()
			}
			if got != tc.want && (tc.want == "" || !strings.HasPrefix(got, tc.want)) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestLoadBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		set   map[string]string // without POSTBURN_
		want  Bounds
		wrong string
	}{
		"nothing is set": {map[string]string{}, Bounds{OwnFiles: []string{"postburn.db"}}, ""},
		"a repository and files": {
			map[string]string{"GITHUB_REPOSITORY": "acme/a", "GITHUB_TOKEN_FILE": "token", "DELAY": "soon", "WEB_CONFIG_FILE": "web.yml"},
			Bounds{Repositories: Repositories{Default: "acme/a"}, OwnFiles: []string{"token", "web.yml", "postburn.db"}}, "",
		},
		"patterns alone":  {map[string]string{"GITHUB_ALLOW": "acme/*", "TRACKER": "github"}, Bounds{Repositories: Repositories{Patterns: []string{"acme/*"}}, OwnFiles: []string{"postburn.db"}}, ""},
		"another tracker": {map[string]string{"GITHUB_REPOSITORY": "acme/a", "TRACKER": "local"}, Bounds{OwnFiles: []string{"postburn.db"}}, ""},
		"a bad pattern":   {map[string]string{"GITHUB_ALLOW": "acme"}, Bounds{}, "POSTBURN_GITHUB_ALLOW must be"},
		"a bad name":      {map[string]string{"GITHUB_REPOSITORY": "acme"}, Bounds{}, "POSTBURN_GITHUB_REPOSITORY must be"},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{}
			for name, value := range tc.set {
				set[Prefix+name] = value
			}
			got, err := LoadBounds(t.Context(), envconfig.MapLookuper(set))
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("got error %v, want %q", err, tc.wrong)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v, bounds (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestBounds has SLO files name what they may not.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", "secret")
	if err := os.Symlink("token", filepath.Join(dir, "other.tmpl")); err != nil {
		t.Fatal(err)
	}
	write("slos.yaml", `
defaults:
  service: shop
  target: 99%
  indicator: {ratio: {bad: errors_total, total: requests_total}}
  issue: {repository: evil/shop}
slos:
  - name: one
  - name: two
    issue: {repository: ACME/shop, template: other.tmpl}
    evidence: {repository: evil/code}
  - name: three
`)
	definitions, problems := Load([]string{dir})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b := Bounds{Repositories: Repositories{Default: "acme/a", Patterns: []string{"acme/*"}}, OwnFiles: []string{filepath.Join(dir, "none"), filepath.Join(dir, "token")}}
	var got []string
	for _, p := range b.Check(definitions) {
		got = append(got, strings.ReplaceAll(p.String(), dir+"/", ""))
	}
	const allowed = " is not one of the repositories that POSTBURN_GITHUB_ALLOW allows, acme/*: name one of those, or add "
	want := []string{
		"slos.yaml:6:23: issue.repository: evil/shop" + allowed + "evil/shop there",
		`slos.yaml:10:46: issue.template: "other.tmpl" is one of the daemon's own files: name a template`,
		"slos.yaml:11:28: evidence.repository: evil/code" + allowed + "evil/code there",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
