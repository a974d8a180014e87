package daemon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/config"
)

func TestTheDefaultRepositoryHasNoName(t *testing.T) {
	definition := func(repository string) config.Definition {
		return config.Definition{Policy: alert.Policy{Repository: repository}}
	}
	all := []config.Definition{definition(""), definition("acme/shop"), definition("acme/search")}
	for repository, want := range map[string][]string{
		"Acme/Shop": {"", "", "acme/search"},
		"":          {"", "acme/shop", "acme/search"},
	} {
		var got []string
		for _, d := range alertDefinitions(all, repository) {
			got = append(got, d.Policy.Repository)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by default %q (-want +got):\n%s", repository, diff)
		}
	}
}
