package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// Bounds are what SLO files may name. Whoever may edit them gets no more of what the daemon's token
// and files hold.
type Bounds struct {
	Repositories Repositories
	Sources      []string // by name, slo.DefaultSource among them if there is one; nil: any
	OwnFiles     []string // that hold the daemon's secrets and its store, and are no templates
}

// Bounds returns what the environment lets SLO files name.
func (e Environment) Bounds() Bounds {
	b := bounds(e.GitHub.Repositories(), e.Store, append(e.ownFiles(), e.GitHub.TokenFile, e.GitHub.AppPrivateKeyFile, e.WebConfigFile)...)
	b.Sources = e.SourceNames()
	return b
}

// LoadBounds reads the variables that Bounds is made of, as LoadEnvironment does; what is wrong
// with others is no error. Where they name no repository, all are allowed, and any source where
// they name no file of sources.
func LoadBounds(ctx context.Context, lookuper envconfig.Lookuper) (Bounds, error) {
	v, err := lookUp(ctx, lookuper)
	if err != nil {
		return Bounds{}, err
	}
	var w wrong
	allowed := Repositories{Patterns: w.allow(v.GitHub.Allow)}
	if v.GitHub.Repository != "" {
		allowed.Default = w.repository(v.GitHub.Repository)
	}
	if w.tracker(v.Tracker, v.GitHub.Repository) == "local" {
		allowed = Repositories{}
	}
	s := Source{
		PrometheusURL: URL{v.PrometheusURL}, PrometheusConfigFile: v.PrometheusConfigFile, ConfigFile: v.ConfigFile, Named: w.sources(v.ConfigFile),
	}
	if len(w) > 0 {
		return Bounds{}, errors.Join(w...)
	}
	store, _ := ParseStore(v.Store)
	b := bounds(allowed, store, append(s.ownFiles(), v.GitHub.TokenFile, v.GitHub.AppPrivateKeyFile, v.WebConfigFile)...)
	if v.ConfigFile != "" {
		b.Sources = s.SourceNames()
	}
	return b, nil
}

func bounds(allowed Repositories, store Store, files ...string) Bounds {
	b := Bounds{Repositories: allowed}
	for _, file := range append(files, store.ownFiles()...) {
		if file != "" {
			b.OwnFiles = append(b.OwnFiles, file)
		}
	}
	return b
}

// Check returns a problem for each thing that definitions name and may not.
func (b Bounds) Check(definitions []Definition) (problems []Problem) {
	for _, d := range definitions {
		if p, wrong := b.checkSource(d); wrong {
			problems = append(problems, p)
		}
		for _, named := range []struct{ key, name string }{
			{"issue.repository", d.Issue.Repository}, {"evidence.repository", d.Issue.Evidence.Repository},
		} {
			if named.name == "" {
				continue
			}
			if err := b.Repositories.Check(named.name); err != nil {
				problems = append(problems, Problem{Position: d.At(named.key), Text: named.key + ": " + err.Error()})
			}
		}
		if file := d.Issue.Template.File; file != "" && b.isOwn(file) {
			problems = append(problems, Problem{
				Position: d.At("issue.template"), About: file,
				Text: fmt.Sprintf("issue.template: %s is one of the daemon's own files: name a template", quote(filepath.Base(file))),
			})
		}
	}
	return tidy(problems)
}

// isOwn reports whether a file is one of the daemon's own, by whatever name.
func (b Bounds) isOwn(file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	for _, name := range b.OwnFiles {
		if own, err := os.Stat(name); err == nil && os.SameFile(info, own) {
			return true
		}
	}
	return false
}

// Repositories are those that SLO files may name, whatever else the token reaches. The zero value
// allows all.
type Repositories struct {
	Default  string   // owner/name; empty: none
	Patterns []string // like acme/*; none: all repositories of the default one's owner
}

// Repositories returns those that SLO files may name.
func (g GitHub) Repositories() Repositories {
	return Repositories{Default: g.Repository, Patterns: g.Allow}
}

// Allows reports whether SLO files may name a repository. Like GitHub it does not tell upper from
// lower case.
func (r Repositories) Allows(name string) bool {
	if len(r.Patterns) == 0 && r.Default == "" || strings.EqualFold(name, r.Default) {
		return true
	}
	for _, pattern := range r.patterns() {
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name)); ok && err == nil {
			return true
		}
	}
	return false
}

func (r Repositories) patterns() []string {
	if len(r.Patterns) > 0 {
		return r.Patterns
	}
	owner, _, _ := strings.Cut(r.Default, "/")
	return []string{owner + "/*"}
}

// Check returns why SLO files may not name a repository, and what would be right; nil if they may.
func (r Repositories) Check(name string) error {
	const variable = Prefix + "GITHUB_ALLOW"
	allowed := strings.Join(r.patterns(), ",")
	switch {
	case r.Allows(name):
		return nil
	case len(r.Patterns) > 0:
		return fmt.Errorf("%s is not one of the repositories that %s allows, %s: name one of those, or add %s there", name, variable, allowed, name)
	}
	return fmt.Errorf("%s is not allowed: without %s it has to be one of %s, whose owner is that of %sGITHUB_REPOSITORY; set %s=%s,%s for the daemon to allow it",
		name, variable, allowed, Prefix, variable, allowed, name)
}

var repositoryPattern = regexp.MustCompile(`^(\*|[A-Za-z0-9][A-Za-z0-9_-]*)/[A-Za-z0-9._*-]+$`)

// allow does not repeat what was given: a secret may have been put there by mistake.
func (w *wrong) allow(text string) (patterns []string) {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for n, pattern := range strings.Split(text, ",") {
		pattern = strings.TrimSpace(pattern)
		if !repositoryPattern.MatchString(pattern) {
			w.addf("GITHUB_ALLOW", "must be repositories like acme/* or acme/checkout, separated by commas; number %d is not one", n+1)
			continue
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}
