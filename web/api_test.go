package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
	"github.com/postburn/postburn/web/apitest"
)

// asked are requests of each endpoint.
var asked = []string{
	"/api/v1/slos", "/api/v1/slos/checkout-availability", "/api/v1/slos/checkout-availability?range=1h", "/api/v1/slos/cart-availability?range=1x",
	"/api/v1/slos/none", "/api/v1/slos/" + url.PathEscape(hostile), "/api/v1/slos/checkout-availability?labels=" + url.QueryEscape(hostile),
	"/api/v1/incidents", "/api/v1/incidents?state=open&severity=2", "/api/v1/incidents?triage=noise&limit=1", "/api/v1/incidents?service=" + url.QueryEscape(hostile),
	"/api/v1/incidents?cursor=x", "/api/v1/incidents/checkout-1", "/api/v1/incidents/cart-1", "/api/v1/incidents/" + url.PathEscape(hostile),
	"/api/v1/report", "/api/v1/report?since=7d&service=checkout&service=cart", "/api/v1/report?quarter=2026-Q9", "/api/v1/status", "/api/v1/openapi.json",
}

// hostile is a value that is what a label or a comment may be.
const hostile = "</script><img src=x onerror=alert(1)>\"'{}[]\\ \u202e\x00\xff\t\U0001f525 %s ../"

// TestAPIAsDescribed checks answers by the API's own description.
func TestAPIAsDescribed(t *testing.T) {
	checker, err := apitest.New(web.DescriptionJSON)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*scene){
		"as in the examples":              func(*scene) {},
		"starting":                        starting,
		"nothing there":                   func(s *scene) { s.world = &world{} },
		"all at once":                     func(s *scene) { s.world = usual() },
		"hostile values":                  beHostile,
		"a store that fails":              unreadable,
		"publications that can't be read": func(s *scene) { s.unpublished = errors.New("disk I/O error") },
		"samples being read":              reading,
		"no samples yet": func(s *scene) {
			for n := range s.statuses {
				s.statuses[n] = alert.Status{Objective: s.statuses[n].Objective, State: alert.Blind}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := described()
				change(s)
				h := s.handler()
				for _, path := range asked {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					answer := httptest.NewRecorder()
					h.ServeHTTP(answer, r)
					if err := checker.Answer(r, answer.Result()); err != nil {
						t.Errorf("%s: %d %s is not as described: %v", path, answer.Code, answer.Body, err)
					}
					if strings.Contains(answer.Body.String(), "/secret/") {
						t.Errorf("%s tells a secret: %s", path, answer.Body)
					}
				}
			})
		})
	}
}

// beHostile puts hostile values wherever people or services write.
func beHostile(s *scene) {
	labels := slo.NewLabels(map[string]string{hostile: hostile, "region": hostile})
	for n := range s.statuses {
		o := &s.statuses[n].Objective
		s.statuses[n].Labels, s.statuses[n].Changes = labels, []string{hostile}
		o.Service, o.Owner, o.Description = hostile, hostile, hostile
	}
	for n := range s.incidents {
		w := &s.incidents[n].Windows[0]
		s.incidents[n].Group, w.Labels, w.Objective.Service, w.Counts, w.Severity = hostile, labels, hostile, slo.Counts{Total: 1, Bad: 2}, 0
	}
	for id, p := range s.publications {
		p.FollowUps = []issue.FollowUp{{Text: hostile, Owner: hostile, Issue: hostile}}
		p.Excluded = &issue.Exclusion{By: hostile, At: time.Now(), Reason: hostile}
		p.Writes = []issue.Write{{Ref: issue.Ref{URL: hostile}}}
		found := foundAround(slo.ID{SLO: hostile, Labels: labels}, p.FollowUps[0])
		found.Contributors[0].Where[0], found.Timeline[0].Text, found.Timeline[0].URL = issue.Clause{Label: hostile, Values: []string{hostile}}, hostile, "javascript:alert(1)"
		found.LeftOut, found.Chart = []string{hostile}, nil
		p.Parts = issue.Parts{{Incident: id}}
		if err := p.Parts[0].Keep(found, time.Time{}); err != nil {
			panic(err)
		}
		s.publications[id] = p
	}
	s.files = web.SLOFiles{Refused: hostile, Changes: []string{hostile}}
	s.about.Failing = map[string]error{hostile: errors.New(hostile)}
}

// parameterValues are right for some parameters.
var parameterValues = []string{
	"0", "1", "9", "10", "1000", "1001", "-1", "1.5", "x", "open", "recovered", "completed", "none", "7d", "1h30m", "1y2w", "90d1s", "1d 1h", "2026-11-28",
	"2026-11-28 14:00", "2026-11-28T14:00", "2026-11-28T14:00:00.5+01:00", "2026-11", "2026-Q4", "2026-q1", "2026-Q0", hostile,
}

// TestParametersAsDescribed checks that the handler takes nothing that the description rules out.
func TestParametersAsDescribed(t *testing.T) {
	checker, err := apitest.New(web.DescriptionJSON)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		h := described().handler()
		for path, o := range operations {
			path = strings.NewReplacer("{name}", "checkout-availability", "{id}", "checkout-1").Replace(path)
			for _, p := range o.parameters {
				if p["in"] != "query" {
					continue
				}
				example := strings.Trim(fmt.Sprint(p["example"]), "[]")
				for _, value := range append([]string{example}, parameterValues...) {
					r := httptest.NewRequest(http.MethodGet, path+"?"+url.Values{p["name"].(string): {value}}.Encode(), nil)
					answer := httptest.NewRecorder()
					h.ServeHTTP(answer, r)
					wrong := checker.Request(r)
					if wrong != nil && answer.Code != http.StatusBadRequest {
						t.Errorf("%s: %d, but: %v", r.URL, answer.Code, wrong)
					}
					if value == example && (wrong != nil || answer.Code == http.StatusBadRequest) {
						t.Errorf("%s: %d, and it is an example: %v", r.URL, answer.Code, wrong)
					}
				}
			}
		}
	})
}

// TestIncidentFilters asks for incidents by what the store has no order for.
func TestIncidentFilters(t *testing.T) {
	filtered := func() *world {
		w := history(1500)
		for n := range w.incidents {
			i := &w.incidents[n]
			switch i.ID {
			case "incident-00007", "incident-01400":
				i.Windows[0].Severity = 2
				w.publications[i.ID] = published("https://github.com/acme/shop/issues/7", issue.Noise)
			case "incident-01401", "open-new":
				i.Windows[0].Severity = 1
			}
		}
		return w
	}
	for query, want := range map[string]struct {
		ids  []string
		more bool // there is a next page
	}{
		"?severity=2":                             {[]string{"incident-01400"}, true},
		"?severity=1":                             {[]string{"open-new", "incident-01401"}, true},
		"?severity=1&state=open":                  {[]string{"open-new"}, false},
		"?severity=3":                             {nil, true},
		"?triage=noise&end=2026-03-03":            {[]string{"incident-00007"}, false},
		"?triage=none&limit=1&state=recovered":    {[]string{"incident-01499"}, true},
		"?service=service-0&limit=2":              {[]string{"incident-01490", "incident-01480"}, true},
		"?service=service-0&limit=2&triage=noise": {[]string{"incident-01400"}, true},
		"?service=service-2&state=open":           {[]string{"open-new"}, false},
	} {
		got, next := ask(t, filtered(), query)
		if d := cmp.Diff(want.ids, got); d != "" || (next != "") != want.more {
			t.Errorf("%s: next is %q; incidents (-want +got):\n%s", query, next, d)
		}
	}
	w := filtered()
	var all []string
	for query, next := "?severity=2", "x"; next != ""; query = "?severity=2&cursor=" + next {
		var some []string
		w.read.Store(0)
		some, next = ask(t, w, query)
		if w.read.Load() > 1100 {
			t.Errorf("%s reads %d incidents", query, w.read.Load())
		}
		all = append(all, some...)
	}
	if d := cmp.Diff([]string{"incident-01400", "incident-00007"}, all); d != "" {
		t.Errorf("page by page (-want +got):\n%s", d)
	}
	for _, query := range []string{"?severity=0", "?severity=10", "?severity=x", "?triage=closed"} {
		if code, body := get(t, w.handler(), "/api/v1/incidents"+query); code != http.StatusBadRequest || !strings.Contains(body, "must be") {
			t.Errorf("%s: %d %s", query, code, body)
		}
	}
}
