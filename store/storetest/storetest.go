// Package storetest tests every database of lanes, incidents and publications against the contracts
// of alert.Store, issue.Store and the pages' queries, sentence by sentence. It tests nothing
// specific to one database, such as a full disk.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Store is a database that keeps what the fold commits and what the publisher posts, and serves the
// pages.
type Store interface {
	lanes
	issue.Store
	pages
	upkeep
	reports
}

// lanes is what the fold commits to.
type lanes interface {
	alert.Store
	// Acquire makes the caller the only writer of the lanes that Lanes returns, and of publications.
	// It returns the fence of them all, which is higher than any before.
	Acquire(ctx context.Context) (fence int64, err error)
}

// upkeep is what a daemon does beside folding and publishing.
type upkeep interface {
	// Authors returns all accounts that posted publications.
	Authors(ctx context.Context) ([]string, error)
	// ExcludedIncidents returns the incidents of excluded publications, oldest onset first.
	ExcludedIncidents(ctx context.Context) ([]alert.Incident, error)
	// DropIncidents removes at most `most` incidents that ended before a time, earliest end first,
	// and publications that include no others. It returns how many incidents it removed; fewer than
	// `most` means that no more are left. Incidents with something unfinished stay.
	DropIncidents(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error)
}

// reports is what reports read, and what a store.DayKeeper writes for them.
type reports interface {
	// SaveDays keeps days, each in place of what was known of it before. A day that is known less
	// well than it was stays as it is.
	SaveDays(ctx context.Context, all []alert.Days) error
	// DropDays removes days that ended before a time.
	DropDays(ctx context.Context, before time.Time) error
	// Recorded returns days that begin, and incidents with an onset, from start on and before end;
	// and what is learned of the incidents that are published, by ID.
	Recorded(ctx context.Context, start, end time.Time) ([]alert.Days, []alert.Incident, map[string]issue.Learned, error)
}

// pages is what the web pages read: the methods of web.Store that are not in issue.Store.
type pages interface {
	OpenIncidents(ctx context.Context) ([]alert.Incident, error)
	RecoveredIncidents(ctx context.Context, page alert.IncidentPage) ([]alert.Incident, error)
	Summaries(ctx context.Context, incidents []string) (map[string]issue.Summary, error)
}

// Run tests a Store. Each call of open returns a Store on a new, empty database, closed when its
// test ends.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, cases := range map[string]map[string]func(*fixture){
		"Acquire": acquireCases, "Load": loadCases, "Commit": commitCases, "Retry": retryCases, "Checkpoint": checkpointCases,
		"Incidents": incidentCases, "Behind": behindCases, "Publication": publicationCases, "Excluded": excludedCases, "Pages": pageCases, "Summaries": summaryCases, "Drop": dropCases, "Reports": reportCases,
	} {
		t.Run(name, func(t *testing.T) {
			for name, run := range cases {
				t.Run(name, func(t *testing.T) { run(newFixture(t, open(t))) })
			}
		})
	}
}

// RunShared tests what two processes see in one database. Each call of create makes a new, empty
// database, and returns a function that opens it again with each call.
func RunShared(t *testing.T, create func(t *testing.T) (open func(t *testing.T) Store)) {
	for name, run := range sharedCases {
		t.Run(name, func(t *testing.T) {
			open := create(t)
			run(newFixture(t, open(t)), newFixture(t, open(t)))
		})
	}
}

// Lanes returns the names of all lanes that tests write.
func Lanes() []string {
	all := []string{"a", "b", "c", "incidents", "other", "unknown", "Größe ☃"}
	for n := range 200 {
		all = append(all, fmt.Sprint(n), fmt.Sprint("lane ", n))
	}
	return all
}

// start is the first tick of all tests, except those about times.
var start = time.Date(2026, 3, 29, 0, 59, 30, 0, time.UTC)

// tick returns the n-th tick after the start; tick 0 is the zero time.
func tick(n int) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return start.Add(time.Duration(n) * 30 * time.Second)
}

// writer is a daemon that writes to the store under test, with the fence from acquiring it.
type writer struct {
	*testing.T
	Store
	fence int64
}

// fixture is a store under test: its writer, and checks of what a publisher, the pages and reports
// read there.
type fixture struct{ writer }

func newFixture(t *testing.T, s Store) *fixture { return &fixture{writer{T: t, Store: s}} }

func (w *writer) acquire() {
	w.Helper()
	fence, err := w.Acquire(w.Context())
	if err != nil {
		w.Fatalf("acquiring: %v", err)
	}
	w.fence = fence
}

// batch takes a lane from one tick to another, with samples that name their tick.
func (w *writer) batch(lane string, prev, next int) alert.Batch {
	return alert.Batch{Lane: lane, Fence: w.fence, Prev: tick(prev), Tick: tick(next), Samples: samplesOf(lane, tick(next))}
}

func samplesOf(lane string, at time.Time) []byte { return []byte(lane + at.Format(time.RFC3339Nano)) }

// chain returns batches that take a lane from one tick to another, tick by tick.
func (w *writer) chain(lane string, from, to int) []alert.Batch {
	var batches []alert.Batch
	for n := from; n < to; n++ {
		batches = append(batches, w.batch(lane, n, n+1))
	}
	return batches
}

func (w *writer) commit(batches ...alert.Batch) {
	w.Helper()
	if err := w.Commit(w.Context(), batches); err != nil {
		w.Fatalf("committing: %v", err)
	}
}

// commitIncidents commits incidents with the next batch of a lane of their own.
func (w *writer) commitIncidents(incidents ...alert.Incident) {
	w.Helper()
	const lane = "incidents"
	if w.fence == 0 {
		w.acquire()
	}
	prev := w.load(lane).Cursor
	next := tick(1)
	if !prev.IsZero() {
		next = prev.Add(30 * time.Second)
	}
	w.commit(alert.Batch{Lane: lane, Fence: w.fence, Prev: prev, Tick: next, Incidents: incidents})
}

func (w *writer) load(lane string) alert.Recovery {
	w.Helper()
	r, err := w.Load(w.Context(), lane)
	if err != nil {
		w.Fatalf("loading lane %s: %v", lane, err)
	}
	return r
}

// ticks checks that a lane's cursor and rows are those of the ticks from..to.
func (w *writer) ticks(lane string, from, to int) {
	w.Helper()
	got := w.load(lane)
	want := alert.Recovery{Cursor: tick(to)}
	for n := from; n <= to && n > 0; n++ {
		want.Rows = append(want.Rows, alert.Row{Tick: tick(n), Samples: samplesOf(lane, tick(n))})
	}
	w.same("cursor of "+lane, want.Cursor, got.Cursor)
	w.same("rows of "+lane, want.Rows, got.Rows)
}

func (w *writer) save(p issue.Publication) {
	w.Helper()
	if err := w.Save(w.Context(), p); err != nil {
		w.Fatalf("saving: %v", err)
	}
}

func (f *fixture) since(since time.Time) []alert.Incident {
	f.Helper()
	incidents, err := f.Incidents(f.Context(), since)
	if err != nil {
		f.Fatalf("reading incidents: %v", err)
	}
	return incidents
}

// behind checks the incidents to be published, and the publications with open writes.
func (f *fixture) behind(incidents, publications []string) {
	f.Helper()
	i, p, err := f.Behind(f.Context())
	if err != nil {
		f.Fatalf("reading what is behind: %v", err)
	}
	var keys []string
	for _, p := range p {
		keys = append(keys, p.Key)
	}
	f.same("incidents behind", incidents, ids(i))
	less := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	f.same("publications with open writes", publications, keys, less)
}

func (w *writer) same(what string, want, got any, opts ...cmp.Option) {
	w.Helper()
	some := func(a, b []byte) bool { return len(a)+len(b) > 0 } // none and empty are the same
	opts = append(opts, cmpopts.EquateEmpty(), cmp.FilterValues(some, cmp.Comparer(bytes.Equal)),
		cmp.Exporter(func(reflect.Type) bool { return true }))
	if d := cmp.Diff(want, got, opts...); d != "" {
		w.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// incident has one breach window, from one tick to another; it is open if `to` is 0.
func incident(id string, revision, from, to int) alert.Incident {
	return alert.Incident{ID: id, Revision: revision, Group: "checkout", Repository: "acme/checkout", Windows: []alert.Window{{
		Objective: slo.Objective{
			Name: "checkout-availability", Service: "checkout", Target: slo.MustDecimal("0.999"),
			Window:    slo.Window{Rolling: 720 * time.Hour},
			Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `errors{code=~"5.."}`, Total: "requests"}},
		},
		Labels: slo.NewLabels(map[string]string{"region": "eu"}), Kind: alert.Burn,
		Rule:  &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
		Onset: tick(from), Detected: tick(from + 1), Ended: tick(to), PeakBurnRate: 1000.0 / 3,
		Counts: slo.Counts{Total: 1000, Bad: float64(revision) + 1.0/1024},
		Phases: []alert.Phase{{Kind: alert.Outage, Span: slo.Span{Start: tick(from), End: tick(from + 1)}}},
	}}}
}

func ids(incidents []alert.Incident) []string {
	var found []string
	for _, i := range incidents {
		found = append(found, i.ID)
	}
	return found
}
