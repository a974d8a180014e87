package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

// history is a store of n recovered incidents, one an hour, each ten minutes long and of one of ten
// services, and of two open ones, one of them older than all.
func history(n int) *world {
	w := &world{}
	w.publications = map[string]issue.Publication{}
	add := func(id, service string, onset time.Time, lasted time.Duration) {
		v := window()
		v.Objective.Service, v.Objective.Name = service, service+"-availability"
		v.Onset, v.Detected = onset, onset.Add(time.Minute)
		if lasted > 0 {
			v.Ended = onset.Add(lasted)
		}
		w.incidents = append(w.incidents, alert.Incident{ID: id, Group: service, Windows: []alert.Window{v}})
		w.publications[id] = published("https://github.com/acme/shop/issues/17", "")
	}
	for i := range n {
		add(fmt.Sprintf("incident-%05d", i), fmt.Sprint("service-", i%10), at.Add(time.Duration(i)*time.Hour), 10*time.Minute)
	}
	add("open-old", "service-1", at.Add(-time.Hour), 0)
	add("open-new", "service-2", at.Add(time.Duration(n)*time.Hour), 0)
	return w
}

// ask returns the IDs of an answer of the API, and the cursor of the next page.
func ask(t *testing.T, w *world, query string) (ids []string, next string) {
	t.Helper()
	code, body := get(t, w.handler(), "/api/v1/incidents"+query)
	var answer struct {
		Incidents []web.Incident
		Next      string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != 200 {
		t.Fatalf("%s: %d %v %.500s", query, code, err, body)
	}
	for _, i := range answer.Incidents {
		ids = append(ids, i.ID)
	}
	return ids, answer.Next
}

func TestIncidentsAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		query string
		want  []string
		more  bool
	}{
		"the newest, and all that are open": {"?limit=2", []string{"open-new", "incident-00149", "incident-00148", "open-old"}, true},
		"a group":                           {"?group=service-1&limit=1", []string{"incident-00141", "open-old"}, true},
		"open ones alone":                   {"?state=open", []string{"open-new", "open-old"}, false},
		"recovered ones alone":              {"?state=recovered&limit=1", []string{"incident-00149"}, true},
		"between two times": {
			"?start=2026-03-02T10:05:00Z&end=2026-03-02T12:00:00Z", []string{"incident-00002", "incident-00001", "open-old"}, false,
		},
		"times without a zone":   {"?state=recovered&start=2026-03-02+10:09&end=2026-03-02T10:10", []string{"incident-00001"}, false},
		"a day before all":       {"?end=2026-03-01", nil, false},
		"as many as there are":   {"?state=recovered&start=2026-03-08T13:00:00%2b00:00&limit=2", []string{"incident-00149", "incident-00148"}, false},
		"a limit that is enough": {"?state=recovered&start=2026-03-08T13:00:00Z&limit=1000", []string{"incident-00149", "incident-00148"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, next := ask(t, history(150), tc.query)
			if d := cmp.Diff(tc.want, got); d != "" || (next != "") != tc.more {
				t.Errorf("next is %q; incidents (-want +got):\n%s", next, d)
			}
		})
	}
	if got, next := ask(t, history(150), ""); len(got) != 102 || next == "" {
		t.Errorf("%d incidents by default, next is %q", len(got), next)
	}
}

func TestIncidentAnswer(t *testing.T) {
	w := history(300)
	code, body := get(t, w.handler(), "/api/v1/incidents/incident-00007")
	var got web.Incident
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 || got.ID != "incident-00007" || got.IssueURL == nil {
		t.Errorf("%d %v %s", code, err, body)
	}
	if code, body := get(t, w.handler(), "/api/v1/incidents/none"); code != 404 || body != `{"error":"no such incident"}`+"\n" {
		t.Errorf("%d %s", code, body)
	}
	w.failing = errors.New("disk I/O error at /secret")
	if code, body := get(t, w.handler(), "/api/v1/incidents/none"); code != 500 || strings.Contains(body, "secret") {
		t.Errorf("%d %s", code, body)
	}
}

// TestIncidentsAnswerPaged follows the cursor, while incidents begin, end, and are dropped.
func TestIncidentsAnswerPaged(t *testing.T) {
	w := history(150)
	times := map[string]int{}
	pages := 0
	for next := ""; pages == 0 || next != ""; pages++ {
		var got []string
		got, next = ask(t, w, "?limit=40&cursor="+next)
		for _, id := range got {
			times[id]++
		}
		newer := w.incidents[0]
		newer.ID, newer.Windows = fmt.Sprint("newer-", pages), slices.Clone(newer.Windows)
		newer.Windows[0].Onset, newer.Windows[0].Ended = at.AddDate(1, 0, 0), at.AddDate(1, 0, 1)
		w.incidents = append(w.incidents, newer)
		if pages == 0 { // the last of the first page
			w.incidents = slices.DeleteFunc(w.incidents, func(i alert.Incident) bool { return i.ID == "incident-00110" })
		}
	}
	if pages != 4 || len(times) != 152 {
		t.Errorf("%d incidents on %d pages", len(times), pages)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
}

func TestIncidentsAnswerErrors(t *testing.T) {
	for query, want := range map[string]string{
		"start=yesterday":       `start must be a time like 2026-11-28T14:00:00Z or 2026-11-28, not \"yesterday\"`,
		"end=2026-13-01":        `end must be a time like 2026-11-28T14:00:00Z or 2026-11-28, not \"2026-13-01\"`,
		"limit=0":               `limit must be a number from 1 to 1000, not \"0\"`,
		"limit=1001":            `limit must be a number from 1 to 1000, not \"1001\"`,
		"limit=many":            `limit must be a number from 1 to 1000, not \"many\"`,
		"severity=0":            `severity must be a number from 1, the worst, to 9, not \"0\"`,
		"triage=bad":            `triage must be completed, noise, duplicate, transferred, deleted or none, not \"bad\"`,
		"state=burning":         `state must be open or recovered, not \"burning\"`,
		"cursor=x":              `cursor must be the next of an earlier answer, not \"x\"`,
		"cursor=bm90aGluZw":     `cursor must be the next of an earlier answer, not \"bm90aGluZw\"`,
		"cursor=bm90IGEgdGltZQ": `cursor must be the next of an earlier answer, not \"bm90IGEgdGltZQ\"`,
	} {
		w := history(1)
		code, body := get(t, w.handler(), "/api/v1/incidents?"+query)
		if code != 400 || body != `{"error":"`+want+"\"}\n" {
			t.Errorf("%s: %d %s", query, code, body)
		}
		if code, page := get(t, w.handler(), "/incidents?"+query); code != 400 || !strings.Contains(text(page), strings.ReplaceAll(want, `\`, "")) {
			t.Errorf("%s: the page has status %d and says %s", query, code, text(page))
		}
		if w.read.Load() > 0 {
			t.Errorf("%s: incidents were read", query)
		}
	}
}

var olderLink = regexp.MustCompile(`<a href="\.([^"]*)" rel="next">Older</a>`)

// TestIncidentsPaged follows the links from page to page.
func TestIncidentsPaged(t *testing.T) {
	for query, want := range map[string]struct{ incidents, pages int }{
		"":                                       {122, 3},
		"?q=availability":                        {122, 3},
		"?q=SERVICE-7":                           {12, 1},
		"?group=service-1&start=2026-03-02":      {13, 1},
		"?service=service-7":                     {12, 1},
		"?service=service-7&q=nothing":           {0, 1},
		"?triage=none":                           {122, 3},
		"?triage=noise":                          {0, 1},
		"?severity=9&service=service-7":          {0, 1},
		"?state=recovered":                       {120, 3},
		"?state=open":                            {2, 1},
		"?q=nothing":                             {0, 1},
		"?start=2026-03-03+00:00&end=2026-03-04": {25, 1},
	} {
		w := history(120)
		seen, pages := map[string]bool{}, 0
		for path := "/incidents" + query; path != ""; pages++ {
			_, page := get(t, w.handler(), path)
			for _, found := range regexp.MustCompile(`href="\./incidents/([^"]*)"`).FindAllStringSubmatch(page, -1) {
				if seen[found[1]] {
					t.Errorf("%s: %s is there twice", query, found[1])
				}
				seen[found[1]] = true
			}
			path = ""
			if found := olderLink.FindStringSubmatch(page); found != nil {
				path = html.UnescapeString(found[1])
			}
			balanced(t, page)
		}
		if len(seen) != want.incidents || pages != want.pages {
			t.Errorf("%s: %d incidents on %d pages, want %d on %d", query, len(seen), pages, want.incidents, want.pages)
		}
	}
}

// TestSearchIsBounded looks for an incident older than a page looks back: each page says how far it
// looked, and the next one goes on from there.
func TestSearchIsBounded(t *testing.T) {
	w := history(2500)
	w.incidents[7].Windows[0].Objective.Owner = "@acme/needle"
	path := "/incidents?q=needle"
	for n, want := range []string{
		"None match the filter so far. Searched back to 2026-05-03 21:00 UTC . There are older incidents. Older",
		"No more match the filter so far. Searched back to 2026-03-23 05:00 UTC . There are older incidents. Newest · Older",
		"service-7 service-7-availability recovered",
	} {
		w.read.Store(0)
		_, page := get(t, w.handler(), path)
		if !strings.Contains(text(page), want) {
			t.Fatalf("page %d does not say %q: %s", n, want, text(page))
		}
		if w.read.Load() > 1002 {
			t.Errorf("%d incidents were read", w.read.Load())
		}
		if found := olderLink.FindStringSubmatch(page); found != nil {
			path = html.UnescapeString(found[1])
		}
	}
	_, page := get(t, w.handler(), "/?q=needle")
	if want := "Recent incidents None of the newest match the filter. All incidents with these words"; !strings.Contains(text(page), want) {
		t.Errorf("the first page does not say %q: %s", want, text(page))
	}
}

// TestReadsDoNotGrow compares what is read and answered with a few incidents and with many.
func TestReadsDoNotGrow(t *testing.T) { synctest.Test(t, readsDoNotGrow) }

func readsDoNotGrow(t *testing.T) {
	few, many := history(2400), history(12_000)
	middle := func(w *world) string {
		return url.QueryEscape(w.incidents[len(w.incidents)/2].Onset().Format(time.RFC3339))
	}
	for name, path := range map[string]func(w *world) string{
		"the first page":       func(*world) string { return "/" },
		"a filter":             func(*world) string { return "/?q=nothing" },
		"the incidents":        func(*world) string { return "/incidents" },
		"incidents by words":   func(*world) string { return "/incidents?q=nothing" },
		"incidents of a time":  func(w *world) string { return "/incidents?end=" + middle(w) },
		"an incident":          func(*world) string { return "/incidents/incident-00100" },
		"the API":              func(*world) string { return "/api/v1/incidents" },
		"the API by a time":    func(w *world) string { return "/api/v1/incidents?end=" + middle(w) },
		"as much as there may": func(*world) string { return "/api/v1/incidents?limit=1000" },
	} {
		size := map[*world]int{}
		for _, w := range []*world{few, many} {
			w.read.Store(0)
			w.asked.Store(0)
			code, body := get(t, w.handler(), path(w))
			if code != 200 {
				t.Errorf("%s: %d", name, code)
			}
			size[w] = len(body)
		}
		if few.read.Load() != many.read.Load() || few.asked.Load() != many.asked.Load() || many.read.Load() > 3010 {
			t.Errorf("%s: %d incidents and %d publications of few, %d and %d of many", name, few.read.Load(), few.asked.Load(), many.read.Load(), many.asked.Load())
		}
		if more := size[many] - size[few]; more > size[few]/50 {
			t.Errorf("%s: %d bytes with few, %d with many", name, size[few], size[many])
		}
	}
}
