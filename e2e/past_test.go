//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	metrics "github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/store/sqlite"
)

const (
	pastTick  = 10 * time.Second
	incidents = 20
	apart     = 150 * time.Second // onsets: six within ten minutes would be a storm
)

// past is a Prometheus that has two hours of many services, and already knows the next minutes.
// Each service had one outage, in the hour in which postburn was down.
type past struct {
	t      *testing.T
	server *promtest.Server
	now    time.Time // the test's start
}

func newPast(t *testing.T) *past {
	t.Helper()
	p := &past{t: t, server: promtest.Start(t), now: time.Now().Truncate(pastTick)}
	start, end := p.now.Add(-2*time.Hour), p.now.Add(15*time.Minute)
	for n := range incidents {
		onset, recovered := p.outage(n)
		var good, bad float64
		var samples []promtest.Sample
		for at := start; !at.After(end); at = at.Add(pastTick) {
			if at.After(onset) && !at.After(recovered) {
				bad += 50
			}
			good += 100
			for code, value := range map[string]float64{"200": good - bad, "500": bad} {
				samples = append(samples, promtest.Sample{Time: at, Value: value, Labels: map[string]string{
					"__name__": "http_requests_total", "service": serviceName(n), "code": code, "job": "shop", "instance": serviceName(n),
				}})
			}
		}
		if err := p.server.Append(samples...); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func serviceName(n int) string { return fmt.Sprintf("s%02d", n) }

// outage is when a service was broken. Every second one goes on when the test begins.
func (p *past) outage(n int) (onset, recovered time.Time) {
	onset = p.now.Add(-55 * time.Minute).Add(time.Duration(n) * apart)
	if n%2 == 0 {
		return onset, onset.Add(2 * time.Minute)
	}
	return onset, p.now.Add(30*time.Second + time.Duration(n/4)*pastTick)
}

func (p *past) slos() string {
	var b strings.Builder
	b.WriteString("defaults: {target: 99%, window: 2h}\nslos:\n")
	for n := range incidents {
		fmt.Fprintf(&b, `
  - name: %[1]s
    service: %[1]s
    indicator: {ratio: {bad: 'http_requests_total{service="%[1]s",code="500"}', total: 'http_requests_total{service="%[1]s"}'}}
    incident: {burn: [{rate: 5, long: 2m, short: 20s}], budget: false, min_bad_events: 5, hold: 20s}
`, serviceName(n))
	}
	return b.String()
}

// watchUntilStart fills a store as a postburn did that was stopped an hour ago.
func (p *past) watchUntilStart(slos, store string) {
	p.t.Helper()
	definitions, problems := config.Load([]string{slos})
	if config.Failed(problems) {
		p.t.Fatal(problems)
	}
	var watched []alert.Definition
	for _, d := range definitions {
		watched = append(watched, d.Alert())
	}
	db, err := sqlite.Open(p.t.Context(), store, sqlite.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	client, err := prom.New(prom.Options{URL: p.server.URL()})
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	shift := time.Since(p.now) + time.Hour
	engine := engine.NewEngine(engine.Options{
		Definitions: watched, Interval: pastTick, Source: client.Read, Store: db, Logger: slog.New(slog.DiscardHandler),
		Registerer: metrics.NewRegistry(), Now: func() time.Time { return time.Now().Add(-shift) },
	})
	if err := engine.RecoverAll(p.t.Context(), db); err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	await(p.t, patience, "the first ticks", func() error {
		for _, s := range engine.Statuses(time.Now().Add(-shift)) {
			if s.State != alert.OK {
				return fmt.Errorf("%s is %s", s.Objective.Name, s.State)
			}
		}
		return nil
	})
	stop()
	if err := <-ended; err != nil {
		p.t.Fatal(err)
	}
}
