package prom_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// The world of the accuracy table: two hours of traffic, with an incident of 41 minutes, read in
// ticks of 30 s.
var (
	worldBegin    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	incidentBegin = worldBegin.Add(40 * time.Minute)
	incidentEnd   = incidentBegin.Add(41 * time.Minute)
	worldEnd      = worldBegin.Add(2 * time.Hour)
)

// What counts: all but the edges, so that events not yet scraped at one edge make up for those at
// the other.
var (
	from = worldBegin.Add(10 * time.Minute)
	to   = worldEnd.Add(-10 * time.Minute)
)

const seed = 20260302

// row is one label set of one world: the pods' own counts, and what others make of their scrapes.
type row struct {
	name         string
	labels       slo.Labels
	truth        count
	lost, unseen count // part of the truth
	mixed        count // another part, which nobody can count
	postburn     count
	increase     *count // nil: it can't count such an indicator
	mean         float64
	caveats      []slo.Caveat
}

// TestAccuracy compares what the pods of each world counted with what postburn, increase(), and the
// average of 5m recording rules make of their scrapes. `make accuracy` has a Prometheus or
// VictoriaMetrics program hold the worlds and prints the table.
func TestAccuracy(t *testing.T) {
	t.Logf("seed %d, program %q", seed, program())
	var table []row
	var leftOut []string
	for _, world := range worlds() {
		if world.needs != "" && isVictoriaMetrics() { // which does not store that
			leftOut = append(leftOut, fmt.Sprintf("%q (%s)", world.name, world.needs))
			continue
		}
		t.Run(world.name, func(t *testing.T) {
			rows := world.rows(t)
			for _, r := range rows {
				r.check(t, world.caveats)
			}
			table = append(table, worst(rows))
		})
	}
	for _, world := range lateWorlds() {
		t.Run(world.name, func(t *testing.T) {
			r := world.row(t)
			r.check(t, world.caveats)
			table = append(table, r)
		})
	}
	if file := os.Getenv("ACCURACY_TABLE"); file != "" {
		writeTable(t, file, table, leftOut)
	}
}

// sized are the caveats that say how many events are left out or guessed. Others name counted
// events, or so few that the counts have to be within 1 % anyway.
var sized = []slo.CaveatKind{slo.Interpolated, slo.NoBucket}

// check demands the expected caveats, an error of at most 1 %, one event or what the caveats say is
// missing, and to be no further off than the others, plus a thousandth: increase() has too little
// if processes end, and makes up for it by too much elsewhere. If nobody can count something,
// postburn must count nothing.
func (r row) check(t *testing.T, want []slo.CaveatKind) {
	t.Helper()
	if diff := cmp.Diff(want, kinds(r.caveats)); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
	named := 0.0
	for _, c := range r.caveats {
		if slices.Contains(sized, c.Kind) {
			named += c.Events
		}
		if c.Kind == slo.Reset && r.lost.total > 0 && math.Abs(c.Events-r.lost.total) > 0.1*r.lost.total {
			t.Errorf("%.0f events were lost by resets, the caveat says %.0f", r.lost.total, c.Events)
		}
	}
	unseen := r.unseen
	if !slices.Contains(want, slo.Baseline) {
		unseen = count{}
	}
	counts := func(what string, truth, mixed, postburn, unseen, increase float64) {
		miss := math.Abs(postburn - truth)
		if off := math.Abs(postburn - (truth - mixed)); off > max(1, 0.01*truth, named)+unseen {
			t.Errorf("%s is %.1f, %.2f %% off the truth %.0f; the caveats name %.0f events", what, postburn, 100*miss/truth, truth, named)
		}
		if other := math.Abs(increase - truth); miss > max(other+max(1, 0.001*truth), named) {
			t.Errorf("%s is %.1f off, increase() only %.1f; the caveats name %.0f events", what, miss, other, named)
		}
	}
	increase, mean := count{math.Inf(1), math.Inf(1)}, math.Inf(1)
	if r.increase != nil {
		increase, mean = *r.increase, r.mean
	}
	counts("bad", r.truth.bad, r.mixed.bad, r.postburn.bad, unseen.bad, increase.bad)
	counts("total", r.truth.total, r.mixed.total, r.postburn.total, unseen.total, increase.total)
	// If events of good times are not known, the mean of ratios is nearer by chance: it does not
	// know them either.
	if miss, other := math.Abs(r.postburn.ratio()-r.truth.ratio()), math.Abs(mean-r.truth.ratio()); miss > other+0.001*r.truth.ratio() && unseen == (count{}) {
		t.Errorf("the ratio is %.6f off, the mean of 5m ratios only %.6f", miss, other)
	}
}

// rows returns the rows of a world's label sets.
func (w world) rows(t *testing.T) []row {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	rows := map[slo.Labels]*row{}
	var samples []promtest.Sample
	for _, p := range w.pods {
		life := p.run(rnd, from, to)
		samples = append(samples, life.samples...)
		of := slo.NewLabels(p.labels)
		if rows[of] == nil {
			rows[of] = &row{name: w.name}
		}
		if !p.mirrored {
			rows[of].truth.add(life.counted)
		}
		if p.mixed {
			rows[of].mixed.add(life.counted)
		}
		rows[of].lost.add(life.lost)
		rows[of].unseen.add(life.unseen)
	}
	if w.held != nil {
		rows[""].truth = ticksNot(w.held)
	}
	url := holding(t, samples)
	for labels, found := range w.read(t, url) {
		if rows[labels] == nil {
			t.Fatalf("there is no label set %s", labels)
		}
		rows[labels].postburn, rows[labels].caveats = found.postburn, found.caveats
	}
	var all []row
	for _, labels := range slices.Sorted(maps.Keys(rows)) {
		rows[labels].labels = labels
		if w.total != "" {
			rows[labels].ask(t, url, w)
		}
		all = append(all, *rows[labels])
	}
	return all
}

// ask asks for the counts of the other ways.
func (r *row) ask(t *testing.T, url string, w world) {
	t.Helper()
	whole := model.Duration(to.Sub(from)).String()
	r.increase = &count{total: ask(t, url, in(w.total, whole))[r.labels], bad: ask(t, url, in(w.bad, whole))[r.labels]}
	r.mean = ask(t, url, "avg_over_time(("+in(w.bad, "5m")+" / "+in(w.total, "5m")+")["+whole+":5m])")[r.labels]
}

// in is a query over a range.
func in(query, over string) string { return strings.ReplaceAll(query, "RANGE", over) }

// ticksNot returns the ticks at which a condition does not hold.
func ticksNot(held func(at time.Time) bool) (c count) {
	for at := from.Add(30 * time.Second); !at.After(to); at = at.Add(30 * time.Second) {
		c.total++
		if !held(at) {
			c.bad++
		}
	}
	return c
}

// worst returns the row that is furthest off.
func worst(rows []row) row {
	off := func(r row) float64 {
		return math.Abs(r.postburn.bad-r.truth.bad)/max(1, r.truth.bad) + math.Abs(r.postburn.total-r.truth.total)/max(1, r.truth.total)
	}
	return slices.MaxFunc(rows, func(a, b row) int {
		if off(a) != off(b) {
			return map[bool]int{true: 1, false: -1}[off(a) > off(b)]
		}
		return map[bool]int{true: 1, false: -1}[a.truth.bad > b.truth.bad]
	})
}

// read returns what postburn counts.
func (w world) read(t *testing.T, url string) map[slo.Labels]row {
	t.Helper()
	objective := slo.Objective{Name: "shop", Indicator: w.indicator, GroupBy: w.groupBy}
	ticks := slo.Ticks{First: from.Add(30 * time.Second), Last: to, Interval: 30 * time.Second}
	reading := client(t, prom.Options{URL: url}).Read(t.Context(), []slo.Objective{objective}, ticks)[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	found := map[slo.Labels]row{}
	for _, series := range reading.Series {
		var r row
		for _, s := range series.Samples {
			r.addSample(s)
		}
		found[series.Labels] = r
	}
	return found
}

func (r *row) addSample(s slo.Sample) {
	r.postburn.add(count{s.Total, s.Bad})
	for _, l := range s.Late {
		in := l.Sub(l.Until(from)) // what came late is spread evenly, over the time before as well
		r.postburn.add(count{in.Total, in.Bad})
	}
	r.caveats = slo.MergeCaveats(r.caveats, s.Caveats)
}

// ask returns a query's values by the labels of its series.
func ask(t *testing.T, url, query string) map[slo.Labels]float64 {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: url})
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := v1.NewAPI(client).Query(context.Background(), query, to)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	values := map[slo.Labels]float64{}
	for _, s := range answer.(model.Vector) {
		labels := map[string]string{}
		for name, value := range s.Metric {
			labels[string(name)] = string(value)
		}
		values[slo.NewLabels(labels)] = float64(s.Value)
	}
	return values
}

// writeTable writes the table to a file, in Markdown, and below it the worlds that could not be
// held.
func writeTable(t *testing.T, file string, rows []row, leftOut []string) {
	t.Helper()
	text := &strings.Builder{}
	fmt.Fprintln(text, "| case | bad: truth | postburn | increase() | total: truth | postburn | increase() | ratio: truth | postburn | mean of 5m ratios | caveats |")
	fmt.Fprintln(text, "|"+strings.Repeat(" --- |", 11))
	for _, r := range rows {
		bad, total, mean := "", "", ""
		if r.increase != nil {
			bad, total = off(r.increase.bad, r.truth.bad), off(r.increase.total, r.truth.total)
			mean = fmt.Sprintf("%.4f %%", 100*r.mean)
		}
		fmt.Fprintf(text, "| %s | %.0f | %s | %s | %.0f | %s | %s | %.4f %% | %.4f %% | %s | %s |\n", r.name,
			r.truth.bad, off(r.postburn.bad, r.truth.bad), bad, r.truth.total, off(r.postburn.total, r.truth.total), total,
			100*r.truth.ratio(), 100*r.postburn.ratio(), mean, named(r.caveats))
	}
	if len(leftOut) > 0 {
		fmt.Fprintf(text, "\nLeft out, as VictoriaMetrics does not store what is named: %s.\n", strings.Join(leftOut, "; "))
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// off returns how far a count is off the truth.
func off(found, truth float64) string {
	if truth == 0 {
		return fmt.Sprintf("%.0f", found)
	}
	return fmt.Sprintf("%+.2f %%", 100*(found-truth)/truth)
}

// named are caveats with the events that they name.
func named(caveats []slo.Caveat) string {
	var all []string
	for _, c := range caveats {
		text := string(c.Kind)
		if c.Events > 0 {
			text += fmt.Sprintf(" %.0f", c.Events)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func kinds(caveats []slo.Caveat) (all []slo.CaveatKind) {
	for _, c := range caveats {
		all = append(all, c.Kind)
	}
	return all
}
