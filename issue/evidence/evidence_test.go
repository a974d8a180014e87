package evidence_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

var update = flag.Bool("update", false, "write the goldens and the table in docs/evidence-measured.md anew")

const interval = 30 * time.Second

func objective() alert.Definition {
	return alert.Definition{
		Objective: slo.Objective{
			Name: "store-availability", Service: "store", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour},
			Indicator: slo.Indicator{Ratio: &slo.Ratio{
				Bad: `http_requests_total{job="store",code=~"5.."}`, Total: `http_requests_total{job="store"}`,
			}},
		},
		Policy: alert.Policy{
			Rules: []alert.Rule{{Rate: slo.MustDecimal("2"), Long: time.Hour, Short: 5 * time.Minute}}, MinBadEvents: 10,
			MergeGap: 30 * time.Minute, Group: "store",
		},
	}
}

// latencyObjective is that 99 % of requests take at most 500 ms.
func latencyObjective() alert.Definition {
	d := objective()
	d.Objective.Name, d.Objective.Target = "store-latency", slo.MustDecimal("99%")
	d.Objective.Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: `http_request_duration_seconds{job="store"}`, Threshold: 500 * time.Millisecond}}
	return d
}

// opened counts the queries of all clients that a collector opened.
type opened struct {
	client *prom.Client
	mu     sync.Mutex
	all    []*prom.Client
}

func (o *opened) open(_ string, queries int) evidence.Prometheus {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, o.client.Bounded(queries))
	return o.all[len(o.all)-1]
}

func (o *opened) asked() (n int) {
	for _, c := range o.all {
		n += c.Asked()
	}
	return n
}

func newClient(t *testing.T, url string) *prom.Client {
	t.Helper()
	client, err := prom.New(prom.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// collect loads a fault's history, replays it, and collects the evidence of its only incident.
func (f fault) collect(t *testing.T) (alert.Incident, issue.Evidence, int) {
	t.Helper()
	server := promtest.Start(t)
	if err := server.LoadService(f.service); err != nil {
		t.Fatal(err)
	}
	if err := server.Load(f.service.Start, interval, f.series); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL())
	definition := objective()
	if f.service.Latency != nil {
		definition = latencyObjective()
	}
	found, err := engine.Replay(t.Context(), client.Read, []alert.Definition{definition}, interval, minute(-30), minute(60), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Incidents) != 1 {
		t.Fatalf("%d incidents", len(found.Incidents))
	}
	o := &opened{client: client}
	c := evidence.New(evidence.Options{Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) }})
	return found.Incidents[0], c(t.Context(), found.Incidents[0]), o.asked()
}

// score is how many of a fault's facts were found or missed, and what was found that is not so.
type score struct {
	found, missed []string
	wrong         []string
}

func (f fault) score(i alert.Incident, e issue.Evidence) (s score) {
	where := ""
	for _, c := range e.Contributors {
		text := clauses(c)
		switch {
		case !c.Outcome:
			where = text
		case text == f.kind:
			s.found = append(s.found, text)
		default:
			s.wrong = append(s.wrong, text)
		}
	}
	if len(s.found) == 0 && f.kind != "" {
		s.missed = append(s.missed, f.kind)
	}
	s.scoreDurations(f, e)
	switch {
	case where == f.where && where == "":
	case where == f.where:
		s.found = append(s.found, where)
	case where == "":
		s.missed = append(s.missed, f.where)
	default:
		s.wrong = append(s.wrong, where)
		if f.where != "" {
			s.missed = append(s.missed, f.where)
		}
	}
	text, _ := postmortem.Render(issue.Facts{Incident: i, Evidence: e, Interval: interval}, issue.Opening)
	switch surge := strings.Contains(text.Body, " times as many as in "); {
	case surge && f.surge:
		s.found = append(s.found, "more traffic")
	case surge:
		s.wrong = append(s.wrong, "more traffic")
	case f.surge:
		s.missed = append(s.missed, "more traffic")
	}
	matched := make([]bool, len(e.Timeline))
rows:
	for _, r := range f.rows {
		for n, entry := range e.Timeline {
			if !matched[n] && strings.Contains(entry.Text, r.text) && entry.Time.Sub(r.at).Abs() <= time.Minute {
				matched[n] = true
				s.found = append(s.found, r.text)
				continue rows
			}
		}
		s.missed = append(s.missed, r.text)
	}
	for n, entry := range e.Timeline {
		if !matched[n] {
			s.wrong = append(s.wrong, entry.Time.Format(time.TimeOnly)+" "+entry.Text)
		}
	}
	return s
}

// scoreDurations looks whether p99 is in the bucket in which it is.
func (s *score) scoreDurations(f fault, e issue.Evidence) {
	if f.p99 == [2]time.Duration{} {
		return
	}
	what := fmt.Sprintf("p99 from %s to %s", f.p99[0], f.p99[1])
	switch {
	case len(e.Durations) == 0:
		s.missed = append(s.missed, what)
	case e.Durations[0].Window[2].Value < f.p99[0], e.Durations[0].Window[2].Value > f.p99[1]:
		s.wrong = append(s.wrong, fmt.Sprintf("p99 is %s", e.Durations[0].Window[2].Value))
	default:
		s.found = append(s.found, what)
	}
}

func clauses(c issue.Contributor) string {
	var parts []string
	for _, w := range c.Where {
		parts = append(parts, w.Label+`="`+strings.Join(w.Values, "|")+`"`)
	}
	slices.Sort(parts) // in which order is all the same
	return strings.Join(parts, " ")
}

// TestFaults injects faults, and compares the table of what was found with
// docs/evidence-measured.md.
func TestFaults(t *testing.T) {
	all := faults()
	scores := make([]score, len(all))
	t.Run("each", func(t *testing.T) {
		for n, f := range all {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				i, e, asked := f.collect(t)
				scores[n] = f.score(i, e)
				t.Logf("%d queries; missed %q; not found out: %q", asked, scores[n].missed, e.Unresolved)
				tooMany := func(s string) bool { return strings.HasSuffix(s, "it would take too many queries.") }
				if rest := slices.DeleteFunc(slices.Clone(e.Unresolved), tooMany); len(rest) > 0 || asked > 50 || e.Chart == nil {
					t.Errorf("%d queries; not found out: %q", asked, e.Unresolved)
				}
				if wrong := scores[n].wrong; len(wrong) > 0 {
					t.Errorf("wrong: %q", wrong)
				}
			})
		}
	})
	table := "| fault | facts | found | missed | wrong |\n|---|---:|---:|---:|---:|\n"
	var sum [4]int
	for n, s := range scores {
		counts := [4]int{len(s.found) + len(s.missed), len(s.found), len(s.missed), len(s.wrong)}
		table += fmt.Sprintf("| %s | %d | %d | %d | %d |\n", all[n].name, counts[0], counts[1], counts[2], counts[3])
		for i, v := range counts {
			sum[i] += v
		}
	}
	table += fmt.Sprintf("| **all** | **%d** | **%d** | **%d** | **%d** |\n", sum[0], sum[1], sum[2], sum[3])
	t.Log("\n" + table)
	compareTable(t, "../../docs/evidence-measured.md", table)
}

func compareTable(t *testing.T, file, table string) {
	t.Helper()
	const start, end = "<!-- the table of TestFaults -->\n\n", "\n<!-- its end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	was, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+start+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(was, table); diff != "" {
		t.Errorf("run with -update, and read the table (-docs +measured):\n%s", diff)
	}
}

// TestPrometheusIsAway has a collector name what it could not find out, and be done in time.
func TestPrometheusIsAway(t *testing.T) {
	server, err := promtest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	o := &opened{client: newClient(t, server.URL())}
	collect := evidence.New(evidence.Options{Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) }})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	e := collect(ctx, alert.Incident{ID: "a", Windows: []alert.Window{{
		Objective: objective().Objective, Kind: alert.Burn, Onset: noon, Detected: minute(2), Ended: minute(40), Counts: slo.Counts{Total: 1000, Bad: 100},
	}}})
	if len(e.Unresolved) != 1 || !strings.Contains(e.Unresolved[0], "Which series store-availability has could not be found out, nor what comes after it: prometheus is unreachable") {
		t.Errorf("got %q", e.Unresolved)
	}
	if e.Chart != nil || len(e.Timeline)+len(e.Contributors)+len(e.Traffic) > 0 {
		t.Errorf("it found %+v", e)
	}
}
