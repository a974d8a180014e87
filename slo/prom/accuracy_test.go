package prom_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// The world of the accuracy table: two hours of traffic, with an incident of 41 minutes, read in ticks of 30 s.
var (
	worldBegin    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	incidentBegin = worldBegin.Add(40 * time.Minute)
	incidentEnd   = incidentBegin.Add(41 * time.Minute)
	worldEnd      = worldBegin.Add(2 * time.Hour)
)

// TestAccuracy compares what the pods of each world counted with what postburn, increase(), and the average of 5m recording rules make
// of their scrapes. `make accuracy` prints the table.
func TestAccuracy(t *testing.T) {
	seed := uint64(20260302)
	t.Logf("seed %d", seed)
	out := &strings.Builder{}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "| case\t| bad: truth\t| postburn\t| increase()\t| total: truth\t| postburn\t| increase()\t| ratio: truth\t| postburn\t| mean of 5m ratios\t| caveats\t|")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, world := range worlds() {
		if world.indicator == (slo.Indicator{}) {
			world.indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code="500"}`, Total: `requests_total`}}
			world.bad, world.total = `sum(increase(requests_total{code="500"}[%[1]s]))`, `sum(increase(requests_total[%[1]s]))`
		}
		t.Run(world.name, func(t *testing.T) {
			server := promtest.Start(t)
			rnd := rand.New(rand.NewPCG(seed, 1))
			// All but the edges of the world, so that what is not scraped yet at one edge is what was not at the other.
			from, to := worldBegin.Add(10*time.Minute), worldEnd.Add(-10*time.Minute)
			var truth count
			for _, p := range world.pods {
				samples, counted := p.run(rnd, from, to)
				if err := server.Append(samples...); err != nil {
					t.Fatal(err)
				}
				truth.total, truth.bad = truth.total+counted.total, truth.bad+counted.bad
			}
			found, caveats := readWorld(t, server, world.indicator, from, to)
			whole := model.Duration(to.Sub(from))
			increase := count{total: ask(t, server, to, fmt.Sprintf(world.total, whole)), bad: ask(t, server, to, fmt.Sprintf(world.bad, whole))}
			mean := ask(t, server, to, fmt.Sprintf("avg_over_time((%s / %s)[%s:5m])", fmt.Sprintf(world.bad, "5m"), fmt.Sprintf(world.total, "5m"), whole))
			fmt.Fprintf(table, "| %s\t| %.0f\t| %s\t| %s\t| %.0f\t| %s\t| %s\t| %.4f %%\t| %.4f %%\t| %.4f %%\t| %s\t|\n", world.name,
				truth.bad, off(found.bad, truth.bad), off(increase.bad, truth.bad),
				truth.total, off(found.total, truth.total), off(increase.total, truth.total),
				100*truth.bad/truth.total, 100*found.bad/found.total, 100*mean, kinds(caveats))
			for _, c := range []struct {
				what                   string
				truth, found, increase float64
			}{{"bad", truth.bad, found.bad, increase.bad}, {"total", truth.total, found.total, increase.total}} {
				miss := math.Abs(c.found - c.truth)
				// Nobody can count what a pod did before anybody saw it, or between its last scrape and its end; postburn says so, and does not
				// make up for it.
				has := func(kind slo.CaveatKind) bool {
					return slices.ContainsFunc(caveats, func(c slo.Caveat) bool { return c.Kind == kind })
				}
				named := 0.0
				for _, c := range caveats {
					if c.Kind != slo.LongGap { // those events are counted, late
						named += c.Events
					}
				}
				if miss > max(1, 0.01*c.truth, named) && !has(slo.Baseline) {
					t.Errorf("%s is %.1f, %.2f %% off the truth %.0f; the caveats name %.0f events", c.what, c.found, 100*miss/c.truth, c.truth, named)
				}
				if other := math.Abs(c.increase - c.truth); miss > max(other+max(1, 0.001*c.truth), named) && !has(slo.Reset) && !has(slo.NotANumber) && !has(slo.Baseline) {
					t.Errorf("%s is %.1f off, increase() only %.1f", c.what, miss, other)
				}
			}
		})
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("ACCURACY_TABLE") != "" {
		fmt.Print(out.String())
	}
}

// readWorld is what postburn counts.
func readWorld(t *testing.T, server *promtest.Server, indicator slo.Indicator, from, to time.Time) (found count, caveats []slo.Caveat) {
	t.Helper()
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	objective := slo.Objective{Name: "shop", Indicator: indicator}
	ticks := slo.Ticks{First: from.Add(30 * time.Second), Last: to, Interval: 30 * time.Second}
	reading := client.Read(t.Context(), []slo.Objective{objective}, ticks)[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	for _, s := range reading.Series[0].Samples {
		found.total, found.bad = found.total+s.Total, found.bad+s.Bad
		caveats = slo.MergeCaveats(caveats, s.Caveats)
		for _, l := range s.Late {
			found.total, found.bad = found.total+l.Total, found.bad+l.Bad
		}
	}
	return found, caveats
}

func ask(t *testing.T, server *promtest.Server, at time.Time, query string) float64 {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := v1.NewAPI(client).Query(context.Background(), query, at)
	if err != nil {
		t.Fatal(err)
	}
	if vector, ok := value.(model.Vector); ok && len(vector) == 1 {
		return float64(vector[0].Value)
	}
	return 0
}

// off is by how much a count is off the truth.
func off(found, truth float64) string {
	if truth == 0 {
		return fmt.Sprintf("%.0f", found)
	}
	return fmt.Sprintf("%+.2f %%", 100*(found-truth)/truth)
}

func kinds(caveats []slo.Caveat) string {
	var all []string
	for _, c := range caveats {
		all = append(all, string(c.Kind))
	}
	return strings.Join(all, ", ")
}
