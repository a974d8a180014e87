package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/humanize"
)

// checkCommand validates SLO files.
type checkCommand struct {
	Paths  []string `arg:"" name:"file|dir" help:"SLO files, or folders of *.yaml and *.yml files."`
	Online bool     `help:"Also ask Prometheus whether it has what each objective selects, and GitHub whether it accepts issues."`
}

// Run prints all problems, then how many there are, or that the objectives are fine. It returns an
// error if a problem is one.
func (c checkCommand) Run(ctx context.Context, s surroundings) error {
	bounds, err := config.LoadBounds(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	definitions, problems := daemon.Load(c.Paths, bounds)
	for _, line := range config.Kinds(c.Paths, daemon.Formats()...) {
		fmt.Fprintln(s.stderr, line)
	}
	show(s.stderr, problems)
	if config.Failed(problems) {
		return fmt.Errorf("found %s", count(problems))
	}
	if c.Online {
		found, err := askPrometheus(ctx, s, definitions)
		more, gitHubErr := askGitHub(ctx, s, definitions)
		found = append(found, more...)
		show(s.stderr, found)
		if err := errors.Join(err, gitHubErr); err != nil {
			return err
		}
		problems = append(problems, found...)
		if config.Failed(found) {
			return fmt.Errorf("found %s", count(problems))
		}
	}
	files := humanize.Plural(len(config.Files(c.Paths)), "file")
	fine := fmt.Sprintf("%s in %s %s fine", humanize.Plural(len(definitions), "objective"), files, are(len(definitions)))
	if len(problems) > 0 {
		fine += ", with " + count(problems)
	}
	_, err = fmt.Fprintln(s.stdout, fine)
	return err
}

func show(w io.Writer, problems []config.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}

// count is how many errors and warnings there are, for people.
func count(problems []config.Problem) string {
	wrong := 0
	for _, p := range problems {
		if p.Severity == config.Error {
			wrong++
		}
	}
	warnings := len(problems) - wrong
	switch {
	case warnings == 0:
		return humanize.Plural(wrong, "error")
	case wrong == 0:
		return humanize.Plural(warnings, "warning")
	}
	return humanize.Plural(wrong, "error") + " and " + humanize.Plural(warnings, "warning")
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
