//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/web"
)

// hostile are values as an attacker would have them in labels, SLO files and answers.
const hostile = `</title></svg><script>document.title = "run"</script><img src=x onerror=alert(1)>{{.}}` + "\u202e"

// TestPagesOfAllSizes opens all pages in Chromium, with nothing to show, with a little, and with
// 5,000 objectives and 20,000 incidents: on a phone and on a wall, light and dark. PAGES_DIR says
// where to put pictures of pages with much to show, to be looked at.
func TestPagesOfAllSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ objectives, incidents int }{{0, 0}, {3, 5}, {5000, 20_000}} {
		t.Run(fmt.Sprint(size.objectives), func(t *testing.T) {
			w := newFullWorld(t, size.objectives, size.incidents)
			paths := []string{"", "?sort=-incidents&q=s", "incidents", "status", "report", "incidents/none", "slos/none"}
			if size.objectives > 0 {
				paths = append(paths, "slos/slo-0", "slos/slo-1?range=6h", "incidents/incident-000000", "incidents/incident-000001")
			}
			base := w.serve(t)
			for _, path := range paths {
				if _, console := browse(t, base+"/"+path); len(console) > 0 && !strings.HasSuffix(path, "none") {
					t.Errorf("%s: the console says %q", path, console)
				}
			}
			for _, p := range frames(t, base, paths) {
				p.verify(t)
				if p.Title == "run" {
					t.Errorf("%s ran a script: its title is %q", p.Path, p.Title)
				}
			}
			if dir := os.Getenv("PAGES_DIR"); dir != "" && size.objectives > 3 {
				takePictures(t, base, dir)
			}
		})
	}
}

// takePictures takes pictures of pages, narrow and wide, light and dark.
func takePictures(t *testing.T, base, dir string) {
	t.Helper()
	for name, path := range map[string]string{
		"overview": "/", "sorted": "/?sort=budget", "objective": "/slos/slo-1", "incident": "/incidents/incident-000001", "incidents": "/incidents", "status": "/status",
	} {
		for _, width := range []int{400, 1600} {
			for scheme, flag := range map[string]string{"light": "--blink-settings=preferredColorScheme=1", "dark": "--blink-settings=preferredColorScheme=0"} {
				file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
				browser := headless(t.Context(), t, flag, "--screenshot="+file, fmt.Sprintf("--window-size=%d,2000", max(width, 500)), "--hide-scrollbars", base+path)
				if out, err := browser.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", file, err, out)
				}
			}
		}
	}
}

// fullWorld is what pages show: objectives in all states, and a store with incidents.
type fullWorld struct {
	statuses []alert.Status
	database *sqlite.Store
}

// newFullWorld makes a world of so many objectives and incidents. One in a hundred objectives
// burns, is blind, or quiet; the incidents are of the last 60 days.
func newFullWorld(t *testing.T, objectives, incidents int) *fullWorld {
	t.Helper()
	database, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	w := &fullWorld{database: database}
	tick := time.Now().Truncate(time.Minute).UTC()
	for n := range objectives {
		w.statuses = append(w.statuses, w.status(n, tick))
	}
	fence, err := database.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := alert.Batch{Lane: "a", Fence: fence, Tick: tick}
	for n := range incidents {
		ago := time.Duration(n) * (60 * 24 * time.Hour / time.Duration(incidents)) // in this order it can't overflow
		batch.Incidents = append(batch.Incidents, w.incident(n, tick.Add(-ago-time.Hour)))
	}
	if err := database.Commit(t.Context(), []alert.Batch{batch}); err != nil {
		t.Fatal(err)
	}
	for _, i := range batch.Incidents[:min(100, incidents)] {
		p := issue.NewPublication(issue.Single, i)
		p.Writes = []issue.Write{{Key: i.ID, Stage: issue.Opening, Delivery: issue.Delivery{State: issue.Posted}, Ref: issue.Ref{URL: "postmortems/" + i.ID + ".md"}}}
		if err := database.Save(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (*fullWorld) status(n int, tick time.Time) alert.Status {
	s := alert.Status{
		Objective: slo.Objective{
			Name: fmt.Sprintf("slo-%d", n), Service: fmt.Sprintf("service-%02d", n%37), Owner: "@acme/shop", Description: "Requests to the shop succeed.",
			Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour},
			Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `http_request_duration_seconds{job="shop"}`, Threshold: 500 * time.Millisecond}},
		},
		Tick: tick, Window: slo.Counts{Total: 12_345_678, Bad: float64(n%50) * 400}, BudgetRemaining: 1 - float64(n%50)/40, State: alert.OK,
		BurnRates: []alert.BurnRate{{Window: 5 * time.Minute, Rate: 0.4}, {Window: time.Hour, Rate: float64(n%7) / 2}},
	}
	switch n % 100 {
	case 1:
		s.State, s.Objective.Description, s.Objective.Service = alert.Burning, hostile, "shop"+hostile
		s.Labels = slo.NewLabels(map[string]string{"region": hostile})
		s.Redefined, s.Changes = tick.Add(-24*time.Hour), []string{hostile}
	case 2:
		s.State, s.BlindSince = alert.Blind, tick.Add(-20*time.Minute)
	case 3:
		s.State, s.QuietSince = alert.Quiet, tick.Add(-time.Hour)
	}
	return s
}

// incident is the n-th newest. The first two are open.
func (w *fullWorld) incident(n int, onset time.Time) alert.Incident {
	of := w.statuses[n%len(w.statuses)]
	i := alert.Incident{ID: fmt.Sprintf("incident-%06d", n), Revision: 1, Group: of.Objective.Service}
	v := alert.Window{
		Objective: of.Objective, Labels: of.Labels, Kind: []alert.Kind{alert.Burn, alert.Burn, alert.Blindness, alert.Budget, alert.Quietness}[n%5],
		Onset: onset, Detected: onset.Add(2 * time.Minute), Ended: onset.Add(40 * time.Minute), PeakBurnRate: 71.3, Counts: slo.Counts{Total: 15337, Bad: 1093},
		BudgetSpent: 0.301, BudgetLeft: 0.375, Severity: 2, Caveats: []slo.Caveat{{Kind: slo.NoData, Count: 4}},
		Phases: []alert.Phase{{Kind: alert.Outage, Span: slo.Span{Start: onset, End: onset.Add(10 * time.Minute)}, Counts: slo.Counts{Total: 9000, Bad: 7000}}},
	}
	if v.Kind == alert.Burn {
		v.Rule = &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute}
	}
	if n < 2 {
		v.Ended = time.Time{}
	}
	i.Windows = []alert.Window{v}
	return i
}

// details has an objective miss its target in the middle of its course.
func (w *fullWorld) details(_ context.Context, name string, length time.Duration, most int) (all []alert.Detail, _ error) {
	for _, s := range w.statuses {
		if s.Objective.Name != name {
			continue
		}
		if length == 0 {
			length = s.Objective.Window.Length()
		}
		d := alert.Detail{Status: s, Policy: alert.Policy{Group: s.Objective.Service, MinBadEvents: 10, Budget: true, Rules: alert.DefaultRules(length)}}
		for _, l := range []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour, s.Objective.Window.Length()} {
			d.Attained = append(d.Attained, alert.Attained{Length: l, Counts: slo.Counts{Total: 60_000 * l.Hours(), Bad: 61}})
		}
		for _, r := range alert.DefaultRules(s.Objective.Window.Length()) {
			d.Rules = append(d.Rules, alert.RuleStatus{Rule: r, LongBurnRate: 10, ShortBurnRate: 7.2, Bad: 61})
		}
		step := length / time.Duration(most)
		for n := range most {
			c := alert.Stretch{Span: slo.Span{Start: s.Tick.Add(-time.Duration(most-n) * step)}, Counts: slo.Counts{Total: float64(9000 + n%17*100), Bad: float64(n % 9)}}
			if c.End = c.Start.Add(step); n > most/2 && n < most/2+6 {
				c.Bad = 600
			}
			d.Course = append(d.Course, c)
		}
		all = append(all, d)
	}
	return all, nil
}

// serve serves the pages, and returns where.
func (w *fullWorld) serve(t *testing.T) (address string) {
	t.Helper()
	logger, registry := slog.New(slog.DiscardHandler), client.NewRegistry()
	h := web.NewHandler(logger, registry)
	h.Ready(web.Data{
		Statuses: func(time.Time) []alert.Status { return w.statuses }, Store: w.database, Reload: func(context.Context) error { return nil }, Details: w.details,
		Graph:  func(slo.Objective, slo.Labels) (string, error) { return hostile, nil },
		Places: map[string]web.Place{"": {PrometheusURL: "https://prometheus.example.org", Grafana: web.Grafana{URL: "https://grafana.example.org", DataSource: hostile}}},
		Durations: func(context.Context, slo.Objective, slo.Labels, slo.Span) ([]slo.Quantile, error) {
			return []slo.Quantile{{Value: 12 * time.Millisecond}, {Value: 340 * time.Millisecond}, {Value: 2 * time.Second, Above: true}}, nil
		},
		Changes: func(string) []web.Change { return []web.Change{{At: time.Now().Add(-time.Hour), Text: hostile}} },
		SLOFiles: func() web.SLOFiles {
			return web.SLOFiles{Changed: time.Now(), Changes: []string{hostile}, Refused: hostile}
		},
		About: func() web.About {
			about := web.About{Build: "postburn 1.2.3", Started: time.Now().Add(-time.Hour), Failing: map[string]error{}}
			if len(w.statuses) > 2 {
				about.Failing[w.statuses[2].Objective.Name] = fmt.Errorf("parse error: %s", hostile)
			}
			return about
		},
		PostMortem: func(context.Context, issue.Ref) (string, error) {
			return "# The shop failed\n\n" + hostile + "\n\n| when | what |\n|---|---|\n| 10:00 | `it` |\n\n- [ ] alert on it\n\n<details><summary>More</summary>\n\n```promql\nup == 0\n```\n\n</details>\n", nil
		},
		ReadReport: func(ctx context.Context, p report.Period, now time.Time) (in report.Input, err error) {
			in = report.Input{Period: p, AsOf: now}
			in.Days, in.Incidents, in.Learned, err = w.database.Recorded(ctx, p.Before().Start, p.End)
			return in, err
		},
	})
	server := httptest.NewUnstartedServer(nil)
	server.Config, server.Listener = web.NewServer(server.Listener, web.ServerOptions{Handler: h, Logger: logger, Registerer: registry})
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
