package web_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
)

// TestExcludedIncidents has the API, the lists and the incident's page say that an incident does
// not count, and why if that is known.
func TestExcludedIncidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		p := w.publications["checkout-1"]
		for _, tc := range []struct {
			x          *issue.Exclusion
			json, page string
		}{
			{nil, "", ""},
			{&issue.Exclusion{At: time.Now()}, `"excluded":{"at":"2000-01-01T00:00:00Z"}`, "Excluded 2000-01-01 00:00 UTC : no reason given yet"},
			{
				&issue.Exclusion{By: "al\u202eice", At: time.Now(), Reason: "<script>"}, `"reason":"\u003cscript\u003e"`,
				"Excluded by alice , 2000-01-01 00:00 UTC : <script>",
			},
		} {
			p.Excluded = tc.x
			w.publications["checkout-1"] = p
			h := w.handler()
			_, answer := get(t, h, "/api/v1/incidents/checkout-1")
			_, page := get(t, h, "/incidents/checkout-1")
			if tc.x == nil {
				if strings.Contains(answer, "excluded") || strings.Contains(text(page), "xcluded") {
					t.Errorf("an incident that counts: %s\n%s", answer, text(page))
				}
				continue
			}
			if !strings.Contains(answer, tc.json) {
				t.Errorf("the API does not say %s: %s", tc.json, answer)
			}
			if got := text(page); !strings.Contains(got, tc.page) || strings.Contains(strings.Replace(plain(page), "<script></script>", "", 1), "<script>") {
				t.Errorf("the page does not say %q: %s", tc.page, got)
			}
			for _, path := range []string{"/", "/incidents"} {
				if _, list := get(t, h, path); !strings.Contains(text(list), "issue #17 , excluded") {
					t.Errorf("%s does not say that it is excluded: %s", path, text(list))
				}
			}
		}
	})
}
