package main

import (
	"context"
	"fmt"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
)

// askGitHub checks whether issues can be written in the default repository and in those that the
// objectives name. It asks nothing if the tracker is another one. A problem of all repositories,
// such as a bad token, is reported once.
func askGitHub(ctx context.Context, s surroundings, definitions []config.Definition) (problems []config.Problem, err error) {
	settings, ok, err := config.LoadGitHub(ctx, s.lookuper)
	if err != nil {
		return nil, usageError{err}
	}
	if !ok {
		return nil, nil
	}
	tracker, err := daemon.GitHub(settings, nil, nil)
	if err != nil {
		return nil, usageError{err}
	}
	repositories := []string{settings.Repository}
	positions := map[string]config.Position{settings.Repository: {File: config.Prefix + "GITHUB_REPOSITORY"}}
	for _, d := range definitions {
		if _, known := positions[d.Issue.Repository]; d.Issue.Repository != "" && !known {
			repositories = append(repositories, d.Issue.Repository)
			positions[d.Issue.Repository] = d.Position
		}
	}
	said := map[string]bool{}
	for _, c := range tracker.Check(ctx, repositories...) {
		problem := config.Problem{Position: positions[c.Repository]}
		switch {
		case c.Err != nil:
			problem.Text = c.Err.Error()
		case c.Public:
			problem.Severity = config.Warning
			problem.Text = fmt.Sprintf("%s is public: so are label values and queries in post-mortems", c.Repository)
		}
		if problem.Text != "" && !said[problem.Text] {
			said[problem.Text] = true
			problems = append(problems, problem)
		}
	}
	return problems, nil
}
