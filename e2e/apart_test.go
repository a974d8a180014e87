//go:build e2e

package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

// companion is an objective of the shop that always meets its target, in the group of `checkout`.
const companion = `
  - name: companion
    service: shop
    target: 99%
    window: 10m
    indicator: {ratio: {bad: 'http_requests_total{job="shop",code="418"}', total: 'http_requests_total{job="shop"}'}}
    incident: {burn: [{rate: 5, long: 20s, short: 4s}, {rate: 2, long: 60s, short: 10s}], budget: false}
`

// marked has queries of objectives say something that changes nothing, by which they are known.
func marked(slos string) string {
	return strings.ReplaceAll(slos, `job="shop"`, `job="shop",marked=""`)
}

// asksAboutMarked reports whether a request's query is about marked objectives. The request can
// still be sent on.
func asksAboutMarked(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	return err == nil && strings.Contains(form.Get("query")+r.URL.Query().Get("query"), "marked=")
}

// failMarked has Prometheus answer in one way when it is asked about marked objectives.
func (p *faultyPrometheus) failMarked(answer http.HandlerFunc) {
	mode := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asksAboutMarked(r) {
			answer(w, r)
			return
		}
		p.good.ServeHTTP(w, r)
	})
	p.mode.Store(&mode)
}

// TestOneUnreadable has one of two objectives of a service never be read, from before the first
// start on. The other one's outage is found as if it were alone.
func TestOneUnreadable(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"warning": says(http.StatusOK, "application/json", `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store-1 did not answer"]}`),
		"garbage": says(http.StatusOK, "application/json", "\x00\xff{]"),
		"timeout": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(2 * time.Second):
			case <-r.Context().Done():
			}
			says(http.StatusServiceUnavailable, "application/json", `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`)(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findOutageBeside(t, answer)
		})
	}
}

// findOutageBeside has postburn find an outage while the queries about another objective of the
// same lane are answered in some way that is no answer, from before the first start on.
func findOutageBeside(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	s := newStage(t, onlyBurns()+marked(companion))
	faulty := newFaultyPrometheus(t, s.prometheus.url())
	faulty.failMarked(answer)
	s.postburn.env = append(s.postburn.env, "POSTBURN_PROMETHEUS_URL="+faulty.URL)
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	if took := time.Since(f.on); took > 10*time.Second {
		t.Errorf("the post-mortem was opened after %s", took)
	}
	f.until(8 * time.Second)
	s.repair(f)
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	await(t, patience, "the other objective to be blind", func() error { return s.postburn.stateOf("companion", alert.Blind) })
	faulty.mode.Store(nil) // a replay needs to read all of the past
	s.verifyReplay()
}

// TestOneRefused has the queries of one of two objectives be refused from before its outage until
// after it, for longer than a tick is waited for that alone can't be read. No event is lost, though
// the SLO file sets a delay.
func TestOneRefused(t *testing.T) {
	t.Parallel()
	slos := strings.Replace(onlyBurns(), "    window: 10m\n", "    window: 10m\n    delay: 2s\n", 1)
	s := newStage(t, marked(slos)+companion)
	faulty := newFaultyPrometheus(t, s.prometheus.url())
	s.postburn.env = append(s.postburn.env, "POSTBURN_PROMETHEUS_URL="+faulty.URL)
	s.start()
	faulty.failMarked(says(http.StatusUnprocessableEntity, "application/json", `{"status":"error","errorType":"execution","error":"expanding series: it is busy"}`))
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	f := s.breakDown()
	f.until(8 * time.Second)
	s.repair(f)
	f.until(32 * time.Second)
	await(t, patience, "the other objective to be well", func() error { return s.postburn.stateOf("companion", alert.OK) })
	if all, err := s.postburn.incidents(); err != nil || len(all) != 0 {
		t.Errorf("what can't be read has incidents: %+v, %v", all, err)
	}
	faulty.mode.Store(nil)
	s.verify(f)
	// All that the shop served is counted, from its first scrape on.
	s.postburn.ticksOn(3)
	o, tick := s.objectiveAsOf()
	last := s.scraped(tick)
	least, most := s.shop.count(s.firstScraped(tick), last).Total-3*rate, s.shop.count(s.began, last).Total+rate/2
	if o.TotalEvents < least || o.TotalEvents > most {
		t.Errorf("%v events; the shop served %v to %v", o.TotalEvents, least, most)
	}
}
