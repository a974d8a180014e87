//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/web"
)

const quietSLOs = `
slos:
  - name: checkout
    service: shop
    target: 99%
    window: 8d
    indicator: {ratio: {bad: 'http_requests_total{job="shop",code="500"}', total: 'http_requests_total{job="shop"}'}}
    incident: {burn: [{rate: 5, long: 2m, short: 20s}], budget: false, quiet: {below: 10%, after: 2m, issue: true}}
`

// TestQuiet has requests stop while what counts them stays up, and be back once that was
// found. A Prometheus has the nine days before, and knows the next seconds, too.
func TestQuiet(t *testing.T) {
	t.Parallel()
	const scrape = 5 * time.Second // and the interval
	server := promtest.Start(t)
	served := map[string]string{"__name__": "http_requests_total", "job": "shop", "instance": "a", "code": "200"}
	up := map[string]string{"__name__": "up", "job": "shop", "instance": "a"}
	at, total := time.Now().Truncate(scrape).AddDate(0, 0, -9), 0.0
	until := func(end time.Time, requests float64) {
		t.Helper()
		var samples []promtest.Sample
		for ; !at.After(end); at = at.Add(scrape) {
			total += requests
			samples = append(samples, promtest.Sample{Time: at, Value: total, Labels: served}, promtest.Sample{Time: at, Value: 1, Labels: up})
		}
		if len(samples) == 0 {
			return
		}
		if err := server.Append(samples...); err != nil {
			t.Fatal(err)
		}
	}
	until(time.Now().Add(-5*time.Minute), 50) // takes a while
	now := time.Now().Truncate(scrape)
	stopped := now.Add(-4 * time.Minute)
	until(stopped, 50)
	staysQuiet := func() { until(time.Now().Add(20*time.Second), 0) }
	staysQuiet()
	p := newPostburn(t, server.URL(), quietSLOs, "POSTBURN_INTERVAL="+scrape.String(), "POSTBURN_DELAY=0s")
	p.start()
	await(t, patience, "the objective to be quiet", func() error {
		staysQuiet()
		return p.state(alert.Quiet)
	})
	o, err := p.objective()
	if err != nil || o.QuietSince == nil || o.QuietSince.Sub(stopped).Abs() > 2*scrape {
		t.Errorf("quiet since %v, want %s; %v", o.QuietSince, stopped, err)
	}
	page, err := get(p.url + "/?state=quiet")
	if err != nil || !strings.Contains(string(page), "checkout") {
		t.Errorf("the page of what is quiet has no checkout: %v\n%s", err, page)
	}
	await(t, patience, "the post-mortem", func() error {
		staysQuiet()
		if n := len(p.postMortems()); n != 1 {
			return fmt.Errorf("%d post-mortems", n)
		}
		return nil
	})
	if all, err := p.incidents(); err != nil || len(all) != 1 || all[0].State != string(alert.Quiet) {
		t.Errorf("incidents are %+v, %v", all, err)
	}
	back := at.Add(-scrape)
	until(back.Add(10*time.Minute), 50)
	var incident web.Incident
	await(t, patience, "the incident to be over", func() error {
		all, err := p.incidents()
		if err == nil && (len(all) != 1 || all[0].State != "recovered") {
			err = fmt.Errorf("incidents are %+v", all)
		}
		if err == nil {
			incident = all[0]
		}
		return err
	})
	w := incident.Windows[0]
	if len(incident.Windows) != 1 || w.Kind != alert.Quietness || w.Onset.Sub(stopped).Abs() > 2*scrape || w.Ended.Sub(back).Abs() > 2*scrape {
		t.Errorf("quiet from %s to %s: %+v", stopped, back, incident)
	}
	if usual := 10 * w.Ended.Sub(w.Onset).Seconds(); w.UsualEvents < 0.9*usual || w.UsualEvents > 1.1*usual || w.TotalEvents > 0.1*usual {
		t.Errorf("%v events, and %v are usual; want none of %v", w.TotalEvents, w.UsualEvents, usual)
	}
	if incident.Detected.After(back) {
		t.Errorf("detected at %s, after requests were back at %s", incident.Detected, back)
	}
}
