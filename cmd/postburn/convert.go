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

// Run prints the native file, and all problems. If a problem is an error, it prints no file and
// returns an error.
func (c convertCommand) Run(s surroundings) error {
	native, problems := config.Convert(c.Paths, daemon.Formats()...)
	show(s.stderr, problems)
	if config.Failed(problems) {
		return fmt.Errorf("found %s", count(problems))
	}
	_, err := s.stdout.Write(native)
	return err
}
