package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	styled   = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	scripted = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// plain leaves out what all pages share: the style sheet and the script.
func plain(page string) string {
	return scripted.ReplaceAllString(styled.ReplaceAllString(page, "<style></style>"), "<script></script>")
}

func TestPagesGolden(t *testing.T) {
	for name, path := range map[string]string{
		"overview": "/", "filtered": "/?q=PAYMENTS+latency&state=blind", "incident": "/incidents/checkout-1", "blind-incident": "/incidents/payments-blind-1",
		"incidents": "/incidents",
		"objective": "/slos/checkout-availability", "objective-day": "/slos/checkout-availability?labels=%7Bregion%3D%22eu%22%2Czone%3D%22eu-1%22%7D&range=1d",
		"incident-of-a-storm": "/incidents/cart-1",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, got := get(t, usual().handler(), path)
				got = plain(got)
				if tables, captions := strings.Count(got, "<table"), strings.Count(got, "<caption"); tables != captions {
					t.Errorf("%d of %d tables have a caption", captions, tables)
				}
				file := filepath.Join("testdata", name+".html")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// text is what a page says: its text without markup, white space made single.
func text(page string) string {
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(plain(page), " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

func TestPagesSay(t *testing.T) {
	only := func(statuses ...alert.Status) func(*world) {
		return func(w *world) { w.statuses, w.incidents = statuses, nil }
	}
	for name, tc := range map[string]struct {
		change func(*world)
		path   string
		status int
		says   []string
		not    []string
	}{
		"what needs attention, in the title": {path: "/", says: []string{"1 burning, 3 blind, 1 quiet of 8 objectives · postburn"}},
		"nothing needs attention": {
			change: func(w *world) { only(w.statuses[0], w.statuses[6])(w) }, path: "/",
			says: []string{"2 objectives ok · postburn", "Open incidents None.", "Recent incidents None."}, not: []string{"log says why", "estimate"},
		},
		"no objectives":    {change: only(), path: "/", says: []string{"No objectives · postburn", "nothing is watched"}},
		"no data yet":      {path: "/", says: []string{"blind There has been no data yet. 99.9 % over 30d not known not known"}},
		"no data any more": {path: "/", says: []string{"since 1999-12-31 20:48 UTC , 3 h 12 min. Prometheus has no data for it, or its query keeps failing. 99.9 % over 30d not known when last seen 87 % left not known when last seen 890 of 1,234,567"}},
		"no sample yet": {
			change: func(w *world) { w.statuses[5].Tick = time.Time{}; only(w.statuses[5])(w) }, path: "/",
			says: []string{"No sample has been taken yet. Open", "blind No sample has been taken yet. 99.9 % over 30d not known not known"},
		},
		"no samples":          {path: "/", says: []string{"Samples can't be read from Prometheus, or lag behind.", "1 objective can't be read"}},
		"no samples of any":   {change: func(w *world) { only(w.statuses[3])(w) }, path: "/", says: []string{"No objective can be read", "None. 1 objective is blind: nobody knows how it is doing."}},
		"an overspent budget": {path: "/", says: []string{"Error budget spent No breach is open", "overspent by 250 %"}},
		"sorted by budget": {path: "/?sort=budget&q=-", says: []string{
			"Sorted by “Error budget”, ascending.", "Objective State Target Error budget ▲", "Objectives: 8 objectives",
		}},
		"sorted by budget, the most first": {path: "/?sort=-budget", says: []string{"Error budget ▼"}},
		"sorted by what there is not":      {path: "/?sort=password", says: []string{"Burning A breach window"}, not: []string{"Sorted"}},
		"a tracker that refuses": {change: func(w *world) {
			p := published("", "")
			p.Writes[0].State, p.Writes[0].Error = issue.Wanted, "GitHub says 403: <b>\u202e"
			w.publications["checkout-1"] = p
			w.about.Waiting = map[string]time.Time{"none": time.Now().Add(-2 * time.Hour), "checkout-1": time.Now().Add(-time.Hour)}
		}, path: "/", says: []string{"2 post-mortems wait for the tracker, since 1999-12-31 23:00 UTC : GitHub says 403: <b> Status"}},
		"a tracker that has not been asked": {change: func(w *world) {
			w.about.Waiting = map[string]time.Time{"none": time.Now()}
		}, path: "/", not: []string{"the tracker"}},
		"what Prometheus says": {change: func(w *world) {
			w.about.Failing = map[string]error{"cart-latency": errors.New("parse error <b>")}
		}, path: "/", says: []string{"1 objective can't be read from Prometheus, or lags behind. It was last said of one: parse error <b> Status"}},
		"an estimate":     {path: "/", says: []string{"The error budget of 1 objective is partly estimated", "The budget counts 4,321 more, an estimate. 9 d of the window are yet to be read."}},
		"nearly all left": {path: "/", says: []string{">99.9 % left"}, not: []string{"100 % left"}},
		"a breach of which nothing is seen": {
			path: "/incidents/payments-1", says: []string{"is blind now: nobody knows whether the breach is over", "postmortems/payments-1.md", "<0.01 % spent by this breach; 50 % was left then"},
		},
		"an issue that is shared and noise": {path: "/incidents/cart-1", says: []string{"recovered severity 2", "Lasted 1 d 2 h", "issue #17 , shared by 7 incidents, closed as not planned: noise"}},
		"how it stands now": {change: func(w *world) {
			w.statuses[1].BurnRates = []alert.BurnRate{{Window: time.Hour, Rate: 2.5}}
		}, path: "/incidents/checkout-1", says: []string{
			"Impact 7,701 bad of 15,337 events, 30.1 % of the error budget; 1 other breach window below", "Now burning at 2.5× over 1h; error budget overspent by 37.5 %, as of 1999-12-31 23:58:30 UTC",
		}},
		"an incident that is not there": {path: "/incidents/cart-2", status: 404, says: []string{"No such incident", "“cart-2”"}},
		"a filter that nothing matches": {path: "/?q=nothing", says: []string{"No objective matches the filter.", "1 burning, 3 blind, 1 quiet of 8 objectives", "None match the filter."}},
		"a filter by owner and label":   {path: "/?q=%40ACME+eu-1", says: []string{"checkout-availability", "Show all"}, not: []string{"cart-", "payments-"}},
		"a filter by state":             {path: "/?state=ok", says: []string{"cart-latency", "Error budget spent"}, not: []string{"search-freshness"}},
		"a state that there is not":     {path: "/?state=good", says: []string{"search-freshness"}, not: []string{"Show all"}},
		"a problem of the store": {change: func(w *world) {
			w.problem = errors.New("store /p<b>.db\u202e: it is full; make room " + strings.Repeat("x", 300) + " end")
		}, path: "/", says: []string{"Something is wrong with postburn itself: store /p<b>.db: it is full; make room", "xx end."}},
		"a problem, and no page": {change: func(w *world) {
			w.problem = errors.New("store /p<b>.db: it is damaged")
			w.failing = errors.New("disk I/O error at /secret")
		}, path: "/incidents", status: 500, says: []string{"It found: store /p<b>.db: it is damaged."}},
		"a store that can't be read":      {change: func(w *world) { w.failing = errors.New("disk I/O error at /secret") }, path: "/", status: 500, says: []string{"The store can't be read"}},
		"nor for an incident":             {change: func(w *world) { w.failing = errors.New("disk I/O error at /secret") }, path: "/incidents/cart-1", status: 500, says: []string{"The store can't be read"}},
		"a list that can't be read":       {change: func(w *world) { w.failing = errors.New("disk I/O error at /secret") }, path: "/incidents", status: 500, says: []string{"The store can't be read"}},
		"nor what is published of it":     {change: func(w *world) { w.unpublished = errors.New("disk I/O error at /secret") }, path: "/incidents", status: 500, says: []string{"The store can't be read"}},
		"publications that can't be read": {change: func(w *world) { w.unpublished = errors.New("disk I/O error at /secret") }, path: "/", status: 500, says: []string{"The store can't be read"}},
		"nor for an incident's page":      {change: func(w *world) { w.unpublished = errors.New("disk I/O error at /secret") }, path: "/incidents/cart-1", status: 500, says: []string{"The store can't be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual()
				if tc.change != nil {
					tc.change(w)
				}
				code, page := get(t, w.handler(), tc.path)
				if want := max(tc.status, 200); code != want {
					t.Errorf("status %d, want %d", code, want)
				}
				said := text(page)
				for _, want := range tc.says {
					if !strings.Contains(said, want) {
						t.Errorf("%q is not said in:\n%s", want, said)
					}
				}
				for _, not := range append(tc.not, "/secret") {
					if strings.Contains(said, not) {
						t.Errorf("%q is said in:\n%s", not, said)
					}
				}
				if failed := code == 500; failed != strings.Contains(w.log.String(), "/secret") {
					t.Errorf("the log has %q", w.log.String())
				}
			})
		})
	}
}

func TestPagesBeforeReady(t *testing.T) {
	h := web.NewHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	for _, path := range []string{"/", "/incidents", "/incidents/one"} {
		code, page := get(t, h, path)
		if code != http.StatusServiceUnavailable || !strings.Contains(page, "<h1>postburn is starting</h1>") {
			t.Errorf("%s: %d %s", path, code, page)
		}
	}
}

// TestPolicy checks that browsers take the style sheet, and nothing else.
func TestPolicy(t *testing.T) {
	h := usual().handler()
	for _, path := range []string{"/", "/incidents", "/incidents?limit=x", "/incidents/checkout-1", "/incidents/none", "/slos/cart-availability", "/slos/none", "/nothing", "/api/v1/slos"} {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		policy := r.Header().Get("Content-Security-Policy")
		for _, part := range []*regexp.Regexp{styled, scripted} {
			found := part.FindStringSubmatch(r.Body.String())
			if found == nil {
				policy = regexp.MustCompile(`sha256-[^']*`).ReplaceAllString(policy, "of the page")
				continue
			}
			digest := sha256.Sum256([]byte(found[1]))
			policy = strings.Replace(policy, "sha256-"+base64.StdEncoding.EncodeToString(digest[:]), "of the page", 1)
		}
		want := "default-src 'none'; style-src 'of the page'; script-src 'of the page'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		if diff := cmp.Diff(want, policy); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if got := r.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestHostileValues(t *testing.T) {
	const evil = `</bdi></title></style><script>alert(1)</script>" onload='x' {{.}} <!-- ` + "\u202egnp\u202c\u200b"
	w := usual()
	for i := range w.statuses {
		s := &w.statuses[i]
		s.Objective.Service, s.Objective.Description, s.Objective.Owner = evil, evil, strings.Repeat(evil, 100)
		s.Labels = slo.NewLabels(map[string]string{"a": evil, "b": "\xff" + evil})
	}
	v := &w.incidents[0].Windows[0]
	v.Objective = w.statuses[1].Objective
	v.Objective.Links = map[string]string{
		evil: "javascript:alert(1)", "data": "data:text/html,<script>", "user": "https://me:hunter2@acme.example/", "none": "//acme.example/x",
		"quoted": `https://acme.example/"onmouseover="alert(1)`, "fine": "https://acme.example/?a=1&b=<script>",
	}
	w.incidents[0].ID, w.incidents[0].Group = `"><script>alert(2)</script>/../x?y#z`, evil
	for _, url := range []string{"javascript:alert(3)", "JaVaScRiPt:alert(3)", "data:text/html,<script>alert(3)</script>", "https://me:hunter2@acme.example/", `https://acme.example/"><script>`} {
		p := published(url, issue.Triage("<b>"))
		p.Parts = []issue.Part{found(w.incidents[0], evil)}
		w.publications = map[string]issue.Publication{w.incidents[0].ID: p}
		const evilQuery = "%22%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E"
		for _, path := range []string{"/", "/?q=%22%3E%3Cscript%3E&state=%22", "/incidents", "/incidents?q=" + evilQuery + "&group=" + evilQuery,
			"/incidents?start=" + evilQuery, "/incidents?cursor=" + evilQuery, "/incidents/%22%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E%2F..%2Fx%3Fy%23z", "/incidents/%3Cscript%3E",
			"/slos/checkout-availability", "/slos/checkout-availability?range=" + evilQuery, "/slos/%3Cscript%3E"} {
			code, page := get(t, w.handler(), path)
			want := 200
			switch {
			case path == "/incidents/%3Cscript%3E", path == "/slos/%3Cscript%3E":
				want = 404
			case strings.Contains(path, "range="), strings.Contains(path, "start="), strings.Contains(path, "cursor="):
				want = 400
			}
			if code != want {
				t.Fatalf("%s: %d", path, code)
			}
			lower := strings.ToLower(strings.Replace(plain(page), "<script></script>", "", 1))
			for _, part := range []string{"<script", "<b>&", "href=\"javascript:", "href=\"data:text", "onmouseover=\"", "hunter2@acme.example/\"", "\u202e", "\u200b"} {
				if strings.Contains(lower, part) {
					t.Errorf("%s with %s has %q:\n%s", path, url, part, page)
				}
			}
			balanced(t, page)
		}
	}
}

// balanced fails if a closed element was not the last one opened, as when a value breaks out of its
// place.
func balanced(t *testing.T, page string) {
	t.Helper()
	var open []string
	for _, tag := range regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*?(/?)>`).FindAllStringSubmatch(page, -1) {
		switch name := tag[2]; {
		case name == "meta" || name == "link" || name == "input" || name == "wbr" || name == "line" || tag[3] != "" || name == "option":
		case tag[1] == "":
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("</%s> where %v are open", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are never closed", open)
	}
}

func TestManyObjectives(t *testing.T) {
	w := &world{}
	for i := range 10_000 {
		state := []alert.State{alert.OK, alert.OK, alert.OK, alert.Blind, alert.Burning}[i%5]
		s := status(fmt.Sprintf("service-%03d", i%250), fmt.Sprintf("objective-%05d", i), state, float64(i%7)/5)
		s.Labels = slo.NewLabels(map[string]string{"region": "eu", "cluster": strings.Repeat("c", 1000)})
		w.statuses = append(w.statuses, s)
		v := window()
		v.Objective, v.Labels = s.Objective, s.Labels
		if i%2 == 0 {
			v.Ended = v.Onset.Add(time.Hour)
		}
		w.incidents = append(w.incidents, alert.Incident{ID: fmt.Sprintf("incident-%05d", i), Group: s.Objective.Service, Windows: []alert.Window{v}})
	}
	h := w.handler()
	began := time.Now()
	_, page := get(t, h, "/")
	t.Logf("%d KiB in %s, %d publications read", len(page)>>10, time.Since(began), w.asked.Load())
	if sheets := strings.Count(page, "<style>"); sheets != 1 {
		t.Errorf("%d style sheets", sheets)
	}
	if len(page) > 1200<<10 || w.asked.Load() > 70 {
		t.Errorf("%d bytes, %d publications read", len(page), w.asked.Load())
	}
	said := text(page)
	for _, want := range []string{
		"2,000 burning, 2,000 blind of 10,000 objectives", "Burning: the first 200 of 2,000 objectives; filter to see others", "Blind: the first 200 of 2,000 objectives",
		"50 of 5,000 incidents", "The newest incidents that are over",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said in %.5000s", want, said)
		}
	}
	_, page = get(t, h, "/?q=service-123+objective-09873")
	if said := text(page); !strings.Contains(said, "1 objective, by service") || len(page) > 40<<10 {
		t.Errorf("%d bytes: %s", len(page), said)
	}
	w.incidents = w.incidents[:1]
	for len(w.incidents[0].Windows) < 1000 {
		w.incidents[0].Windows = append(w.incidents[0].Windows, w.incidents[0].Windows[0])
	}
	_, page = get(t, h, "/incidents/incident-00000")
	if said := text(page); !strings.Contains(said, "900 more windows are") || len(page) > 1200<<10 {
		t.Errorf("%d bytes: %.2000s", len(page), said)
	}
}
