package daemon

import (
	"errors"
	"fmt"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/openslo"
	"github.com/postburn/postburn/config/pyrra"
	"github.com/postburn/postburn/config/sloth"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
)

// Formats returns the foreign formats of SLO files that all commands take.
func Formats() []config.Format {
	return []config.Format{sloth.Format(), pyrra.Format(), openslo.Format()}
}

// Load reads SLO files as config.Load does, those of foreign formats as well, and finds what only
// shows beside the environment and the packages that use them: what the files may not name, and
// templates that can't be used.
func Load(paths []string, bounds config.Bounds) ([]config.Definition, []config.Problem) {
	definitions, problems := config.Load(paths, Formats()...)
	if config.Failed(problems) {
		return nil, problems
	}
	problems = append(problems, bounds.Check(definitions)...)
	problems = append(problems, checkTemplates(definitions)...)
	if config.Failed(problems) {
		return nil, problems
	}
	return definitions, problems
}

// checkTemplates tries each template once with samples.
func checkTemplates(definitions []config.Definition) (problems []config.Problem) {
	tried := map[string]bool{}
	for _, d := range definitions {
		t := d.Issue.Template
		if t == (issue.Template{}) || tried[t.File] {
			continue
		}
		tried[t.File] = true
		var wrong *postmortem.TemplateError
		switch err := postmortem.CheckTemplate(t); {
		case errors.As(err, &wrong) && wrong.Line > 0:
			at := config.Position{File: wrong.File, Line: wrong.Line, Column: max(1, wrong.Column)}
			problems = append(problems, config.Problem{Position: at, Text: wrong.Text, About: t.File})
		case err != nil:
			problems = append(problems, config.Problem{Position: d.At("issue.template"), Text: fmt.Sprintf("issue.template: %v", err), About: t.File})
		}
	}
	return problems
}
