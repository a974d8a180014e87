package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand prints which build this is, as the Go toolchain has recorded it.
type versionCommand struct{}

// Run prints one line.
func (versionCommand) Run(s surroundings) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprintln(s.stdout, versionLine(info))
	return err
}

func versionLine(info *debug.BuildInfo) string {
	version, revision := info.Main.Version, "unknown"
	if version == "" {
		version = "(devel)"
	}
	modified := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = ", modified"
		}
	}
	return fmt.Sprintf("postburn %s (revision %s%s, %s, %s/%s)", version, revision, modified, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
