package web_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

func TestStatusPage(t *testing.T) {
	const evil = "<script>alert(1)</script>\u202e"
	for name, tc := range map[string]struct {
		change func(*world, *web.About)
		says   []string
		not    []string
	}{
		"all is well": {says: []string{
			"postburn 1.2.3", "since 1999-12-31 22:00 UTC , 2 h", "8 objectives; the newest sample is 1 min 30 s old",
			"revision 4f2a , read 1999-12-31 23:00 UTC", "answered last at 1999-12-31 23:59:50 UTC ; no objective fails", "nothing waits for the tracker",
			"POSTBURN_INTERVAL 30s", "POSTBURN_PROBE_LISTEN not set", "no problem is known",
		}},
		"an objective that can't be read": {
			change: func(_ *world, a *web.About) {
				a.Failing = map[string]error{"cart-latency": errors.New("parse error" + evil)}
			},
			says: []string{"cart-latency parse error<script>alert(1)</script>"}, not: []string{"no objective fails"},
		},
		"sources": {
			change: func(w *world, a *web.About) {
				for i := range w.statuses {
					if w.statuses[i].Objective.Service == "payments" {
						w.statuses[i].Objective.Source = "payments"
					}
				}
				a.Failing = map[string]error{"payments-latency": errors.New("HTTP 503" + evil), "payments-availability": errors.New("HTTP 503")}
				a.Sources = []web.SourceAbout{{Name: "default", Answered: time.Now().Add(-10 * time.Second)}, {Name: "payments"}}
			},
			says: []string{"Source default answered last at 1999-12-31 23:59:50 UTC Source payments has not answered yet; 2 objectives can't be read"},
		},
		"a replica": {
			change: func(_ *world, a *web.About) { a.Replica = &web.Replica{Replicas: 3, Lanes: 11, Publishes: true} },
			says:   []string{"Replica one of 3; watches 11 lanes and writes the issues"},
		},
		"many of them": {
			change: func(_ *world, a *web.About) {
				a.Failing = map[string]error{}
				for i := range 60 {
					a.Failing[fmt.Sprintf("slo-%02d", i)] = errors.New("timed out")
				}
			},
			says: []string{"slo-49 timed out", "10 more are not shown"}, not: []string{"slo-50"},
		},
		"an issue that waits": {
			change: func(w *world, a *web.About) {
				a.Waiting = map[string]time.Time{"checkout-1": time.Now().Add(-time.Hour), "payments-1": time.Now().Add(-2 * time.Hour)}
				p := published("", "")
				p.Writes[0].State, p.Writes[0].Error = issue.Wanted, "GitHub says 403: "+evil
				w.publications["checkout-1"] = p
			},
			says: []string{"2 issues waiting for the tracker", "payments-1 1999-12-31 22:00 UTC not tried yet checkout-1 1999-12-31 23:00 UTC GitHub says 403: <script>"},
		},
		"a store with a problem":   {change: func(w *world, _ *web.About) { w.problem = errors.New("store p.db: it is full") }, says: []string{"store p.db: it is full.", "see above"}},
		"Prometheus never answers": {change: func(_ *world, a *web.About) { a.Answered = time.Time{} }, says: []string{"has not answered yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, now := usual(), time.Now()
				w.about = web.About{
					Build: "postburn 1.2.3", Started: now.Add(-2 * time.Hour), Loaded: now.Add(-time.Hour), Revision: "4f2a", Answered: now.Add(-10 * time.Second),
					Settings: []web.Setting{{Name: "POSTBURN_INTERVAL", Value: "30s"}, {Name: "POSTBURN_PROBE_LISTEN"}},
				}
				if tc.change != nil {
					tc.change(w, &w.about)
				}
				code, page := get(t, w.handler(), "/status")
				said := text(page)
				for _, want := range tc.says {
					if code != 200 || !strings.Contains(said, want) {
						t.Errorf("%d: %q is not said in:\n%s", code, want, said)
					}
				}
				for _, not := range append(tc.not, "\u202e") {
					if strings.Contains(said, not) {
						t.Errorf("%q is said in:\n%s", not, said)
					}
				}
				if strings.Contains(plain(page), "<script>a") {
					t.Error("a script is on the page")
				}
				balanced(t, page)
			})
		})
	}
}

// TestSourcesAreNamed has the first page, an objective's page and the API name the source that
// can't be read; with the default one alone they name none.
func TestSourcesAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		w.about.Failing = map[string]error{"payments-latency": errors.New("connection refused")}
		for _, path := range []string{"/", "/slos/payments-latency", "/status", "/api/v1/status", "/api/v1/slos"} {
			if _, page := get(t, w.handler(), path); strings.Contains(page, `"source`) || strings.Contains(page, "Source <bdi>") || strings.Contains(page, "<dt>source") {
				t.Errorf("%s speaks of sources", path)
			}
		}
		for i := range w.statuses {
			if w.statuses[i].Objective.Service == "payments" {
				w.statuses[i].Objective.Source = "second"
			}
		}
		w.about.Sources = []web.SourceAbout{{Name: "default", Answered: time.Now()}, {Name: "second"}}
		for path, want := range map[string]string{
			"/": "Source second , 1 objective: connection refused", "/slos/payments-latency": "source second", "/?q=second": "payments-latency",
			"/api/v1/status": `"sources":[{"source":"default","prometheus_answered":"2000-01-01T00:00:00Z","failing_objectives":0},{"source":"second","prometheus_answered":null,"failing_objectives":1}]`,
			"/api/v1/slos":   `"source":"second"`,
		} {
			code, page := get(t, w.handler(), path)
			if !strings.HasPrefix(path, "/api") {
				balanced(t, page)
				page = text(page)
			}
			if code != 200 || !strings.Contains(page, want) {
				t.Errorf("%s: %d, %q is not said in:\n%s", path, code, want, page)
			}
		}
	})
}
