package main

import (
	"fmt"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
)

// convertCommand writes foreign SLO files in native form.
type convertCommand struct {
	Paths []string `arg:"" name:"file|dir" help:"Files of Sloth, Pyrra or OpenSLO, or folders of them. All files that name each other belong here."`
}

// Run prints the native file, and all problems. Problems that are errors are an error, and then
// nothing else is printed.
func (c convertCommand) Run(s surroundings) error {
	native, problems := config.Convert(c.Paths, daemon.Formats()...)
	show(s.stderr, problems)
	if config.Failed(problems) {
		return fmt.Errorf("found %s", count(problems))
	}
	_, err := s.stdout.Write(native)
	return err
}
