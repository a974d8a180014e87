//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/postburn/postburn/web"
	"github.com/postburn/postburn/web/apitest"
)

// TestAPI checks the answers of a daemon by the description that it serves: without incidents, while
// its shop is down, and after that. The SLO file has a service whose name is hostile.
func TestAPI(t *testing.T) {
	t.Parallel()
	const hostile = `</script><img src=x onerror=alert(1)> "' & %00 ../..`
	s := newStage(t, strings.Replace(onlyBurns(), "service: shop", "service: '"+strings.ReplaceAll(hostile, "'", "''")+"'\n    links: {runbook: 'https://example.com/?q="+url.QueryEscape(hostile)+"'}", 1))
	s.start()
	served, err := get(s.postburn.url + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile("../web/openapi.json"); err != nil || !bytes.Equal(kept, served) {
		t.Errorf("the description that is served is not the one that is kept, %v", err)
	}
	checker, err := apitest.New(served)
	if err != nil {
		t.Fatal(err)
	}
	s.verifyAPI(checker, "none")
	f := s.breakDown()
	s.awaitOpened()
	all, err := s.postburn.incidents()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d incidents, %v", len(all), err)
	}
	s.verifyAPI(checker, all[0].ID)
	s.verifyCurrent(all[0], hostile)
	s.repair(f)
	s.awaitRecovered()
	s.verifyAPI(checker, all[0].ID)
	s.awaitEvidence(all[0].ID)
	s.prometheus.kill()
	s.verifyAPI(checker, all[0].ID)
}

// verifyAPI asks for all that there is, rightly and wrongly.
func (s *stage) verifyAPI(checker apitest.Checker, incident string) {
	s.t.Helper()
	seen := map[int]bool{}
	for _, path := range []string{
		"slos", "slos/checkout", "slos/checkout?range=1m", "slos/checkout?labels=", "slos/checkout?range=soon", "slos/none", "slos/%3Cscript%3E",
		"incidents", "incidents?state=open", "incidents?state=closed", "incidents?severity=1&service=shop&triage=none", "incidents?limit=1&start=2026-01-01", "incidents?cursor=%00",
		"incidents/" + incident, "incidents/none", "report?since=30d", "report?service=shop&service=other", "report?month=13", "status", "openapi.json",
	} {
		r, err := http.NewRequest(http.MethodGet, s.postburn.url+"/api/v1/"+path, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			s.t.Fatal(err)
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		if err := checker.Answer(r, answer); err != nil {
			s.t.Errorf("%s: %d %s is not as described: %v", path, answer.StatusCode, body, err)
		}
		seen[answer.StatusCode] = true
	}
	if len(seen) != 3 || !seen[200] || !seen[400] || !seen[404] {
		s.t.Errorf("statuses %v", seen)
	}
}

// verifyCurrent checks what the API says of now while the shop is down.
func (s *stage) verifyCurrent(open web.Incident, service string) {
	s.t.Helper()
	await(s.t, patience, "the current error ratio", func() error {
		o, err := s.postburn.objective()
		if err != nil {
			return err
		}
		all, err := s.postburn.incidents()
		if err != nil {
			return err
		}
		i := all[0]
		if o.Incident != open.ID || o.Service != service || i.Service != service || o.CurrentErrorRatio == nil || *o.CurrentErrorRatio < 0.01 ||
			i.CurrentErrorRatio == nil || *i.CurrentErrorRatio < 0.01 || i.Impact.SLO != "checkout" || i.Impact.BadEvents == 0 {
			return fmt.Errorf("the objective is %+v and the incident %+v", o, i)
		}
		return nil
	})
}

// awaitEvidence waits until the API has what was found around an incident.
func (s *stage) awaitEvidence(id string) {
	s.t.Helper()
	await(s.t, patience, "the evidence", func() error {
		body, err := get(s.postburn.url + "/api/v1/incidents/" + id)
		if err != nil {
			return err
		}
		var i web.Incident
		if err := json.Unmarshal(body, &i); err != nil {
			return err
		}
		if i.Evidence == nil || i.Evidence.Chart == nil || len(i.Evidence.Chart.Points) == 0 || i.CurrentErrorRatio != nil {
			return fmt.Errorf("it is %s", body)
		}
		return nil
	})
}
