package daemon

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// TestReporting tells which repositories get a report, and which objectives are in it.
func TestReporting(t *testing.T) {
	r := &reloader{repository: "Acme/Shop"}
	r.current.Store(&map[string]issue.Settings{
		"default": {Report: true}, "named": {Report: true, Repository: "acme/shop"}, "silent": {Repository: "acme/quiet"},
		"other": {Report: true, Repository: "acme/Search"}, "without": {},
	})
	if diff := cmp.Diff([]string{"", "acme/search"}, r.reporting()); diff != "" {
		t.Error(diff)
	}
	for repository, want := range map[string][]string{"": {"default", "named"}, "acme/search": {"other"}, "acme/quiet": nil} {
		var in []string
		for _, name := range []string{"default", "named", "other", "removed", "silent", "without"} {
			if r.reports(name, repository) {
				in = append(in, name)
			}
		}
		if slices.Sort(in); cmp.Diff(want, in) != "" {
			t.Errorf("the report of %q is about %q, want %q", repository, in, want)
		}
	}
}
