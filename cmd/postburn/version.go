package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/common/version"
)

// versionCommand prints which build this is.
type versionCommand struct{}

// Run prints one line.
func (versionCommand) Run(s surroundings) error {
	_, err := fmt.Fprintln(s.stdout, buildLine())
	return err
}

// buildLine names this build.
func buildLine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionLine(version.Version, version.Revision, info)
}

// versionLine names version, commit, Go and platform. In a release, the linker sets version and
// commit; in any other build, the Go toolchain does.
func versionLine(released, commit string, info *debug.BuildInfo) string {
	recorded, modified := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			recorded = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = ", modified"
		}
	}
	return fmt.Sprintf("postburn %s (revision %s%s, %s, %s/%s)", cmp.Or(released, info.Main.Version, "(devel)"),
		cmp.Or(commit, recorded, "unknown"), modified, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
