package web_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/web"
)

// TestSLOFiles: the first page tells what the SLO files changed, for a day, and as text.
func TestSLOFiles(t *testing.T) {
	many := make([]string, 12)
	for n := range many {
		many[n] = fmt.Sprintf("cart-%d is new", n)
	}
	for _, tc := range []struct {
		name         string
		files        web.SLOFiles // the time is how long ago
		ago          time.Duration
		want, absent []string
	}{
		{"nothing", web.SLOFiles{}, 0, nil, []string{"The SLO files"}},
		{"an hour ago", web.SLOFiles{Changes: many[:1]}, time.Hour, []string{"The SLO files changed", "cart-0 is new"}, []string{"more</li>", "can't be used"}},
		{"two days ago", web.SLOFiles{Changes: many[:1]}, 48 * time.Hour, nil, []string{"The SLO files changed", "cart-0 is new"}},
		{"many", web.SLOFiles{Changes: many}, time.Hour, []string{"cart-9 is new", "and 2 more"}, []string{"cart-10 is new"}},
		{"refused", web.SLOFiles{Refused: "slo.yaml:1:1: no slos"}, 0, []string{"can&#39;t be used as they are now", "slo.yaml:1:1: no slos"}, []string{"The SLO files changed"}},
		{"text", web.SLOFiles{Changes: []string{"a: exclude none → <b>\u202e"}, Refused: "<script>"}, time.Hour,
			[]string{"&lt;b&gt;", "&lt;script&gt;"}, []string{"<b>\u202e", "\u202e", "<script>"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual()
				w.files = tc.files
				w.files.Changed = time.Now().Add(-tc.ago)
				_, got := get(t, w.handler(), "/")
				got = strings.Replace(plain(got), "<script></script>", "", 1)
				for _, text := range tc.want {
					if !strings.Contains(got, text) && !strings.Contains(got, strings.ReplaceAll(text, "&#39;", "'")) {
						t.Errorf("%q is not on the page", text)
					}
				}
				for _, text := range tc.absent {
					if strings.Contains(got, text) {
						t.Errorf("%q is on the page", text)
					}
				}
			})
		})
	}
}
