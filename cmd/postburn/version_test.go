package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionLine(t *testing.T) {
	checkout := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20261129"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"},
	}}
	for name, c := range map[string]struct {
		released, commit string
		info             *debug.BuildInfo
		want             string
	}{
		"release":           {"v1.2.3", "def", &debug.BuildInfo{}, "postburn v1.2.3 (revision def, go"},
		"changed checkout":  {"", "", checkout, "postburn v1.2.4-0.20261129 (revision abc, modified, go"},
		"nothing is known":  {"", "", &debug.BuildInfo{}, "postburn (devel) (revision unknown, go"},
		"go install module": {"", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "postburn v1.2.3 (revision unknown, go"},
	} {
		if got := versionLine(c.released, c.commit, c.info); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q does not begin with %q", name, got, c.want)
		}
	}
}
